"""The city's own time: duty lists, holidays and working hours count its days (UTC+8)."""

from __future__ import annotations

import datetime as dt

__all__ = ["CITY_ZONE", "city_day", "day_end"]

#: The standard time of China, which has no summer time.
CITY_ZONE = dt.timezone(dt.timedelta(hours=8))


def city_day(moment: dt.datetime) -> dt.date:
    """The day that an aware moment falls on in the city."""
    return moment.astimezone(CITY_ZONE).date()


def day_end(day: dt.date) -> dt.datetime:
    """The last second of a day of the city."""
    return dt.datetime.combine(day, dt.time(23, 59, 59), tzinfo=CITY_ZONE)
