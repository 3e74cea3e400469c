"""From when and until when something is listed: days of the city, moments, days ago."""

from __future__ import annotations

import datetime as dt
import re

from gridsvc.errors import BadInput
from gridsvc.lists.model import Frame

_AGO = re.compile(r"-(\d{1,4})d")


def begins(value: str, frame: Frame) -> dt.datetime:
    """The first moment that a ``from`` includes. Raises BadInput."""
    day = _day(value, frame, "from")
    return day if isinstance(day, dt.datetime) else frame.city.calendar.begins(day)


def ends(value: str, frame: Frame) -> dt.datetime:
    """The first moment that a ``to`` no longer includes; a day is in it whole. Raises BadInput."""
    day = _day(value, frame, "to")
    if isinstance(day, dt.datetime):
        return day
    return frame.city.calendar.begins(day + dt.timedelta(days=1))


def _day(value: str, frame: Frame, field: str) -> dt.date | dt.datetime:
    """A day of the city, or a moment in UTC: PostgreSQL knows no offsets of 16 hours or more."""
    ago = _AGO.fullmatch(value)
    try:
        if ago is not None:
            return frame.city.day(frame.now) - dt.timedelta(days=int(ago[1]))
        if len(value) == 10:
            day = dt.date.fromisoformat(value)
            if day.year < dt.MAXYEAR:
                return day
        else:
            moment = dt.datetime.fromisoformat(value)
            if moment.tzinfo is not None:
                return moment.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        pass
    raise BadInput(
        f"'{field}' is {value[:40]!r}; send a day (2026-11-21), an RFC 3339 time with an offset,"
        " or days ago (-7d).",
        field=field,
    )
