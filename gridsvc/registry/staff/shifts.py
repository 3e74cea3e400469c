"""When somebody is on duty: hours of the week and of single days, by the clocks of the city.

``workday 08:00-12:00,14:00-18:00; sat 09:00-12:00; 2026-10-01..2026-10-07 off``: what is written
for a date stands in the place of the week's hours on it. Hours that end before they begin run past
midnight.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from gridsvc.city.calendar import Calendar
from gridsvc.errors import BadInput

_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_KINDS = ("daily", "workday", "holiday")
_HOURS = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_DAY_MIN = 24 * 60
_MOST_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True)
class _Entry:
    """Hours of some days, minutes since midnight; none on days off.

    ``days`` are words of the week or :data:`_KINDS`; or it is for dates, ``first`` to ``last``.
    """

    days: frozenset[str]
    first: dt.date | None
    last: dt.date | None
    hours: tuple[tuple[int, int], ...]

    def dated(self, day: dt.date) -> bool:
        return self.first is not None and self.last is not None and self.first <= day <= self.last

    def weekly(self, day: dt.date, calendar: Calendar) -> bool:
        if "workday" in self.days or "holiday" in self.days:
            kind = "workday" if calendar.is_working(day) else "holiday"
            if kind in self.days:
                return True
        return "daily" in self.days or _WEEK[day.weekday()] in self.days


@dataclass(frozen=True, slots=True)
class Shifts:
    """All hours of one person; without any they are always on duty."""

    entries: tuple[_Entry, ...]

    @classmethod
    def read(cls, text: str) -> Shifts:
        """The shifts that a text names. Raises BadInput."""
        if len(text) > _MOST_CHARACTERS:
            raise BadInput(f"'shifts' has at most {_MOST_CHARACTERS} characters.", field="shifts")
        return cls(tuple(_entry(one.strip().lower()) for one in text.split(";") if one.strip()))

    def hold(self, moment: dt.datetime, calendar: Calendar) -> bool:
        """Whether an aware moment falls into the hours; their first minute counts, the end not."""
        if not self.entries:
            return True
        local = calendar.local(moment)
        minute, today = local.hour * 60 + local.minute, local.date()
        yesterday = today - dt.timedelta(days=1)
        return any(
            begins <= since_midnight < ends
            for day, since_midnight in ((today, minute), (yesterday, minute + _DAY_MIN))
            for begins, ends in self._hours(day, calendar)
        )

    def _hours(self, day: dt.date, calendar: Calendar) -> list[tuple[int, int]]:
        dated = [one for one in self.entries if one.dated(day)]
        weekly = [one for one in self.entries if one.weekly(day, calendar)]
        return [hours for one in dated or weekly for hours in one.hours]


def _entry(text: str) -> _Entry:
    days, _, hours = text.partition(" ")
    hours = hours.strip()
    first = last = None
    named: frozenset[str] = frozenset()
    if days[:1].isdigit():
        first, last = _dates(days)
    else:
        named = frozenset(word for part in days.split(",") for word in _words(part))
    if hours == "off" and first is not None:
        return _Entry(named, first, last, ())
    return _Entry(named, first, last, tuple(_span(one.strip()) for one in hours.split(",")))


def _dates(text: str) -> tuple[dt.date, dt.date]:
    begins, _, ends = text.partition("..")
    try:
        first = dt.date.fromisoformat(begins)
        last = dt.date.fromisoformat(ends or begins)
    except ValueError:
        raise BadInput(
            f"'shifts': {text[:40]!r} is not a day; write 2026-10-01 or 2026-10-01..2026-10-07.",
            field="shifts",
        ) from None
    if last < first:
        raise BadInput(f"'shifts': {text[:40]!r} ends before it begins.", field="shifts")
    return first, last


def _words(text: str) -> tuple[str, ...]:
    if text in _KINDS:
        return (text,)
    begins, _, ends = text.partition("-")
    if begins in _WEEK and (ends or begins) in _WEEK:
        first, last = _WEEK.index(begins), _WEEK.index(ends or begins)
        if first <= last:
            return _WEEK[first : last + 1]
    raise BadInput(
        f"'shifts': {text[:40]!r} is neither a day of the week (mon, mon-fri), nor daily, workday"
        " or holiday, nor a date.",
        field="shifts",
    )


def _span(text: str) -> tuple[int, int]:
    found = _HOURS.fullmatch(text)
    begins, ends = 0, 0
    if found is not None:
        begins = int(found[1]) * 60 + int(found[2])
        ends = int(found[3]) * 60 + int(found[4])
    if found is None or begins == ends or begins >= _DAY_MIN or ends > _DAY_MIN:
        raise BadInput(
            f"'shifts': {text[:40]!r} are not hours; write 08:00-12:00, or 22:00-06:00 past"
            " midnight; a date may be off.",
            field="shifts",
        )
    return begins, ends if ends > begins else ends + _DAY_MIN
