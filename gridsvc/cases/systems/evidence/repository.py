"""The queries of evidence."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from gridsvc.cases.core.models import Case
from gridsvc.cases.systems.evidence.models import Evidence


def evidence_of(session: Session, district_code: str, case_id: uuid.UUID) -> list[Evidence]:
    """The photos of a case, in the order in which they were given."""
    return list(
        session.scalars(
            select(Evidence)
            .where(Evidence.district_code == district_code, Evidence.case_id == case_id)
            .order_by(Evidence.id)
        )
    )


def evidence_by_id(
    session: Session, district_code: str, case_id: uuid.UUID, id: uuid.UUID
) -> Evidence | None:
    """One photo of a case."""
    found = session.get(Evidence, (district_code, id))
    return found if found is not None and found.case_id == case_id else None


def same_photo(
    session: Session, case: Case, sha256: str, report_id: uuid.UUID | None
) -> Evidence | None:
    """The photo of a case that has these bytes already and was given with the same report."""
    return session.scalars(
        select(Evidence).where(
            Evidence.district_code == case.district_code,
            Evidence.case_id == case.id,
            Evidence.sha256 == sha256,
            Evidence.report_id.is_not_distinct_from(report_id),
        )
    ).first()


def of_report(session: Session, report_id: uuid.UUID) -> Sequence[Evidence]:
    """The photos that a reporter gave with a report, in every case that it has been in."""
    return session.scalars(
        select(Evidence).where(Evidence.report_id == report_id).order_by(Evidence.id)
    ).all()


def those_of_case(
    session: Session, district_code: str, case_id: uuid.UUID, ids: Collection[uuid.UUID]
) -> set[uuid.UUID]:
    """Which of the ids are photos of the case."""
    return set(
        session.scalars(
            select(Evidence.id).where(
                Evidence.district_code == district_code,
                Evidence.case_id == case_id,
                Evidence.id.in_(ids),
            )
        )
    )


def given_by(
    session: Session, district_code: str, case_id: uuid.UUID, subject: str
) -> list[Evidence]:
    """The photos of a case that somebody gave."""
    return [one for one in evidence_of(session, district_code, case_id) if one.given_by == subject]


def all_evidence(session: Session, *, batch: int) -> Iterator[Evidence]:
    """Every photo of every case, by district and id, read in batches."""
    yield from session.scalars(
        select(Evidence)
        .order_by(Evidence.district_code, Evidence.id)
        .execution_options(yield_per=batch)
    )
