"""The queries of cases."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from gridsvc.cases.core.cursor import CasePlace
from gridsvc.cases.core.models import Case, Submission
from gridsvc.errors import NotFound

__all__ = [
    "case_by_id",
    "cases_by_id",
    "cases_of",
    "lock_case",
    "submissions",
]


def case_by_id(session: Session, case_id: uuid.UUID) -> Case | None:
    """The case of an id."""
    return session.scalar(select(Case).where(Case.id == case_id))


def cases_by_id(session: Session, case_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Case]:
    """The cases of these ids."""
    found = session.scalars(select(Case).where(Case.id.in_(set(case_ids))))
    return {case.id: case for case in found}


def lock_case(session: Session, case_id: uuid.UUID) -> Case:
    """The case of an id, kept for this transaction: of two at once, one waits.

    Raises NotFound.
    """
    case = session.scalar(
        select(Case)
        .where(Case.id == case_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if case is None:
        raise NotFound(f"There is no case {case_id}.")
    return case


def submissions(session: Session, case: Case) -> list[Submission]:
    """Everything that bodies submitted in a case, in its order."""
    return list(
        session.scalars(
            select(Submission)
            .where(Submission.district_code == case.district_code, Submission.case_id == case.id)
            .order_by(Submission.n)
        )
    )


def cases_of(
    session: Session,
    *,
    prefix: str,
    body: str | None,
    state: str | None,
    by_limit: bool,
    after: CasePlace | None,
    limit: int,
) -> list[Case]:
    """Cases of districts under a prefix (or joint ones), from behind ``after``.

    The newest last; or with ``by_limit`` the most urgent first, those without a limit last.
    """
    query = select(Case).limit(limit)
    if prefix:
        district = prefix[:6]
        query = query.where(
            Case.district_code.startswith(district) | Case.participant_district.startswith(district)
        )
    if body is not None:
        query = query.where(Case.lead_body == body)
    if state is not None:
        query = query.where(Case.state == state)
    if not by_limit:
        query = query.order_by(Case.id)
        if after is not None:
            query = query.where(Case.id > after.id)
    else:
        query = query.order_by(Case.limit_at.nulls_last(), Case.id)
        if after is not None and after.limit_at is None:
            query = query.where(Case.limit_at.is_(None), Case.id > after.id)
        elif after is not None:
            behind = tuple_(Case.limit_at, Case.id) > (after.limit_at, after.id)
            query = query.where(behind | Case.limit_at.is_(None))
    return list(session.scalars(query))
