"""A city's time: which day it is, which days are worked, when a limit has run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import chinese_calendar
import structlog

from gridsvc.city.own import WORKING_DAYS, own_table
from gridsvc.city.table import Table
from gridsvc.errors import BadFile
from gridsvc.settings import Settings
from gridsvc.tables import Row, table

_COLUMNS = ["date", "kind", "name"]
_KINDS = {"workday": True, "holiday": False}
_SATURDAY = 5
_log = structlog.get_logger(__name__)
#: The working hours of a working day; together the 8 hours of one day (GB/T 30428.8).
_SHIFTS = ((dt.time(8), dt.time(12)), (dt.time(14), dt.time(18)))
#: Working hours longer than this end in a year that nobody can foresee.
_LONGEST = dt.timedelta(days=3660)


def read_statutory(path: Path) -> frozenset[tuple[int, int]]:
    """Month and day of the holidays that have the same date each year (办法 of 2024, article 2).

    The others follow the moon or the sun, and the days around all of them are announced year by
    year. Raises BadFile with the line.
    """
    days = set()
    for row in table(path, ["month_day", "name"], key=["month_day"]):
        try:
            # A leap year has every day that a year may have.
            day = dt.date.fromisoformat(f"2024-{row['month_day']}")
        except ValueError:
            raise BadFile(
                f"{row.where}: {row['month_day']!r} is not a day of the year; write 01-01."
            ) from None
        days.add((day.month, day.day))
    return frozenset(days)


_STATUTORY = Path(__file__).parent / "shipped" / "statutory_holidays.csv"
#: A city's own ``statutory_holidays.csv``, else the country's.
STATUTORY = Table(_STATUTORY.parent, lambda find: read_statutory(find(_STATUTORY.name)))


@dataclass(frozen=True, slots=True)
class Calendar:
    """The zone of a city, and its working days: public holidays out, make-up days (调休) in.

    ``own`` is the city's table: a day to whether it is worked. It goes before the published
    calendar of chinesecalendar; a year that neither knows has its weekends and the ``statutory``
    holidays of a fixed date free, and a warning is logged once for it.
    """

    zone: ZoneInfo
    own: Mapping[dt.date, bool] = field(default_factory=dict)
    statutory: frozenset[tuple[int, int]] = field(
        default_factory=lambda: read_statutory(_STATUTORY)
    )
    _warned: set[int] = field(default_factory=set, compare=False)

    @classmethod
    def load(cls, settings: Settings) -> Calendar:
        """The calendar that the settings name. Raises BadFile for a table that cannot be read."""
        path = settings.working_days or own_table(settings, WORKING_DAYS)
        own = {} if path is None else read_working_days(path)
        return cls(ZoneInfo(settings.zone), own, STATUTORY.load(settings))

    def day(self, moment: dt.datetime) -> dt.date:
        """The day of the city on which an aware moment falls."""
        return self.local(moment).date()

    def local(self, moment: dt.datetime) -> dt.datetime:
        """An aware moment as the clocks of the city show it."""
        return moment.astimezone(self.zone)

    def name(self, moment: dt.datetime) -> str:
        """The zone's name and its offset at a moment: ``Asia/Urumqi (UTC+06:00)``."""
        return f"{self.zone.key} (UTC{self.local(moment).isoformat()[-6:]})"

    def begins(self, day: dt.date) -> dt.datetime:
        """The first moment of a day of the city."""
        return dt.datetime.combine(day, dt.time(), tzinfo=self.zone)

    def ends(self, day: dt.date) -> dt.datetime:
        """The last second of a day of the city."""
        return dt.datetime.combine(day, dt.time(23, 59, 59), tzinfo=self.zone)

    def is_working(self, day: dt.date) -> bool:
        """Whether a day of the city is worked."""
        listed = self.own.get(day)
        if listed is not None:
            return listed
        try:
            return bool(chinese_calendar.is_workday(day))
        except NotImplementedError:
            if self.knows(day.year):
                return day.weekday() < _SATURDAY
            self._warn(day.year)
            return day.weekday() < _SATURDAY and (day.month, day.day) not in self.statutory

    def knows(self, year: int) -> bool:
        """Whether the holidays of a year are announced: limits that count its days are final."""
        if any(day.year == year for day in self.own):
            return True
        try:
            chinese_calendar.is_workday(dt.date(year, 1, 1))
        except NotImplementedError:
            return False
        return True

    def _warn(self, year: int) -> None:
        if year not in self._warned:
            self._warned.add(year)
            _log.warning(
                "the holidays of a year are not announced; its limits are provisional, with"
                " weekends and holidays of a fixed date free, until GRIDSVC_WORKING_DAYS names a"
                " table",
                year=year,
            )


def read_working_days(path: Path) -> dict[dt.date, bool]:
    """A city's own table: a CSV with the columns date, kind (``holiday``, ``workday``) and name.

    It lists the days that differ from the plain week, as the State Council announces them.
    Raises BadFile with the line.
    """
    if not path.is_file():
        raise BadFile(f"The table of working days is not at {path}; see GRIDSVC_WORKING_DAYS.")
    days: dict[dt.date, bool] = {}
    for row in table(path, _COLUMNS):
        day, worked = _row(row)
        if day in days:
            raise BadFile(f"{row.where}: {day} is duplicated.")
        days[day] = worked
    return days


def _row(row: Row) -> tuple[dt.date, bool]:
    try:
        day = dt.date.fromisoformat(row["date"])
    except ValueError:
        raise BadFile(f"{row.where}: {row['date']!r} is not a day; write 2027-01-01.") from None
    worked = _KINDS.get(row["kind"])
    if worked is None:
        raise BadFile(f"{row.where}: the kind {row['kind']!r} is neither holiday nor workday.")
    return day, worked


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
    day = calendar.day(since)
    last = day + _LONGEST
    while day < last:
        if calendar.is_working(day):
            for begins, ends in _SHIFTS:
                end = dt.datetime.combine(day, ends, tzinfo=calendar.zone)
                if end > since:
                    yield dt.datetime.combine(day, begins, tzinfo=calendar.zone), end
        day += dt.timedelta(days=1)
