"""Where a case stands, how it begins, and until when its step must be taken."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from gridsvc.city.calendar import Calendar, Limit
from gridsvc.city.course import Course
from gridsvc.city.procedures.model import Actor, Procedure, Step


@dataclass(frozen=True, slots=True)
class Summoned:
    """A body that a step called, with a clock of its own.

    ``since`` and ``limit_at`` are those of the step that it has to take; ``own`` is the limit
    that its call gave it, None for the step's.
    """

    body: str
    since: dt.datetime
    limit_at: dt.datetime | None = None
    own: Limit | None = None
    score: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The form in which a case file keeps it."""
        return {
            "body": self.body,
            "since": self.since.isoformat(),
            "limit_at": self.limit_at and self.limit_at.isoformat(),
            "own": self.own and self.own.to_json(),
            "score": self.score,
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Summoned:
        """The called body that :meth:`to_json` wrote."""
        limit_at = kept["limit_at"] and dt.datetime.fromisoformat(kept["limit_at"])
        own = kept["own"] and Limit.from_json(kept["own"])
        since = dt.datetime.fromisoformat(kept["since"])
        return cls(kept["body"], since, limit_at, own, kept["score"])


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a case stands: its step, who holds which role, and who has taken the step.

    ``repeats`` counts how often the procedure's repeating step was taken in all; ``refused_by``
    keeps the bodies that sent it back as not theirs, in their order. ``returned``: it was sent
    back, and whoever received it may only send it on or return it; ``ruled``: who received it has
    sent it on, which settles who answers. ``handlers`` and ``checkers``
    are the subjects of the tokens that handled or dispatched it, and that filed or checked it;
    ``reporter`` is the id of the token that opened it, ``assistants`` those who assist. ``named``
    are the bodies, and persons as ``person:SUBJECT``, that were named to act; ``said`` the called
    bodies that have given their word.
    """

    step: str
    lead: str
    other: str | None = None
    taken_by: tuple[str, ...] = ()
    repeats: int = 0
    closed: bool = False
    refused_by: tuple[str, ...] = ()
    returned: bool = False
    ruled: bool = False
    seats: tuple[tuple[Actor, str], ...] = ()
    called: tuple[Summoned, ...] = ()
    handlers: tuple[str, ...] = ()
    checkers: tuple[str, ...] = ()
    reporter: str = ""
    assistants: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    said: tuple[str, ...] = ()

    @property
    def sides(self) -> tuple[str, ...]:
        """The body codes of the sides, the lead first."""
        return (self.lead,) if self.other is None else (self.lead, self.other)

    @property
    def called_bodies(self) -> tuple[str, ...]:
        """The codes of the called bodies, in the order of their calls."""
        return tuple(called.body for called in self.called)

    def seat(self, role: Actor) -> str | None:
        """The body that holds a role, None when nobody does yet."""
        return dict(self.seats).get(role)

    def seated(self, role: Actor, body: str) -> Progress:
        """The same case with a body in a seat."""
        others = tuple(seat for seat in self.seats if seat[0] != role)
        return replace(self, seats=(*others, (role, body)))

    def at(self, step: str) -> Progress:
        """The same case at another step, taken by nobody yet."""
        return replace(self, step=step, taken_by=())

    @property
    def silent(self) -> tuple[str, ...]:
        """The called bodies that have not given their word."""
        return tuple(body for body in self.called_bodies if body not in self.said)

    def waits_for(self) -> Iterable[Summoned]:
        """The called bodies that have not taken the present step."""
        return (called for called in self.called if called.body not in self.taken_by)

    def to_json(self) -> dict[str, Any]:
        """The form in which a case file keeps it."""
        return {
            "step": self.step,
            "lead": self.lead,
            "other": self.other,
            "taken_by": list(self.taken_by),
            "repeats": self.repeats,
            "closed": self.closed,
            "refused_by": list(self.refused_by),
            "returned": self.returned,
            "ruled": self.ruled,
            "seats": {role.value: body for role, body in self.seats},
            "called": [called.to_json() for called in self.called],
            "hands": list(self.handlers),
            "checkers": list(self.checkers),
            "reporter": self.reporter,
            "assistants": list(self.assistants),
            "named": list(self.named),
            "said": list(self.said),
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Progress:
        """The progress that :meth:`to_json` wrote; what an older one did not keep is empty."""
        lists = ("taken_by", "refused_by", "checkers", "assistants", "named", "said")
        given = {name: tuple(kept[name]) for name in lists if name in kept}
        others: dict[str, Any] = {name: kept[name] for name in kept if name != "hands"}
        others |= given
        seats = tuple((Actor(role), body) for role, body in kept.get("seats", {}).items())
        called = tuple(Summoned.from_json(entry) for entry in kept.get("called", []))
        handlers = tuple(kept.get("hands", ()))
        return cls(**{**others, "seats": seats, "called": called, "handlers": handlers})


def begin(procedure: Procedure, *, lead: str, other: str | None = None) -> Progress:
    """A case at the first step that somebody must take; the system's own are done at once."""
    progress = Progress(step=procedure.steps[0].name, lead=lead, other=other)
    return skip_system(procedure, progress)


def carried_over(progress: Progress, before: Progress) -> Progress:
    """A case that begins another procedure: who refused, handled, checked and opened it stays."""
    return replace(
        progress,
        refused_by=before.refused_by,
        seats=before.seats,
        handlers=before.handlers,
        checkers=before.checkers,
        reporter=before.reporter,
        assistants=before.assistants,
    )


def present_step(procedure: Procedure, progress: Progress) -> Step:
    """The step at which a case stands."""
    step = procedure.step(progress.step)
    if step is None:
        raise AssertionError(f"progress names '{progress.step}', unknown to {procedure.name}")
    return step


def skip_system(procedure: Procedure, progress: Progress) -> Progress:
    """The same case at the next step that somebody takes: not the system's own.

    What waits for cases that were sent back is passed by all others.
    """
    step = present_step(procedure, progress)
    while step.by is Actor.SYSTEM or (step.on_return and not progress.returned):
        following = procedure.after(step.name)
        if following is None:
            raise AssertionError(f"{procedure.name} has nothing but system steps")
        step = following
    return progress if step.name == progress.step else progress.at(step.name)


def limit_of(step: Step, grade: Limit | None) -> Limit | None:
    """The limit of a step in a case of a grade; None for a step without one."""
    return grade if step.graded and grade is not None else step.limit


def course_of(
    step: Step, *, since: dt.datetime, opened_at: dt.datetime, grade: Limit | None
) -> Course | None:
    """How long a step that became due at ``since`` may take; None without a limit."""
    limit = limit_of(step, grade)
    if limit is None:
        return None
    return Course(opened_at if step.from_opening else since, (limit,))


def overall_course(
    procedure: Procedure, *, since: dt.datetime, grade: Limit | None
) -> Course | None:
    """How long a case of a procedure may take in all from its intake.

    That is its grade, where a step is graded; else the limit of the steps that count from the
    opening; else what its steps may take one after the other, once.
    """
    if procedure.graded and grade is not None:
        return Course(since, (grade,))
    from_opening = [step.limit for step in procedure.steps if step.from_opening and step.limit]
    once = [step for step in procedure.steps if not step.on_return]
    every = tuple(step.limit for step in once if step.limit is not None)
    spans = tuple(from_opening[-1:]) or every
    return Course(since, spans) if spans else None


def started(
    procedure: Procedure,
    progress: Progress,
    *,
    since: dt.datetime,
    opened_at: dt.datetime,
    grade: Limit | None,
    calendar: Calendar,
) -> Progress:
    """The progress with the clock of every called body started for the present step."""
    step = procedure.step(progress.step)
    if step is None or step.by is not Actor.EACH_CALLED:
        return progress
    restarted = tuple(replace(each, since=since) for each in progress.called)
    progress = replace(progress, called=restarted)
    return timed(procedure, progress, opened_at=opened_at, grade=grade, calendar=calendar)


def timed(
    procedure: Procedure,
    progress: Progress,
    *,
    opened_at: dt.datetime,
    grade: Limit | None,
    calendar: Calendar,
) -> Progress:
    """The progress with the limit of every called body as a calendar has it now."""
    courses = called_courses(procedure, progress, opened_at=opened_at, grade=grade)
    called = tuple(
        replace(each, limit_at=course.ends(calendar) if course else None)
        for each, course in zip(progress.called, courses, strict=True)
    )
    return replace(progress, called=called)


def called_courses(
    procedure: Procedure, progress: Progress, *, opened_at: dt.datetime, grade: Limit | None
) -> list[Course | None]:
    """How long each called body may take for the present step, in the order of the calls."""
    step = present_step(procedure, progress)
    common = [
        course_of(step, since=each.since, opened_at=opened_at, grade=grade)
        for each in progress.called
    ]
    return [
        course if each.own is None else Course(each.since, (each.own,))
        for each, course in zip(progress.called, common, strict=True)
    ]


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
