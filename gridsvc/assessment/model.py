"""The frozen values of an assessment: by what it is split, what is counted, one line of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from gridsvc.assessment.period import Period
from gridsvc.assessment.rates import Rate
from gridsvc.city.weights import ThreeRates

__all__ = ["COUNTS", "Assessment", "Dimension", "Family", "Line", "Tally"]


class Dimension(StrEnum):
    """By what an assessment is split."""

    CITY = "city"
    DISTRICT = "district"
    STREET = "street"
    COMMUNITY = "community"
    BODY = "body"
    CLASS = "class"
    INSPECTOR = "inspector"
    MONTH = "month"


class Family(StrEnum):
    """What one thing is that is counted, each with a query of its own.

    A case; a body in a case; a report's callback; a called body's arrival; a report.
    """

    CASES = "cases"
    TASKS = "tasks"
    CALLBACKS = "callbacks"
    ARRIVALS = "arrivals"
    REPORTS = "reports"


#: Every count, by its family; the names are those of the interface.
COUNTS: Mapping[Family, tuple[str, ...]] = {
    Family.CASES: ("due", "suspended", "counted", "closed", "closed_in_time", "waived"),
    Family.TASKS: ("received", "returned", "handled", "handled_in_time", "reworked"),
    Family.CALLBACKS: ("valid", "contacted", "solved", "satisfied", "fairly"),
    Family.ARRIVALS: ("called", "reported_in", "late", "far", "done", "done_in_time"),
    Family.REPORTS: ("reported", "filed"),
}


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted for one key of a dimension; ``minutes`` is the median time to report in."""

    counts: Mapping[str, int] = field(default_factory=dict)
    minutes: float | None = None

    def __getitem__(self, name: str) -> int:
        return self.counts.get(name, 0)


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a body, a street, a month; ``key`` is None for what has none (no inspector).

    ``score`` weighs the three rates, from 0 to 1; it and ``rank`` are None without callbacks.
    """

    key: str | None
    name: str
    tally: Tally
    rates: tuple[Rate, ...]
    score: Fraction | None
    rank: int | None

    def rate(self, name: str) -> Rate:
        """The rate of that name."""
        return next(one for one in self.rates if one.name == name)


@dataclass(frozen=True, slots=True)
class Assessment:
    """Lines by dimension, each in the order of its ranking, as of ``at``.

    ``prefix`` is the area that it is about; empty is the whole city. ``running``: the period has
    not ended, so the figures still change.
    """

    period: Period
    prefix: str
    at: dt.datetime
    running: bool
    weights: ThreeRates
    lines: Mapping[Dimension, tuple[Line, ...]]
