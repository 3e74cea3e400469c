"""What happens in cases, as frozen events: systems hear them in the same transaction."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gridsvc.cases.core.models import StatedTime, TraceEntry
from gridsvc.cases.core.progress import Progress
from gridsvc.city.procedures.model import Procedure, Return, Step
from gridsvc.registry.bodies.repository import BodyRef, Responsibility


@dataclass(frozen=True, slots=True)
class CaseOpened:
    """A case was opened at its first step; ``responsibility`` says why its lead answers."""

    responsibility: Responsibility


@dataclass(frozen=True, slots=True)
class StepAsked:
    """Somebody asks to take a step or a return for ``party``; a system may refuse by raising.

    It may answer ``met``, the requirements that hold now, and ``whistled``: a whistle is open in
    the case, so that it waits for every body that was called.
    """

    step: Step | Return
    party: str
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StepTaken:
    """A step was taken for ``party``, None for the service's own, which called bodies with it.

    ``before`` and ``after`` are the progress around it; ``opening`` is what was said of the first
    whistle of a case that has just been opened.
    """

    step: Step
    party: str | None
    evidence: Mapping[str, Any]
    summoned: tuple[str, ...]
    before: Progress
    after: Progress
    at: dt.datetime
    opening: Any = None


@dataclass(frozen=True, slots=True)
class StepDue:
    """A case waits for a step: it has come to it, or its check has to be made again."""

    step: Step


@dataclass(frozen=True, slots=True)
class BodyRefused:
    """A body said that it is not responsible, and named who is; ``clause`` says by which rule.

    A system that settles what follows answers ``settled``; one that finds the refusal without
    ground ``to_command``, why; else the case is sent on. ``clause`` is None in procedures that
    ask for none.
    """

    refuser: str
    named: BodyRef
    reason: str
    clause: str | None = None


@dataclass(frozen=True, slots=True)
class BodyLeaves:
    """A body that a step called says by which clause it is not responsible.

    A system may refuse by raising.
    """

    body: str
    clause: str


@dataclass(frozen=True, slots=True)
class StatedTimeDecided:
    """Supervision decided whether a time counts that a body stated; the answers are kept with it.

    A system may refuse the ``evidence`` by raising.
    """

    stated: StatedTime
    accepted: bool
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CalendarAnnounced:
    """The limits of a case are made again by a calendar that knows more days than before."""


class WhichLimit(StrEnum):
    """The limit of the present step, that of the case from its intake, or a called body's own.

    A body that a whistle called must report in and be done; one that a step called has a ``part``.
    """

    STEP = "step"
    OVERALL = "overall"
    REPORT_IN = "report_in"
    DONE = "done"
    PART = "part"


@dataclass(frozen=True, slots=True)
class LimitPassed:
    """A limit of an open case has passed; ``holders`` are the parties that should have acted."""

    which: WhichLimit
    limit_at: dt.datetime
    holders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaseRaised:
    """A case goes up to another procedure; the answers are kept with the entry in its trace."""

    source: Procedure
    target: Procedure


@dataclass(frozen=True, slots=True)
class VerdictMerges:
    """A check found that a case is one with another, ``into`` which its reports go."""

    into: str
    reason: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """Something was entered in the trace of a case that somebody follows."""

    entry: TraceEntry


@dataclass(frozen=True, slots=True)
class Told:
    """Inboxes (of bodies, districts, leaders) were told something, which they see from ``due_at``.

    ``content`` is what they were told; it may hold words of persons.
    """

    inboxes: tuple[str, ...]
    topic: str
    content: Mapping[str, Any]
    due_at: dt.datetime


@dataclass(frozen=True, slots=True)
class CaseClosed:
    """A case was closed; ``into`` is the case that goes on with its reports, None without one."""

    at: dt.datetime
    into: uuid.UUID | None = None
