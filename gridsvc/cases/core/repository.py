"""The queries of cases."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from gridsvc.cases.core.models import Case, StatedTime, Submission
from gridsvc.errors import NotFound


def case_by_id(session: Session, case_id: uuid.UUID) -> Case | None:
    """The case of an id."""
    return session.scalar(select(Case).where(Case.id == case_id))


def cases_by_id(session: Session, case_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Case]:
    """The cases of these ids."""
    found = session.scalars(select(Case).where(Case.id.in_(set(case_ids))))
    return {case.id: case for case in found}


#: Made once: to build it costs as much as to ask it.
_LOCKED_CASE = (
    select(Case)
    .where(Case.id == bindparam("id"))
    .with_for_update()
    .execution_options(populate_existing=True)
)


def lock_case(session: Session, case_id: uuid.UUID) -> Case:
    """The case of an id, kept for this transaction: of two at once, one waits.

    Raises NotFound.
    """
    case = session.scalar(_LOCKED_CASE, {"id": case_id})
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


def stated_times(session: Session, case: Case) -> list[StatedTime]:
    """Every time that bodies stated in a case, in its order."""
    return list(
        session.scalars(
            select(StatedTime)
            .where(StatedTime.district_code == case.district_code, StatedTime.case_id == case.id)
            .order_by(StatedTime.n)
        )
    )


def provisional_cases(session: Session) -> list[uuid.UUID]:
    """The open cases with a limit that counts days that were not announced when it was set."""
    query = select(Case.id).where(Case.limits_provisional, Case.state == "open").order_by(Case.id)
    return list(session.scalars(query))


def provisional_submissions(session: Session) -> list[Submission]:
    """What was overdue by such a limit, and has not been excused, in the order of its cases."""
    query = (
        select(Submission)
        .where(Submission.course.is_not(None), Submission.excused.is_(None))
        .order_by(Submission.case_id, Submission.n)
    )
    return list(session.scalars(query))
