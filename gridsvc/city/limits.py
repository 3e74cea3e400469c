"""Until when: hours on the emergency, the calendar or the working clock, as pure functions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gridsvc.city.calendar import Calendar

__all__ = ["Clock", "Limit", "deadline", "elapsed"]

#: The working hours of a working day; together the 8 hours of one day (GB/T 30428.8).
_SHIFTS = ((dt.time(8), dt.time(12)), (dt.time(14), dt.time(18)))
#: Working hours longer than this end in a year that nobody can foresee.
_LONGEST = dt.timedelta(days=3660)


class Clock(StrEnum):
    """How a limit runs. Emergency and calendar hours run through nights and holidays."""

    EMERGENCY = "emergency"
    WORKING = "working"
    CALENDAR = "calendar"


@dataclass(frozen=True, slots=True)
class Limit:
    """So many hours on a clock; one working day is 8 working hours."""

    hours: float
    clock: Clock = Clock.CALENDAR

    def to_json(self) -> dict[str, Any]:
        """``{hours, clock}``."""
        return {"hours": self.hours, "clock": self.clock.value}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Limit:
        """The limit that :meth:`to_json` wrote."""
        return cls(kept["hours"], Clock(kept["clock"]))


def deadline(
    since: dt.datetime, span: dt.timedelta, clock: Clock, calendar: Calendar
) -> dt.datetime:
    """The moment at which ``span`` has run on a clock from ``since`` (aware); never earlier.

    On the working clock the answer is the earliest such moment: four hours from 08:00 end at
    12:00, not at 14:00.
    """
    if clock is not Clock.WORKING:
        return _later(since, span)
    left = span
    if left <= dt.timedelta():
        return since
    for begins, ends in _shifts_from(since, calendar):
        start = max(begins, since)
        if ends - start >= left:
            return (start + left).astimezone(since.tzinfo)
        left -= ends - start
    raise AssertionError(f"no working hour within {_LONGEST.days} days of {since}")


def _later(since: dt.datetime, span: dt.timedelta) -> dt.datetime:
    """Hours that really pass: across a change to summer time too."""
    return (since.astimezone(dt.UTC) + span).astimezone(since.tzinfo)


def elapsed(
    since: dt.datetime, until: dt.datetime, clock: Clock, calendar: Calendar
) -> dt.timedelta:
    """How much of a clock's time lies between two aware moments; nothing backwards."""
    if until <= since:
        return dt.timedelta()
    if clock is not Clock.WORKING:
        return until.astimezone(dt.UTC) - since.astimezone(dt.UTC)
    total = dt.timedelta()
    for begins, ends in _shifts_from(since, calendar):
        if begins >= until:
            break
        total += min(ends, until) - max(begins, since)
    return total


def _shifts_from(
    since: dt.datetime, calendar: Calendar
) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """The shifts that end after ``since``, in their order, for ten years."""
    day = since.astimezone(calendar.zone).date()
    last = day + _LONGEST
    while day < last:
        if calendar.is_working(day):
            for begins, ends in _SHIFTS:
                end = dt.datetime.combine(day, ends, tzinfo=calendar.zone)
                if end > since:
                    yield dt.datetime.combine(day, begins, tzinfo=calendar.zone), end
        day += dt.timedelta(days=1)
