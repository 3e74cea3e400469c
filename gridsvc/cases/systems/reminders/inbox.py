"""What waits for the supervision, the command and the leader of a district."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.cases.core.messages.repository import due_messages
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.schemas import MessageAnswer, StatedTime
from gridsvc.cases.systems.appeals import undecided_appeals
from gridsvc.cases.systems.extensions import ExtensionWaiting, waiting_extensions
from gridsvc.cases.systems.leader_notes import LeaderNoteWaiting, leader_of, waiting_notes
from gridsvc.cases.systems.reminders import repository
from gridsvc.cases.systems.reminders.schemas import AppealWaiting, TimeWaiting, WorkWaiting
from gridsvc.cases.systems.tasks import count_late, found_at
from gridsvc.city import City
from gridsvc.city.procedures.model import Actor
from gridsvc.errors import NotAllowed
from gridsvc.registry.postings.repository import count_late as count_late_answers

_OF = (Actor.SUPERVISION, Actor.COMMAND)


def leader_inbox(
    session: Session, caller: Caller, district: str, *, now: dt.datetime, most: int
) -> dict[str, Any]:
    """What is late in a district, the latest first, and how much of it each body leads.

    With the reminders for its leader. Raises NotAllowed.
    """
    _check_right(caller, district)
    late = repository.late_cases(session, district, now=now, most=most)
    told = due_messages(session, leader_of(district), after=None, limit=most, now=now, newest=True)
    return {
        "district_code": district,
        "counts": repository.count_late(session, district, now=now),
        "late": [_waiting(case, now) for case in late],
        "notes": [LeaderNoteWaiting.of(one) for one in waiting_notes(session, district, most=most)],
        "messages": [MessageAnswer.of(one) for one in told],
    }


def inbox(
    session: Session, city: City, caller: Caller, district: str, *, now: dt.datetime, most: int
) -> dict[str, Any]:
    """Work to file, dispatch and verify; refusals, appeals, extensions, stated times, reminders.

    Of each the most urgent or oldest ``most``; ``counts`` has all of the work. Raises NotAllowed.
    """
    _check_right(caller, district)
    steps = [
        (one.name, one.version, step.name)
        for one in city.procedures.procedures.values()
        for step in one.steps
        if step.by in _OF
    ]
    counts: Counter[str] = Counter()
    for step, returned, number in repository.count_at(session, district, steps):
        counts["refusal" if returned else step] += number
    cases = repository.cases_at(session, district, steps, most=most)
    found = found_at(session, district, {(case.id, case.step) for case in cases})
    work = [_waiting(case, now, found.get(case.id)) for case in cases]
    reminders = due_messages(session, district, after=None, limit=most, now=now, newest=True)
    return {
        "district_code": district,
        "counts": dict(sorted(counts.items())),
        "work": work,
        "late_tasks": count_late(session, district, now),
        "late_answers": count_late_answers(session, district, now),
        "appeals": [
            AppealWaiting.of(one) for one in undecided_appeals(session, district, most=most)
        ],
        "extensions": [
            ExtensionWaiting.of(one)
            for one in waiting_extensions(session, district, now=now, most=most)
        ],
        "stated_times": [
            TimeWaiting(case_id=one.case_id, stated=StatedTime.of(one))
            for one in repository.undecided_times(session, district, most=most)
        ],
        "messages": [MessageAnswer.of(one) for one in reminders],
    }


def _check_right(caller: Caller, district: str) -> None:
    if not caller.supervises(district):
        raise NotAllowed(f"This inbox is for the supervision of {district[:40]}.")


def _waiting(case: Case, now: dt.datetime, found: str | None = None) -> WorkWaiting:
    return WorkWaiting(
        kind="refusal" if case.progress.get("returned") else case.step,
        case_id=case.id,
        lead_body=case.lead_body,
        since=case.step_since or case.opened_at,
        limit_at=case.limit_at,
        overall_limit_at=case.overall_at,
        overdue=case.limit_at is not None and now >= case.limit_at,
        found=found,
    )
