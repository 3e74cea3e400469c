"""Rates and scores of a line of the assessment: what each divides by what, and who ranks where."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any

from gridsvc.assessment.period import Period
from gridsvc.city.weights import Readings, ThreeRates

#: What a table shows where nothing can be divided.
NO_DATA = "–"
#: Decimal places of a percentage, and of a score.
_PLACES = 1


def rate(numerator: int | Fraction, denominator: int) -> Fraction | None:
    """The exact share; None (no data) when the denominator is zero. Raises ValueError below it."""
    if denominator < 0 or numerator < 0:
        raise ValueError(f"{numerator} of {denominator} is no share; counts are not negative.")
    return None if denominator == 0 else Fraction(numerator) / denominator


def rounded(value: Fraction | None, places: int = _PLACES) -> Decimal | None:
    """A number as it is shown: half up at ``places`` decimals, for numbers that are not negative.

    Exact: it is rounded from the fraction, so that 0.125 to two places is 0.13.
    """
    if value is None:
        return None
    scaled = value * 10**places + Fraction(1, 2)
    return Decimal(scaled.numerator // scaled.denominator).scaleb(-places)


def percent(value: Fraction | None, places: int = _PLACES) -> str:
    """A share as it is printed: ``99.8``; without data a dash.

    >>> percent(rate(4640, 4649))
    '99.8'
    """
    shown = rounded(None if value is None else value * 100, places)
    return NO_DATA if shown is None else str(shown)


@dataclass(frozen=True, slots=True)
class Rate:
    """One rate: what was counted above and below the line, and why there may be no data.

    ``above`` and ``below`` name the counts, so that the cases behind each can be listed.
    """

    name: str
    numerator: Fraction
    denominator: int
    above: tuple[str, ...]
    below: str
    nothing: str

    @property
    def value(self) -> Fraction | None:
        """The exact share, None without data."""
        return rate(self.numerator, self.denominator)

    def to_json(self) -> dict[str, Any]:
        """``{numerator, denominator, percent, reason}``; ``percent`` is null without data."""
        shown = rounded(None if self.value is None else self.value * 100)
        whole = self.numerator.denominator == 1
        return {
            "numerator": int(self.numerator) if whole else float(self.numerator),
            "denominator": self.denominator,
            "percent": None if shown is None else float(shown),
            "reason": self.nothing if self.value is None else None,
            "counts": {"numerator": list(self.above), "denominator": self.below},
        }


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
    Family.CASES: (
        *("due", "suspended", "counted", "closed", "closed_in_time", "waived"),
        *("overall_due", "overall_kept"),
    ),
    Family.TASKS: ("received", "returned", "handled", "handled_in_time", "reworked"),
    Family.CALLBACKS: ("valid", "unreached", "contacted", "solved", "satisfied", "fairly"),
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
    not ended, so the figures still change. ``readings`` are those of response in the period.
    """

    period: Period
    prefix: str
    at: dt.datetime
    running: bool
    weights: ThreeRates
    readings: Readings
    lines: Mapping[Dimension, tuple[Line, ...]]


_NO_CALLBACK = "no data: no valid callback"
_NOT_DUE = "no data: nothing was due, or all of it is suspended"

#: Name, counts above the line, the count below it, and what is said without data.
_PLAIN = (
    ("response", "contacted", "valid", _NO_CALLBACK),
    ("solved", "solved", "valid", _NO_CALLBACK),
    ("closed", "closed", "counted", _NOT_DUE),
    ("closed_in_time", "closed_in_time", "counted", _NOT_DUE),
    ("overall", "overall_kept", "overall_due", "no data: no case has an overall limit"),
    ("filed", "filed", "reported", "no data: nothing was reported"),
    ("handled_in_time", "handled_in_time", "handled", "no data: nothing was handled"),
    ("rework", "reworked", "handled", "no data: nothing was handled"),
    ("returned", "returned", "received", "no data: nothing was received"),
    ("late", "late", "called", "no data: nobody was called"),
    ("far", "far", "reported_in", "no data: nobody reported in"),
    ("done_in_time", "done_in_time", "done", "no data: nobody called was done"),
)

#: Every rate with its names, in the order of showing.
RATES = {
    "response": ("响应率", "Response"),
    "solved": ("解决率", "Solved"),
    "satisfied": ("满意率", "Satisfied"),
    "closed": ("结案率", "Closed"),
    "closed_in_time": ("按期结案率", "Closed in time"),
    "overall": ("总时限达标率", "Answered within the overall limit"),
    "filed": ("立案率", "Filed"),
    "handled_in_time": ("按期处置率", "Handled in time"),
    "rework": ("返工率", "Rework"),
    "returned": ("回退率", "Returned"),
    "late": ("报到迟到率", "Reported in late"),
    "far": ("报到偏离率", "Reported in far off"),
    "done_in_time": ("哨办按期率", "Whistle done in time"),
}


def rates_of(tally: Tally, weights: ThreeRates) -> tuple[Rate, ...]:
    """Every rate of what was counted, in the order of :data:`RATES`."""
    found = {
        name: Rate(name, Fraction(tally[above]), tally[below], (above,), below, nothing)
        for name, above, below, nothing in _PLAIN
    }
    content = Fraction(tally["satisfied"]) + weights.fairly * tally["fairly"]
    above = ("satisfied", "fairly")
    found["satisfied"] = Rate("satisfied", content, tally["valid"], above, "valid", _NO_CALLBACK)
    return tuple(found[name] for name in RATES)


def score_of(tally: Tally, weights: ThreeRates) -> Fraction | None:
    """The weighted three rates, exact, from 0 to 1; None without a valid callback."""
    if not tally["valid"]:
        return None
    content = tally["satisfied"] + weights.fairly * tally["fairly"]
    weighed = (
        weights.response * tally["contacted"]
        + weights.solved * tally["solved"]
        + weights.satisfied * content
    )
    return weighed / tally["valid"]


@dataclass(frozen=True, slots=True)
class Ranked:
    """One line of a ranking; ``rank`` and ``value`` are None without data."""

    rank: int | None
    key: str
    value: Fraction | None


def ranked(values: Iterable[tuple[str, Fraction | None]]) -> list[Ranked]:
    """The highest first. Equal values share a rank and are in the order of their codes.

    They are compared exactly, not as they are rounded; after two that share rank 1 comes rank 3.
    Lines without data have no rank and come last, by code. The order of the input does not
    matter, so that the same figures always give the same list.
    """
    known = list(values)
    with_data = sorted(
        ((key, value) for key, value in known if value is not None),
        key=lambda line: (-line[1], line[0]),
    )
    lines: list[Ranked] = []
    for place, (key, value) in enumerate(with_data, 1):
        tied = lines and lines[-1].value == value
        lines.append(Ranked(lines[-1].rank if tied else place, key, value))
    return lines + [Ranked(None, key, None) for key in sorted(k for k, v in known if v is None)]
