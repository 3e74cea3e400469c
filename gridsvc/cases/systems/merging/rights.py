"""Two cases in the hands of one person: locked in one order, and his to join and split."""

from __future__ import annotations

import uuid

from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.cases.core import repository as files
from gridsvc.cases.core.models import CaseFile
from gridsvc.cases.core.progress import Progress
from gridsvc.cases.core.trace import repository as trace
from gridsvc.errors import NotAllowed, NotFound, StepRefused

__all__ = ["bodies_in", "check_in_hand", "check_open_target", "locked", "refuse_joined"]


def locked(session: Session, *case_ids: uuid.UUID) -> list[CaseFile]:
    """These cases, kept for this transaction; locked by id, so that no two wait for each other.

    Raises NotFound.
    """
    found = {case_id: files.lock_case(session, case_id) for case_id in sorted(set(case_ids))}
    cases = []
    for case_id in case_ids:
        case = found[case_id]
        if case is None:
            raise NotFound(f"There is no case {case_id}.")
        cases.append(case)
    return cases


def check_in_hand(caller: Caller, case: CaseFile) -> None:
    """Who directs the district joins and splits its cases; a body those that it leads.

    Raises NotAllowed.
    """
    if caller.supervises(case.district_code):
        return
    own = caller.body or (caller.area if caller.role is Role.STREET else None)
    if own is None or own != case.lead_body:
        raise NotAllowed(
            f"Case {case.id} is led by {case.lead_body} in {case.district_code}; its reports are"
            " joined and split by that body, or by a token of role district, city or admin that"
            " covers it."
        )


def refuse_joined(session: Session, case: CaseFile) -> None:
    """Say by whom and into which a case was joined, if it was. Raises StepRefused."""
    if case.joined_into is None:
        return
    entry = trace.last_of(session, case.district_code, case.id, "joined_into")
    who = "" if entry is None else f" by {entry.actor} at {entry.at.isoformat()}"
    raise StepRefused(
        f"Case {case.id} was joined into {case.joined_into}{who}; go on there.",
        joined_into=str(case.joined_into),
        by=None if entry is None else entry.actor,
    )


def check_open_target(session: Session, case: CaseFile) -> None:
    """Reports are given to open cases only. Raises StepRefused."""
    refuse_joined(session, case)
    if case.closed_at is not None:
        raise StepRefused(
            f"Case {case.id} was closed at {case.closed_at.isoformat()} and takes no reports; give"
            " them to an open case, or join this one into it."
        )


def bodies_in(case: CaseFile) -> list[str]:
    """Who has a part in a case: its lead, its seats, and those that its steps called."""
    progress = Progress.from_json(case.progress)
    seats = [body for _, body in progress.seats]
    return list(dict.fromkeys([case.lead_body, *seats, *progress.called_bodies]))
