"""A review made up of plain counts, for looking at the page without a database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from gridsvc.assessment.period import parse_period
from gridsvc.assessment.rates import Assessment, Dimension, Line, Tally, rates_of, score_of
from gridsvc.city.weights import WEIGHTS
from gridsvc.maps.review import Review
from tests.cities import calendar, city

__all__ = ["line", "review"]

_AT = dt.datetime(2026, 12, 3, tzinfo=dt.UTC)


def line(key: str, name: str = "", rank: int | None = 1, **counts: int) -> Line:
    """A line of these counts."""
    weighed = city().table(WEIGHTS).of_rates("10-50-40", dt.date(2026, 11, 30))
    tally = Tally(counts)
    score = score_of(tally, weighed)
    return Line(key, name or key, tally, rates_of(tally, weighed), score, score and rank)


def _assessment(lines: Mapping[Dimension, tuple[Line, ...]], period: str) -> Assessment:
    weighed = city().table(WEIGHTS).of_rates("10-50-40", dt.date(2026, 11, 30))
    span = parse_period(period, calendar())
    readings = city().table(WEIGHTS).readings("10-50-40", span.first, span.last)
    return Assessment(span, "", _AT, False, weighed, readings, lines)


def review(streets: int = 3, months: tuple[Line, ...] = ()) -> Review:
    """A review of so many streets, each with 9 of 10 citizens content."""
    good = {"valid": 10, "contacted": 10, "solved": 9, "satisfied": 9, "counted": 12, "closed": 11}
    whole = {Dimension.CITY: (line("city", "全部 All", **good),)}
    each = tuple(
        line(f"1101020{n:02}", f"第{n}街道", rank=n, **good) for n in range(1, streets + 1)
    )
    found = whole | {Dimension.STREET: each, Dimension.BODY: each, Dimension.CLASS: ()}
    before = whole | {Dimension.STREET: each}
    return Review(_assessment(found, "2026-11"), _assessment(before, "2026-10"), months, "全市")
