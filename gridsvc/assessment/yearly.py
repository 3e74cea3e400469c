"""The yearly score of a body (年度考核): six parts, weighted; pure rules over what was counted.

Counted are the cases that are closed and whose deadline falls in the period, the judgements of
months that end in it, and of a whole year the opinions of streets. A part without data is left out
and the others take its weight; without any there is no score.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from fractions import Fraction
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.assessment.period import Period
from gridsvc.assessment.rates import Dimension, Tally, ranked, rate, rounded, score_of
from gridsvc.assessment.repository.names import names
from gridsvc.assessment.repository.years import (
    BodyYear,
    Calls,
    calls_of_tables,
    calls_of_trace,
    years_of_tables,
    years_of_trace,
)
from gridsvc.assessment.service import frame_of, readings_of
from gridsvc.city import City
from gridsvc.city.weights import WEIGHTS, Readings, ThreeRates, Yearly
from gridsvc.errors import BadInput


@dataclass(frozen=True, slots=True)
class YearlyLine:
    """A body's year: parts and score from 0 to 1, None without data."""

    body: str
    counts: BodyYear
    parts: Mapping[str, Fraction | None]
    score: Fraction | None
    rank: int | None

    def to_json(self, name: str, unappealed: YearlyLine, callers: list[Any]) -> dict[str, Any]:
        """The line of the interface; parts and score of 100.

        ``unappealed`` is the line as it would be if no appeal had been accepted.
        """
        return {
            "body": self.body,
            "name": name,
            "rank": self.rank,
            "score": _of_hundred(self.score),
            "parts": {part: _of_hundred(value) for part, value in self.parts.items()},
            "counts": {one.name: getattr(self.counts, one.name) for one in fields(BodyYear)},
            "without_appeals": {
                "score": _of_hundred(unappealed.score),
                "rank": unappealed.rank,
                "in_time": unappealed.counts.in_time,
            },
            "callers": callers,
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
    """Every body's year, ranked: equal scores share a rank, those without data come last."""
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
        "judged": rate(counts.judged_points, 100 * counts.judgements),
        "opinion": rate(counts.opinion_points, 100 * counts.opinions),
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


class YearSource(StrEnum):
    """Where the counts of a year come from."""

    TABLES = "tables"
    TRACE = "trace"


@dataclass(frozen=True, slots=True)
class Year:
    """The bodies' years in the order of their rank; their names by code; the weights.

    ``unappealed`` are the years by body as if no appeal had been accepted, ``calls`` what whistles
    say, by (body, caller); callers have a name too.
    """

    period: Period
    source: YearSource
    lines: tuple[YearlyLine, ...]
    unappealed: Mapping[str, YearlyLine]
    calls: Mapping[tuple[str, str], Calls]
    names: dict[str, str]
    rates: ThreeRates
    readings: Readings
    weights: Yearly


def assess_year(
    session: Session,
    city: City,
    period: Period,
    *,
    area: str = "",
    source: YearSource = YearSource.TABLES,
    now: dt.datetime,
) -> Year:
    """The yearly score of every body, with the weights in force on the period's last day.

    Raises BadInput for a period that has not begun, or without weights, and for a street: bodies
    answer for their work in the whole district.
    """
    if len(area) > 6:
        raise BadInput(
            f"Yearly scores are those of districts; send 'area' as {area[:6]}.", field="area"
        )
    frame = frame_of(session, city, period, area, now=now)
    if source is YearSource.TRACE:
        counted, called = years_of_trace, calls_of_trace
    else:
        counted, called = years_of_tables, calls_of_tables
    counts = counted(session, frame, area)
    calls = called(session, frame, area)
    rates = city.table(WEIGHTS).of_rates(city.settings.weights_scheme, period.last)
    weighed = city.table(WEIGHTS).of_year(period.last)
    lines = yearly_lines(counts, rates, weighed)
    without = yearly_lines(counted(session, frame, area, appeals=False), rates, weighed)
    everybody = {*counts, *(caller for _, caller in calls)}
    return Year(
        period=period,
        source=source,
        lines=lines,
        unappealed={line.body: line for line in without},
        calls=calls,
        names=names(session, Dimension.BODY, everybody, now, city.standard),
        rates=rates,
        readings=readings_of(city, period),
        weights=weighed,
    )


def recompute(
    session: Session, city: City, period: Period, *, area: str = "", now: dt.datetime
) -> tuple[Year, tuple[Difference, ...]]:
    """The yearly scores recomputed from the trace alone, and where the tables say otherwise.

    A difference means that a table was changed by hand, or that a case was closed by a version of
    this service that did not write its judgements into the trace. Whether the trace itself is
    whole, ``gridsvc trace verify`` says.
    """
    traced = assess_year(session, city, period, area=area, source=YearSource.TRACE, now=now)
    tables = assess_year(session, city, period, area=area, now=now)
    found = differences(
        {line.body: line.counts for line in tables.lines},
        {line.body: line.counts for line in traced.lines},
    )
    return traced, found + _differing_calls(tables, traced)


def _differing_calls(tables: Year, trace: Year) -> tuple[Difference, ...]:
    """What the tables and the trace say differently of a body's whistles, by caller and count."""
    nothing = Calls(0, 0, 0, 0)
    found = []
    for body, caller in sorted(tables.calls.keys() | trace.calls.keys()):
        one, other = (year.calls.get((body, caller), nothing) for year in (tables, trace))
        for count in fields(Calls):
            here, there = getattr(one, count.name), getattr(other, count.name)
            if here != there:
                found.append(Difference(body, f"{count.name} by {caller}", here, there))
    return tuple(found)
