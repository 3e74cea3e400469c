"""The queries of stored reports: one by its name, those of a case, where all of them are."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    func,
    literal,
    literal_column,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from gridsvc.cases.core.models import Case
from gridsvc.cases.intake.models import WORDS, Receipt, Report, ReportPlacement
from gridsvc.errors import BadInput
from gridsvc.registry.editions.points import PlacedThings, read_places


def contains(word: str) -> ColumnElement[bool]:
    """Whether a report contains a word of two letters or more, whatever its width and case.

    The pairs of letters are found in an index, the word itself then in what they found.
    """
    whole, wanted = literal_column(WORDS, type_=String()), literal(word, String())
    pairs = func.text_pairs(whole, type_=ARRAY(String()))
    return and_(
        pairs.contains(func.text_pairs(wanted, type_=ARRAY(String()))),
        func.strpos(_folded(whole), _folded(wanted)) > 0,
    )


def _folded(words: ColumnElement[str]) -> ColumnElement[str]:
    return func.lower(func.normalize(words, literal_column("NFKC")))


def report_by_id(session: Session, report_id: uuid.UUID) -> Report | None:
    """The report of an id."""
    return session.scalar(select(Report).where(Report.id == report_id))


def others_drew(session: Session, case: Case, subject: str) -> bool:
    """Whether somebody else has sent a footprint with a report of a case."""
    drawn = select(Report.id).where(
        Report.case_district == case.district_code,
        Report.case_id == case.id,
        Report.reporter_subject != subject,
        Report.footprint.is_not(None),
    )
    return bool(session.scalar(select(drawn.exists())))


def report_by_receipt(session: Session, value: str) -> Report | None:
    """The report of a receipt."""
    receipt = session.get(Receipt, value)
    if receipt is None:
        return None
    return session.get(Report, (receipt.district_code, receipt.report_id))


_POINTS = text(
    "select district_code, id, st_x(point), st_y(point) from report"
    " where (district_code, id) > (:district, cast(:id as uuid))"
    " order by district_code, id limit :limit"
)


def report_points(session: Session, after: tuple[str, str], limit: int) -> PlacedThings:
    """Where reports are, behind a pair of district and id; the pin that was set last.

    Raises BadInput for what is not an id of a report.
    """
    district, id = after
    try:
        known = uuid.UUID(id) if id else uuid.UUID(int=0)
    except ValueError:
        raise BadInput(
            "Invalid cursor; pass `next` of the previous page.",
            field="cursor",
        ) from None
    return read_places(session, _POINTS, (district, str(known)), limit)


def last_placement(
    session: Session, district_code: str, report_id: uuid.UUID
) -> ReportPlacement | None:
    """The newest placement of a report."""
    return session.scalar(
        select(ReportPlacement)
        .where(
            ReportPlacement.district_code == district_code,
            ReportPlacement.report_id == report_id,
        )
        .order_by(ReportPlacement.n.desc())
        .limit(1)
    )


def cases_joined_into(session: Session, case: Case) -> list[Case]:
    """The cases that were joined into a case, the first one first."""
    return list(
        session.scalars(
            select(Case)
            .where(
                Case.joined_into == case.id,
                Case.joined_into_district == case.district_code,
            )
            .order_by(Case.opened_at, Case.id)
        )
    )


def reports_page(
    session: Session,
    case: Case,
    *,
    after: tuple[dt.datetime, uuid.UUID] | None,
    limit: int,
) -> list[Report]:
    """Reports of a case in the order in which people reported, from behind ``after``."""
    query = _of(case).order_by(Report.created_at, Report.id).limit(limit)
    if after is not None:
        query = query.where(tuple_(Report.created_at, Report.id) > after)
    return list(session.scalars(query))


def reports_of(session: Session, case: Case) -> list[Report]:
    """Every report of a case, the first one first."""
    return list(session.scalars(_of(case).order_by(Report.created_at, Report.id)))


def report_count(session: Session, case: Case) -> int:
    """How many reports a case has."""
    return session.scalar(select(func.count()).select_from(_of(case).subquery())) or 0


def report_counts(session: Session, case_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """How many reports each of these cases has; a case without any is left out."""
    districts = select(Case.district_code, Case.id).where(Case.id.in_(case_ids))
    rows = session.execute(
        select(Report.case_id, func.count())
        .where(tuple_(Report.case_district, Report.case_id).in_(districts))
        .group_by(Report.case_id)
    )
    return {row[0]: row[1] for row in rows}


def part_of_reports(session: Session, case: Case, part_code: str) -> str | None:
    """The part, if a report of the case names it; else None."""
    query = _of(case).where(Report.part_code == part_code).limit(1)
    return part_code if session.scalar(query) is not None else None


def address_of(session: Session, case: Case) -> tuple[str | None, bool]:
    """The form of the first address that a report of a case gives, and whether it came later."""
    given = select(Report.place_key).where(
        Report.case_district == case.district_code, Report.case_id == case.id
    )
    keys = list(session.scalars(given.order_by(Report.created_at, Report.id)))
    key = next((key for key in keys if key is not None), None)
    return key, key is not None and keys[0] is None


def first_reported_at(session: Session, case: Case) -> dt.datetime | None:
    """When the first person reported; None for a case without reports, all taken out."""
    return session.scalar(
        select(func.min(Report.created_at)).where(
            Report.case_district == case.district_code, Report.case_id == case.id
        )
    )


def send_reports(
    session: Session, source: Case, target: Case, ids: Sequence[uuid.UUID] | None
) -> list[Report]:
    """Give reports of a case to another; None: all of them. Gives them in their order."""
    query = _of(source).order_by(Report.created_at, Report.id)
    if ids is not None:
        query = query.where(Report.id.in_(ids))
    sent = list(session.scalars(query))
    for report in sent:
        left = [report.case_district, str(report.case_id)]
        report.earlier_cases = [*report.earlier_cases, left]
        report.case_district, report.case_id = target.district_code, target.id
    session.flush()
    return sent


def _of(case: Case) -> Select[Report]:
    return select(Report).where(
        Report.case_district == case.district_code, Report.case_id == case.id
    )
