"""Kinds of whistles (日常哨, 攻坚哨, 应急哨): the limits and approvals that each one sets."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from gridsvc.city.calendar import Calendar, Clock, Limit
from gridsvc.city.course import Course
from gridsvc.city.table import Table
from gridsvc.errors import BadFile
from gridsvc.tables import table

_COLUMNS = [
    *("kind", "title", "title_zh", "accept_hours", "report_in_minutes", "done_hours"),
    *("clock", "approvals"),
]
_LONGEST_HOURS = 87_600


class WhistleKind(StrEnum):
    """Everyday (日常哨), tough (攻坚哨), emergency (应急哨)."""

    EVERYDAY = "everyday"
    TOUGH = "tough"
    EMERGENCY = "emergency"


class Approval(StrEnum):
    """Who may have to agree before a whistle is blown: the caller's main leader, the district's."""

    CONFIRMED_BY = "confirmed_by"
    APPROVED_BY = "approved_by"


class WhistleGround(StrEnum):
    """Why a whistle is blown: what the street cannot meet, enforcement, or an emergency."""

    PUBLIC_DEMAND = "public_demand"
    ENFORCEMENT = "enforcement"
    EMERGENCY = "emergency"


@dataclass(frozen=True, slots=True)
class Limits:
    """How the limits of a called body run: of several courses of one the shortest counts."""

    accept: tuple[Course, ...]
    report_in: tuple[Course, ...]
    done: tuple[Course, ...]

    def by(self, calendar: Calendar) -> Dates:
        """Until when a body has accepted, reported in and finished, by a calendar."""
        every = (*self.accept, *self.report_in, *self.done)
        return Dates(
            accept_by=min(one.ends(calendar) for one in self.accept),
            report_in_by=min(one.ends(calendar) for one in self.report_in),
            done_by=min(one.ends(calendar) for one in self.done),
            provisional=any(one.provisional(calendar) for one in every),
        )

    def last(self, calendar: Calendar) -> Course:
        """The course of the limit by which it is done."""
        return min(self.done, key=lambda course: course.ends(calendar))

    def longer(self, span: Limit) -> Limits:
        """The same with so much longer to report in and to be done."""
        report_in, done = (
            tuple(course.longer(span) for course in courses)
            for courses in (self.report_in, self.done)
        )
        return Limits(self.accept, report_in, done)

    def to_json(self) -> dict[str, Any]:
        """``{accept, report_in, done}``, each a list of courses."""
        kept = {"accept": self.accept, "report_in": self.report_in, "done": self.done}
        return {name: [one.to_json() for one in courses] for name, courses in kept.items()}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Limits:
        """The limits that :meth:`to_json` wrote."""
        return cls(**{name: tuple(map(Course.from_json, kept[name])) for name in kept})


@dataclass(frozen=True, slots=True)
class Dates:
    """Until when a called body has accepted, reported in, and finished.

    ``provisional``: one of them counts working days that are not announced yet.
    """

    accept_by: dt.datetime
    report_in_by: dt.datetime
    done_by: dt.datetime
    provisional: bool


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind sets; ``report_in_minutes`` is None where the setting of that name counts.

    They run on the clock of ``accept``.
    """

    kind: WhistleKind
    title: str
    title_zh: str
    accept: Limit
    report_in_minutes: float | None
    done: Limit
    approvals: tuple[Approval, ...]

    def limits(
        self, told_at: dt.datetime, *, meeting: dt.datetime | None, report_in_minutes: float
    ) -> Limits:
        """The limits of a body that is told at a moment.

        It reports in within so many minutes of being told, or of the time of the ``meeting`` that
        the demand names, at whatever hour that is; it has accepted by then at the latest.
        """
        minutes = report_in_minutes if self.report_in_minutes is None else self.report_in_minutes
        waits = meeting is not None and meeting > told_at
        since = meeting if meeting is not None and waits else told_at
        clock = Clock.CALENDAR if waits else self.accept.clock
        report_in = Course(since, (Limit(minutes / 60, clock),))
        return Limits(
            accept=(Course(told_at, (self.accept,)), report_in),
            report_in=(report_in,),
            done=(Course(since, (self.done,)),),
        )


def read_kinds(path: Path) -> dict[WhistleKind, Kind]:
    """The kinds of a CSV, each once. Raises BadFile with file, line and reason."""
    found: dict[WhistleKind, Kind] = {}
    for row in table(path, _COLUMNS, ["done_clock"], key=["kind"]):
        try:
            kind, clock = WhistleKind(row["kind"]), Clock(row["clock"])
            done_clock = Clock(row["done_clock"] or clock)
            minutes = float(row["report_in_minutes"]) if row["report_in_minutes"] else None
            accept, done = float(row["accept_hours"]), float(row["done_hours"])
        except ValueError as error:
            raise BadFile(
                f"{row.where}: {error}; the kinds are {', '.join(WhistleKind)}, the clocks"
                f" {', '.join(Clock)}, hours and minutes are numbers."
            ) from None
        spans = (accept, done, 1.0 if minutes is None else minutes / 60)
        if not all(0 < hours <= _LONGEST_HOURS for hours in spans):
            raise BadFile(f"{row.where}: a limit is above 0 and at most {_LONGEST_HOURS} hours.")
        named = row["approvals"].split()
        if unknown := [name for name in named if name not in list(Approval)]:
            raise BadFile(
                f"{row.where}: there is no approval '{unknown[0]}'; there are"
                f" {', '.join(Approval)}."
            )
        approvals = tuple(map(Approval, named))
        limits = Limit(accept, clock), Limit(done, done_clock)
        found[kind] = Kind(
            kind, row["title"], row["title_zh"], limits[0], minutes, limits[1], approvals
        )
    if lacking := [kind.value for kind in WhistleKind if kind not in found]:
        raise BadFile(f"{path.name}, line 1: the kind '{lacking[0]}' is missing.")
    return found


#: A city's own ``kinds.csv``, else the shipped one.
KINDS = Table(Path(__file__).parent, lambda find: read_kinds(find("kinds.csv")))
