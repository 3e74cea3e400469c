"""Two cases that one person joins or splits: locked in one order, and theirs to direct."""

from __future__ import annotations

import uuid

from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.progress import Progress
from gridsvc.cases.core.repository import lock_case
from gridsvc.cases.core.service import refuse_joined
from gridsvc.errors import NotAllowed, StepRefused

__all__ = ["bodies_in", "check_directs", "check_open_target", "locked"]


def locked(session: Session, *case_ids: uuid.UUID) -> list[Case]:
    """These cases, kept for this transaction; locked by id, so that no two wait for each other.

    Raises NotFound.
    """
    found = {case_id: lock_case(session, case_id) for case_id in sorted(set(case_ids))}
    return [found[case_id] for case_id in case_ids]


def check_directs(caller: Caller, case: Case) -> None:
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


def check_open_target(session: Session, case: Case) -> None:
    """Reports are given to open cases only. Raises StepRefused."""
    refuse_joined(session, case)
    if case.closed_at is not None:
        raise StepRefused(
            f"Case {case.id} was closed at {case.closed_at.isoformat()} and takes no reports; give"
            " them to an open case, or join this one into it."
        )


def bodies_in(case: Case) -> list[str]:
    """Who has a part in a case: its lead, its seats, and those that its steps called."""
    progress = Progress.from_json(case.progress)
    seats = [body for _, body in progress.seats]
    return list(dict.fromkeys([case.lead_body, *seats, *progress.called_bodies]))
