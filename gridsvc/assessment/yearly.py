"""The yearly score of a body (年度考核): four parts, weighted; pure rules over what was counted.

Counted are the cases that are closed and whose deadline falls in the period. A part without data
is left out and the others take its weight; without any there is no score.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any

from gridsvc.assessment.measures import score_of
from gridsvc.assessment.model import Tally
from gridsvc.assessment.ranking import ranked
from gridsvc.assessment.rates import rate, rounded
from gridsvc.city.weights import ThreeRates, Yearly

__all__ = ["BodyYear", "Difference", "YearlyLine", "differences", "yearly_lines"]


@dataclass(frozen=True, slots=True)
class BodyYear:
    """What counts for one body.

    ``valid`` to ``fairly``: callbacks of the cases that it led. ``handled``, ``in_time``: cases in
    which it handled something and whistles in which it was done, and those of them that were not
    overdue (or whose appeal was accepted). ``arrived``, ``punctual``: its report-ins. ``scored``
    scores that sum to ``points``.
    """

    valid: int = 0
    contacted: int = 0
    solved: int = 0
    satisfied: int = 0
    fairly: int = 0
    handled: int = 0
    in_time: int = 0
    arrived: int = 0
    punctual: int = 0
    scored: int = 0
    points: int = 0


@dataclass(frozen=True, slots=True)
class YearlyLine:
    """A body's year: parts and score from 0 to 1, None without data."""

    body: str
    counts: BodyYear
    parts: Mapping[str, Fraction | None]
    score: Fraction | None
    rank: int | None

    def to_json(self, name: str) -> dict[str, Any]:
        """The line of the interface; parts and score of 100."""
        return {
            "body": self.body,
            "name": name,
            "rank": self.rank,
            "score": _of_hundred(self.score),
            "parts": {part: _of_hundred(value) for part, value in self.parts.items()},
            "counts": {one.name: getattr(self.counts, one.name) for one in fields(BodyYear)},
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """A count of a body that the tables and the trace give differently."""

    body: str
    count: str
    tables: int
    trace: int


def yearly_lines(
    years: Mapping[str, BodyYear], rates: ThreeRates, weights: Yearly
) -> tuple[YearlyLine, ...]:
    """Every body's year, ranked: equal scores share a rank, those without data stand last."""
    parts = {body: _parts(counts, rates) for body, counts in years.items()}
    scores = {body: _weighed(found, weights) for body, found in parts.items()}
    return tuple(
        YearlyLine(line.key, years[line.key], parts[line.key], line.value, line.rank)
        for line in ranked(scores.items())
    )


def differences(
    tables: Mapping[str, BodyYear], trace: Mapping[str, BodyYear]
) -> tuple[Difference, ...]:
    """What the tables and the trace say differently, by body and count."""
    nothing = BodyYear()
    found = []
    for body in sorted(set(tables) | set(trace)):
        one, other = tables.get(body, nothing), trace.get(body, nothing)
        for count in fields(BodyYear):
            here, there = getattr(one, count.name), getattr(other, count.name)
            if here != there:
                found.append(Difference(body, count.name, here, there))
    return tuple(found)


def _parts(counts: BodyYear, rates: ThreeRates) -> dict[str, Fraction | None]:
    named = ("valid", "contacted", "solved", "satisfied", "fairly")
    callbacks = Tally({name: getattr(counts, name) for name in named})
    return {
        "citizens": score_of(callbacks, rates),
        "on_time": rate(counts.in_time, counts.handled),
        "reported_in": rate(counts.punctual, counts.arrived),
        "scored": rate(counts.points, 100 * counts.scored),
    }


def _weighed(parts: Mapping[str, Fraction | None], weights: Yearly) -> Fraction | None:
    known = [(getattr(weights, part), value) for part, value in parts.items() if value is not None]
    total = sum((weight for weight, _ in known), Fraction(0))
    if not total:
        return None
    return sum((weight * value for weight, value in known), Fraction(0)) / total


def _of_hundred(value: Fraction | None) -> float | None:
    shown = rounded(None if value is None else value * 100, 2)
    return None if shown is None else float(shown)
