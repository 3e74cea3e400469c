"""Writes where a case stands into its file, and starts the clock of its step."""

from __future__ import annotations

import datetime as dt

from gridsvc.cases.core.models import CaseFile
from gridsvc.cases.core.progress import Progress
from gridsvc.cases.core.timing import due_at, next_limit, started
from gridsvc.city.current import current
from gridsvc.city.limits import Limit
from gridsvc.city.procedures.model import Procedure

__all__ = ["enter", "grade_of", "keep", "running_of", "step_start"]


def running_of(case: CaseFile) -> Procedure:
    """The procedure of a case, in the version that it began with. Raises Unavailable."""
    return current().procedures.of(case.procedure, case.procedure_version)


def grade_of(case: CaseFile) -> Limit | None:
    """The limit of a case's grade; None for a case without one."""
    grade = None if case.grade is None else current().procedures.grades.get(case.grade)
    return None if grade is None else grade.limit


def step_start(case: CaseFile) -> dt.datetime:
    """When the present step became due."""
    return case.step_since or case.opened_at


def enter(
    case: CaseFile,
    running: Procedure,
    progress: Progress,
    *,
    since: dt.datetime,
    now: dt.datetime | None = None,
) -> None:
    """A case comes to a step at ``since``, with the full time for it; written ``now``."""
    step = running.step(progress.step)
    if step is None:
        raise AssertionError(f"progress names '{progress.step}', unknown to {running.name}")
    case.procedure, case.procedure_version = running.name, running.version
    case.step_since, case.suspended_until = since, None
    grade, days = grade_of(case), current().calendar
    timed = {"since": since, "opened_at": case.opened_at}
    progress = started(running, progress, **timed, grade=grade, days=days)
    case.limit_at = due_at(step, **timed, grade=grade, days=days)
    keep(case, running, progress, at=since, now=now)


def keep(
    case: CaseFile,
    running: Procedure,
    progress: Progress,
    *,
    at: dt.datetime,
    now: dt.datetime | None = None,
) -> None:
    """Write the progress of a case into its file; the clock of its step goes on.

    ``now`` is when that is written, ``at`` when left out: a limit that has passed by then stays
    the case's deadline.
    """
    case.progress, case.step = progress.to_json(), progress.step
    case.lead_body = progress.lead
    case.limit_at = next_limit(running, progress, case.limit_at)
    if progress.closed:
        case.state, case.closed_at, case.suspended_until = "closed", at, None
    elif case.due_at is None or (now or at) < case.due_at:
        case.due_at = case.limit_at
