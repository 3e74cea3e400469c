"""Rankings (综合排名): streets by their three rates, growth against last year, who is named."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from sqlalchemy.orm import Session

from gridsvc.assessment.period import Period, parse_period
from gridsvc.assessment.rates import Dimension, Ranked, Rate, Tally, ranked, rates_of, score_of
from gridsvc.assessment.repository.names import areas_of_level
from gridsvc.assessment.repository.years import BodyYear, streets_of_tables, streets_of_trace
from gridsvc.assessment.service import frame_of
from gridsvc.assessment.yearly import Difference, YearSource, differences
from gridsvc.city import City
from gridsvc.city.weights import WEIGHTS, ThreeRates
from gridsvc.errors import BadInput

#: How many are named first and last (the mission's texts).
NAMED = 10
_THREE = ("response", "solved", "satisfied")


@dataclass(frozen=True, slots=True)
class Named:
    """Who is named in front and at the end.

    All who share the tenth place are named, so either list may be longer; nobody is in both. Where
    too few have data for two lists, the last one has who is left. ``tied``: whether the tenth place
    was shared, in front and at the end.
    """

    first: tuple[str, ...]
    last: tuple[str, ...]
    tied: tuple[bool, bool]


def named(lines: Sequence[Ranked], most: int = NAMED) -> Named:
    """The first and the last of a ranking, the best in front and the worst at the end first."""
    known = [line for line in lines if line.rank is not None]
    first = _up_to(known, most)
    left = known[len(first) :]
    last = _up_to(left[::-1], most)
    return Named(
        tuple(line.key for line in first),
        # Equal ones stay in the order of their codes.
        tuple(
            line.key
            for line in sorted(last, key=lambda line: (line.value or Fraction(0), line.key))
        ),
        (len(first) > most, len(last) > most),
    )


def _up_to(lines: Sequence[Ranked], most: int) -> list[Ranked]:
    """So many lines, and all behind them that are equal to the last of these."""
    if len(lines) <= most:
        return list(lines)
    edge = lines[most - 1].value
    return [line for n, line in enumerate(lines) if n < most or line.value == edge]


@dataclass(frozen=True, slots=True)
class StreetLine:
    """A street: its three rates and score (0 to 1, None without data), now and a year before.

    ``growth`` is the difference of the scores, None where one of them is missing.
    """

    street: str
    name: str
    rates: Mapping[str, Rate]
    score: Fraction | None
    rank: int | None
    score_before: Fraction | None
    rank_before: int | None
    growth: Fraction | None
    growth_rank: int | None


@dataclass(frozen=True, slots=True)
class Rankings:
    """The streets of an area in the order of their rank, and who is named."""

    period: Period
    before: Period
    source: YearSource
    weights: ThreeRates
    weights_before: ThreeRates
    lines: tuple[StreetLine, ...]
    by_score: Named
    by_growth: Named


def rank_streets(
    session: Session,
    city: City,
    period: Period,
    *,
    area: str = "",
    source: YearSource = YearSource.TABLES,
    now: dt.datetime,
) -> Rankings:
    """Every street of an area in force, ranked by the three rates of its closed cases.

    Each period by the weights in force on its last day. Raises BadInput for a street, and for a
    period that has not begun.
    """
    if len(area) > 6:
        raise BadInput(
            f"Streets are ranked in their district; send 'area' as {area[:6]}.", field="area"
        )
    before = year_before(period)
    codes = {
        code: name
        for code, name in areas_of_level(session, Dimension.STREET.value, now).items()
        if code.startswith(area)
    }
    here = _counted(session, city, period, area, source, now)
    there = _counted(session, city, before, area, source, now)
    weights, old = (
        city.table(WEIGHTS).of_rates(city.settings.weights_scheme, one.last)
        for one in (period, before)
    )
    every = sorted(codes.keys() | here.keys())
    scores = {code: score_of(_tally(here.get(code)), weights) for code in every}
    past = {code: score_of(_tally(there.get(code)), old) for code in every}
    growths = {code: _growth(scores[code], past[code]) for code in every}
    order, order_before, order_growth = (ranked(one.items()) for one in (scores, past, growths))
    rank_before = {line.key: line.rank for line in order_before}
    growth_rank = {line.key: line.rank for line in order_growth}
    lines = tuple(
        StreetLine(
            street=line.key,
            name=codes.get(line.key, line.key),
            rates={
                one.name: one
                for one in rates_of(_tally(here.get(line.key)), weights)
                if one.name in _THREE
            },
            score=line.value,
            rank=line.rank,
            score_before=past[line.key],
            rank_before=rank_before[line.key],
            growth=growths[line.key],
            growth_rank=growth_rank[line.key],
        )
        for line in order
    )
    return Rankings(period, before, source, weights, old, lines, named(order), named(order_growth))


def recompute_streets(
    session: Session, city: City, period: Period, *, area: str = "", now: dt.datetime
) -> tuple[Difference, ...]:
    """Where the tables and the trace say differently what citizens said of a street's cases."""
    tables, trace = (
        _counted(session, city, period, area, source, now)
        for source in (YearSource.TABLES, YearSource.TRACE)
    )
    return differences(tables, trace)


def year_before(period: Period) -> Period:
    """The same months, quarter or days a year earlier; the 29th of February is the 28th then."""
    name = period.name
    if "/" in name or len(name) == 10:
        first, last = (_year_earlier(day) for day in (period.first, period.last))
        return parse_period(f"{first}/{last}", period.calendar)
    return parse_period(f"{int(name[:4]) - 1}{name[4:]}", period.calendar)


def _year_earlier(day: dt.date) -> dt.date:
    leap = day.month == 2 and day.day == 29
    return day.replace(year=day.year - 1, day=28 if leap else day.day)


def _counted(
    session: Session, city: City, period: Period, area: str, source: YearSource, now: dt.datetime
) -> dict[str, BodyYear]:
    scope = frame_of(session, city, period, area, now=now)
    if source is YearSource.TRACE:
        return streets_of_trace(session, scope, area)
    return streets_of_tables(session, scope, area)


def _tally(counts: BodyYear | None) -> Tally:
    if counts is None:
        return Tally()
    named_ = ("valid", "contacted", "solved", "satisfied", "fairly")
    return Tally({name: getattr(counts, name) for name in named_})


def _growth(now: Fraction | None, before: Fraction | None) -> Fraction | None:
    return None if now is None or before is None else now - before
