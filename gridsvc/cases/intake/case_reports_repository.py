"""The queries of the reports of a case."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import Session

from gridsvc.cases.core.models import Case
from gridsvc.cases.intake.models import Report


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
        report.case_district, report.case_id = target.district_code, target.id
    session.flush()
    return sent


def _of(case: Case) -> Select[Report]:
    return select(Report).where(
        Report.case_district == case.district_code, Report.case_id == case.id
    )
