"""The queries of appeals."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from gridsvc.cases.core.models import Case
from gridsvc.cases.systems.appeals.models import Appeal


def appeals_of(session: Session, case: Case) -> list[Appeal]:
    """The appeals of a case, by body."""
    return list(
        session.scalars(
            select(Appeal)
            .where(Appeal.district_code == case.district_code, Appeal.case_id == case.id)
            .order_by(Appeal.body_code)
        )
    )


def appeal_of(session: Session, case: Case, body: str) -> Appeal | None:
    """The appeal of a body in a case."""
    return session.get(Appeal, (case.district_code, case.id, body))


def undecided_appeals(session: Session, district: str, *, most: int) -> list[Appeal]:
    """The appeals of a district that supervision has not decided, the oldest first."""
    return list(
        session.scalars(
            select(Appeal)
            .where(Appeal.district_code == district, Appeal.accepted.is_(None))
            .order_by(Appeal.appealed_at, Appeal.case_id, Appeal.body_code)
            .limit(most)
        )
    )
