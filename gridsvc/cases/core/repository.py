"""The queries of case files."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from gridsvc.cases.core.cursor import CasePlace
from gridsvc.cases.core.models import Appeal, CaseFile, HandIn

__all__ = [
    "appeal_of",
    "appeals",
    "case_by_id",
    "cases_by_id",
    "cases_of",
    "hand_ins",
    "lock_case",
]


def case_by_id(session: Session, case_id: uuid.UUID) -> CaseFile | None:
    """The case of an id."""
    return session.scalar(select(CaseFile).where(CaseFile.id == case_id))


def cases_by_id(session: Session, case_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, CaseFile]:
    """The cases of these ids."""
    found = session.scalars(select(CaseFile).where(CaseFile.id.in_(set(case_ids))))
    return {case.id: case for case in found}


def lock_case(session: Session, case_id: uuid.UUID) -> CaseFile | None:
    """The case of an id, kept for this transaction: of two at once, one waits."""
    return session.scalar(
        select(CaseFile)
        .where(CaseFile.id == case_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def hand_ins(session: Session, case: CaseFile) -> list[HandIn]:
    """Everything that bodies handed in in a case, in its order."""
    return list(
        session.scalars(
            select(HandIn)
            .where(HandIn.district_code == case.district_code, HandIn.case_id == case.id)
            .order_by(HandIn.n)
        )
    )


def appeals(session: Session, case: CaseFile) -> list[Appeal]:
    """The appeals of a case, by body."""
    return list(
        session.scalars(
            select(Appeal)
            .where(Appeal.district_code == case.district_code, Appeal.case_id == case.id)
            .order_by(Appeal.body_code)
        )
    )


def appeal_of(session: Session, case: CaseFile, body: str) -> Appeal | None:
    """The appeal of a body in a case."""
    return session.get(Appeal, (case.district_code, case.id, body))


def cases_of(
    session: Session,
    *,
    prefix: str,
    body: str | None,
    state: str | None,
    by_limit: bool,
    after: CasePlace | None,
    limit: int,
) -> list[CaseFile]:
    """Cases of districts under a prefix (or joint ones), from behind ``after``.

    The newest last; or with ``by_limit`` the most urgent first, those without a limit last.
    """
    query = select(CaseFile).limit(limit)
    if prefix:
        district = prefix[:6]
        query = query.where(
            CaseFile.district_code.startswith(district)
            | CaseFile.participant_district.startswith(district)
        )
    if body is not None:
        query = query.where(CaseFile.lead_body == body)
    if state is not None:
        query = query.where(CaseFile.state == state)
    if not by_limit:
        query = query.order_by(CaseFile.id)
        if after is not None:
            query = query.where(CaseFile.id > after.id)
    else:
        query = query.order_by(CaseFile.limit_at.nulls_last(), CaseFile.id)
        if after is not None and after.limit_at is None:
            query = query.where(CaseFile.limit_at.is_(None), CaseFile.id > after.id)
        elif after is not None:
            behind = tuple_(CaseFile.limit_at, CaseFile.id) > (after.limit_at, after.id)
            query = query.where(behind | CaseFile.limit_at.is_(None))
    return list(session.scalars(query))
