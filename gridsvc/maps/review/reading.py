"""Gathers what a review shows: the period, the one before it, and the months that led to it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy.orm import Session

from gridsvc.assessment.model import Assessment, Dimension, Family, Line
from gridsvc.assessment.period import Period, parse_period
from gridsvc.assessment.repository.names import areas_of_level
from gridsvc.assessment.service import assess
from gridsvc.city import City

__all__ = ["Review", "read_review"]

#: Months of a trend that nobody asked for, and the most cases of a month with which it is quick.
_MONTHS, _QUICK_DUE = 6, 30_000
#: What the three rates and the closing rates need; the earlier months show no more.
_EARLIER = (Family.CASES, Family.CALLBACKS)


@dataclass(frozen=True, slots=True)
class Review:
    """A period's assessment, the one before it, and single months up to its end, oldest first.

    ``area_name`` is what the review is about.
    """

    found: Assessment
    before: Assessment
    months: tuple[Line, ...]
    area_name: str

    @property
    def total(self) -> Line:
        """The whole area in one line."""
        return self.found.lines[Dimension.CITY][0]


def read_review(
    session: Session,
    city: City,
    period: Period,
    *,
    area: str = "",
    scheme: str | None = None,
    months: int | None = None,
    now: dt.datetime,
) -> Review:
    """What the review of a period shows. Raises BadInput.

    ``months`` is how many months the trend has; by itself it has six, and none where a month has so
    many cases that the reader would wait for it.
    """
    dimensions = [Dimension.CITY, Dimension.STREET, Dimension.BODY, Dimension.CLASS]
    if not area:
        dimensions.insert(1, Dimension.DISTRICT)
    found = assess(session, city, period, dimensions, area=area, scheme=scheme, now=now)
    before = assess(
        session,
        city,
        period.before(),
        [Dimension.CITY, Dimension.STREET],
        area=area,
        scheme=scheme,
        families=_EARLIER,
        now=now,
    )
    if months is None:
        due = found.lines[Dimension.CITY][0].tally["due"]
        months = _MONTHS if due <= _QUICK_DUE else 0
    return Review(
        found=found,
        before=before,
        months=_months(session, city, period, area, scheme, months, now),
        area_name=_name(session, area, now),
    )


def _months(
    session: Session,
    city: City,
    period: Period,
    area: str,
    scheme: str | None,
    months: int,
    now: dt.datetime,
) -> tuple[Line, ...]:
    if months < 2:
        return ()
    month = period.last.year * 12 + period.last.month - months
    first = dt.date(month // 12, month % 12 + 1, 1)
    trend = parse_period(f"{first}/{period.last}", period.calendar)
    found = assess(
        session,
        city,
        trend,
        [Dimension.MONTH],
        area=area,
        scheme=scheme,
        families=_EARLIER,
        now=now,
    )
    return found.lines[Dimension.MONTH]


def _name(session: Session, area: str, now: dt.datetime) -> str:
    if len(area) < 6:
        return "全市"
    level = "district" if len(area) == 6 else "street"
    return areas_of_level(session, level, now).get(area, area)
