"""Assesses a period: lines with rates, scores and ranks, and the cases behind every number."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

from sqlalchemy.orm import Session

from gridsvc.assessment.period import Period
from gridsvc.assessment.rates import (
    COUNTS,
    Assessment,
    Dimension,
    Family,
    Line,
    Tally,
    ranked,
    rates_of,
    score_of,
)
from gridsvc.assessment.repository.names import areas_of_level, names
from gridsvc.assessment.repository.tallies import Behind, behind, districts_of, tallies
from gridsvc.assessment.scope import Scope, step_names
from gridsvc.callers import Caller, Role
from gridsvc.city import City
from gridsvc.city.weights import WEIGHTS, Reading, Readings, ThreeRates
from gridsvc.errors import BadInput, NotAllowed

#: Dimensions whose every area is a line, also one in which nothing happened.
_WHOLE = (Dimension.DISTRICT, Dimension.STREET)
_SUPERVISORS = (Role.DISTRICT, Role.CITY, Role.ADMIN)


def visible_area(
    caller: Caller,
    area: str | None,
    dimensions: Sequence[Dimension] = (),
    *,
    single_cases: bool = False,
) -> str:
    """The area that a caller is shown: what is asked for, inside the caller's own district.

    Streets and departments see the figures of the whole district, to compare, and ``single_cases``
    of their own area alone; inspectors are persons, so only supervision sees them by name. Raises
    NotAllowed, BadInput.
    """
    if Dimension.INSPECTOR in dimensions and caller.role not in _SUPERVISORS:
        raise NotAllowed("Only supervision may see inspectors: a token of role district or city.")
    own = caller.area if single_cases else caller.area[:6]
    wanted = own if area is None else area
    if re.fullmatch(r"[0-9]{0,6}|[0-9]{9}", wanted, re.ASCII) is None:
        raise BadInput(
            f"'area' is {wanted[:40]!r}; send a street's 9 digits, or up to 6 for a district.",
            field="area",
        )
    if not wanted.startswith(own):
        raise NotAllowed(f"The token is for {own}; it does not cover the assessment of {wanted}.")
    return wanted


def frame_of(
    session: Session,
    city: City,
    period: Period,
    area: str,
    *,
    scheme: str | None = None,
    now: dt.datetime,
) -> Scope:
    """What a count of an area in a period looks at, response read as the scheme has it.

    Raises BadInput before the period begins.
    """
    if period.start > now:
        raise BadInput(
            f"{period.name} has not begun; the latest day is {city.day(now)}.", field="period"
        )
    return Scope(
        period=period,
        now=now,
        districts=districts_of(session, area[:6]),
        steps=step_names(city.procedures),
        report_in_minutes=city.settings.report_in_minutes,
        standard=city.standard,
        by_unit=_by_unit(period, readings_of(city, period, scheme)),
        street=area if len(area) == 9 else None,
    )


def readings_of(city: City, period: Period, scheme: str | None = None) -> Readings:
    """How response is read in a period by a scheme; by the setting's when None."""
    known = city.table(WEIGHTS)
    return known.readings(scheme or city.settings.weights_scheme, period.first, period.last)


def _by_unit(period: Period, readings: Readings) -> tuple[tuple[dt.datetime, dt.datetime], ...]:
    starts = [period.calendar.begins(day) for day, _ in readings]
    spans = zip(starts, [*starts[1:], period.end], strict=True)
    return tuple(
        span for span, (_, reading) in zip(spans, readings, strict=True) if reading is Reading.UNIT
    )


def assess(
    session: Session,
    city: City,
    period: Period,
    dimensions: Sequence[Dimension],
    *,
    area: str = "",
    scheme: str | None = None,
    families: Sequence[Family] = tuple(Family),
    now: dt.datetime,
) -> Assessment:
    """The lines of each dimension, ranked by the score of the three rates; those without last.

    What ``families`` leaves out is not counted, and shows as no data.
    The weights are those in force on the last day of the period; response is read as on the
    deadline of each case. Raises BadInput.
    """
    weighed = city.table(WEIGHTS).of_rates(scheme or city.settings.weights_scheme, period.last)
    scope = frame_of(session, city, period, area, scheme=scheme, now=now)
    counted = tallies(session, scope, dimensions, families)
    day = min(now, period.end - dt.timedelta(seconds=1))
    lines = {}
    for dimension in dimensions:
        found = dict(counted[dimension])
        for key in _expected(session, dimension, period, area, day):
            found.setdefault(key, Tally())
        known = names(session, dimension, [key for key in found if key], day, city.standard)
        lines[dimension] = _lines(dimension, found, known, weighed)
    readings = readings_of(city, period, scheme)
    return Assessment(period, area, now, now < period.end, weighed, readings, lines)


def list_behind(
    session: Session,
    scope: Scope,
    count: str,
    dimension: Dimension,
    key: str | None,
    *,
    after: tuple[str, str, str] | None,
    limit: int,
) -> list[Behind]:
    """The cases behind one number of one line. Raises BadInput for an unknown count."""
    known = [name for names_ in COUNTS.values() for name in names_]
    if count not in known:
        raise BadInput(
            f"There is no count '{count[:40]}'; there are {', '.join(known)}.", field="count"
        )
    return behind(session, scope, count, dimension, key, after=after, limit=limit)


def _expected(
    session: Session, dimension: Dimension, period: Period, area: str, day: dt.datetime
) -> list[str]:
    """The keys that have a line though nothing may have happened there."""
    if dimension is Dimension.CITY:
        return ["city"]
    if dimension is Dimension.MONTH:
        return period.months()
    if dimension not in _WHOLE:
        return []
    every = areas_of_level(session, dimension.value, day)
    wide = area[:6] if dimension is Dimension.DISTRICT else area
    return [code for code in every if code.startswith(wide)]


def _lines(
    dimension: Dimension,
    found: dict[str | None, Tally],
    known: dict[str, str],
    weighed: ThreeRates,
) -> tuple[Line, ...]:
    scores = {key: score_of(tally, weighed) for key, tally in found.items()}
    order = ranked((key, score) for key, score in scores.items() if key is not None)
    places: list[tuple[str | None, int | None]] = [(line.key, line.rank) for line in order]
    if dimension is Dimension.MONTH:
        places.sort(key=lambda place: place[0] or "")
    if None in found:
        places.append((None, None))
    return tuple(
        Line(
            key=key,
            name=known.get(key, key) if key is not None else "",
            tally=found[key],
            rates=rates_of(found[key], weighed),
            score=scores[key],
            rank=rank,
        )
        for key, rank in places
    )
