"""Until when a step must be taken, by its limit, the case's grade, and each body's own clock."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from gridsvc.cases.core.progress import Progress
from gridsvc.city.calendar import Calendar
from gridsvc.city.limits import Limit, deadline
from gridsvc.city.procedures.model import Actor, Procedure, Step

__all__ = ["due_at", "limit_of", "next_limit", "started"]


def limit_of(step: Step, grade: Limit | None) -> Limit | None:
    """The limit of a step in a case of a grade; None for a step without one."""
    return grade if step.graded and grade is not None else step.limit


def due_at(
    step: Step,
    *,
    since: dt.datetime,
    opened_at: dt.datetime,
    grade: Limit | None,
    days: Calendar,
) -> dt.datetime | None:
    """Until when a step that became due at ``since`` must be taken; None without a limit."""
    limit = limit_of(step, grade)
    if limit is None:
        return None
    return _run(limit, opened_at if step.from_opening else since, days)


def started(
    procedure: Procedure,
    progress: Progress,
    *,
    since: dt.datetime,
    opened_at: dt.datetime,
    grade: Limit | None,
    days: Calendar,
) -> Progress:
    """The progress with the clock of every called body started for the present step."""
    step = procedure.step(progress.step)
    if step is None or step.by is not Actor.EACH_CALLED:
        return progress
    common = due_at(step, since=since, opened_at=opened_at, grade=grade, days=days)
    called = tuple(
        replace(
            each,
            since=since,
            limit_at=common if each.own is None else _run(each.own, since, days),
        )
        for each in progress.called
    )
    return replace(progress, called=called)


def next_limit(
    procedure: Procedure, progress: Progress, otherwise: dt.datetime | None
) -> dt.datetime | None:
    """The next limit to fall: of bodies with clocks of their own the earliest that still runs."""
    step = procedure.step(progress.step)
    if progress.closed:
        return None
    if step is None or step.by is not Actor.EACH_CALLED:
        return otherwise
    return min((each.limit_at for each in progress.waits_for() if each.limit_at), default=None)


def _run(limit: Limit, since: dt.datetime, days: Calendar) -> dt.datetime:
    return deadline(since, dt.timedelta(hours=limit.hours), limit.clock, days)
