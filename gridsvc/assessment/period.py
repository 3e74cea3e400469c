"""The time that an assessment is about: whole months, quarters or years of the city, or days."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from gridsvc.city.calendar import Calendar
from gridsvc.errors import BadInput

_DAY = dt.timedelta(days=1)
_FORMS = "a month (2026-11), a quarter (2026-Q4), a year (2026), or days (2026-11-01/2026-11-15)"


@dataclass(frozen=True, slots=True)
class Period:
    """From the beginning of ``first`` to the end of ``last``, days of the city."""

    name: str
    first: dt.date
    last: dt.date
    calendar: Calendar

    @property
    def start(self) -> dt.datetime:
        """The first moment of it."""
        return self.calendar.begins(self.first)

    @property
    def end(self) -> dt.datetime:
        """The first moment behind it."""
        return self.calendar.begins(self.last + _DAY)

    def months(self) -> list[str]:
        """The months that it touches, as ``2026-11``."""
        names, day = [], self.first.replace(day=1)
        while day <= self.last:
            names.append(f"{day:%Y-%m}")
            day = _next_month(day)
        return names

    def before(self) -> Period:
        """The period of the same kind before this one."""
        return parse_period(self._name_before(), self.calendar)

    def _name_before(self) -> str:
        if match := re.fullmatch(r"(\d{4})-Q([1-4])", self.name):
            year, quarter = int(match[1]), int(match[2])
            return f"{year}-Q{quarter - 1}" if quarter > 1 else f"{year - 1}-Q4"
        day_before = self.first - _DAY
        if re.fullmatch(r"\d{4}", self.name):
            return f"{day_before:%Y}"
        if re.fullmatch(r"\d{4}-\d{2}", self.name):
            return f"{day_before:%Y-%m}"
        return f"{day_before - (self.last - self.first)}/{day_before}"


def parse_period(text: str, calendar: Calendar, *, field: str = "period") -> Period:
    """The period of a city that a text names. Raises BadInput with the forms that there are."""
    try:
        first, last = _days(text)
    except (ValueError, OverflowError):
        raise BadInput(f"'{field}' is {text[:40]!r}; send {_FORMS}.", field=field) from None
    if not first.year >= 2000 or last.year > 2199:
        raise BadInput(f"'{field}' is {text[:40]!r}; years must be from 2000 to 2199.", field=field)
    if last < first:
        raise BadInput(f"'{field}' ends before it begins: {text[:40]!r}.", field=field)
    if (last - first).days > 366:
        raise BadInput(f"'{field}' is longer than a year; ask for one year at a time.", field=field)
    return Period(text, first, last, calendar)


def _days(text: str) -> tuple[dt.date, dt.date]:
    """First and last day. Raises ValueError."""
    if not re.fullmatch(r"[0-9Q/-]+", text, re.ASCII):
        raise ValueError(text)
    if "/" in text:
        first, last = text.split("/")
        return _day(first), _day(last)
    if re.fullmatch(r"\d{4}", text):
        return dt.date(int(text), 1, 1), dt.date(int(text), 12, 31)
    if match := re.fullmatch(r"(\d{4})-Q([1-4])", text):
        first_month = dt.date(int(match[1]), int(match[2]) * 3 - 2, 1)
        return first_month, _next_month(first_month.replace(month=first_month.month + 2)) - _DAY
    if match := re.fullmatch(r"(\d{4})-(\d{2})", text):
        month = dt.date(int(match[1]), int(match[2]), 1)
        return month, _next_month(month) - _DAY
    return _day(text), _day(text)


def _day(text: str) -> dt.date:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise ValueError(text)
    return dt.date.fromisoformat(text)


def _next_month(first: dt.date) -> dt.date:
    return (first + dt.timedelta(days=32)).replace(day=1)
