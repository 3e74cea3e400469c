"""The queries of evidence."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

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
    session: Session, district_code: str, case_id: uuid.UUID, sha256: str
) -> Evidence | None:
    """The photo of a case that has these bytes already."""
    return session.scalars(
        select(Evidence).where(
            Evidence.district_code == district_code,
            Evidence.case_id == case_id,
            Evidence.sha256 == sha256,
        )
    ).first()


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
