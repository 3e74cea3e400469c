"""The effect of the measures behind alarms, from the reports before and after them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

import numpy as np
from sqlalchemy.orm import Session

from gridsvc.cases.core.models import Case
from gridsvc.city import City
from gridsvc.city.watches import WATCHES
from gridsvc.foresight.alarms import repository
from gridsvc.foresight.alarms.effect import Effect, effect, match_controls
from gridsvc.foresight.alarms.models import Alarm
from gridsvc.foresight.alarms.scan import BASELINE_DAYS, SIZES, Ints, cumulate
from gridsvc.foresight.places import counted

#: Fewer days before or after a measure say nothing; more after it are not looked at.
FEWEST_BEFORE, FEWEST_AFTER, MOST_AFTER = 3, 7, 28
#: Places this near to a hot one are not its like: what happens there reaches them.
_BESIDE = 9


class Why(StrEnum):
    """Why there is no effect to tell."""

    NO_MEASURE = "no_measure"
    #: The measure came within 3 days of the alarm: there is nothing to compare with.
    AT_ONCE = "at_once"
    #: Not 7 days have passed.
    TOO_EARLY = "too_early"
    NOT_WATCHED = "not_watched_any_more"
    REDRAWN = "grids_drawn_again"
    NO_LIKE = "fewer_than_20_places_like_it"
    NO_REPORTS = "no_reports_at_places_like_it"


@dataclass(frozen=True, slots=True)
class Measured:
    """When a place was measured, and with which effect; ``why`` says why there is none.

    ``before`` and ``after`` are the first and last days that were compared.
    """

    on: dt.date | None
    before: tuple[dt.date, dt.date] | None
    after: tuple[dt.date, dt.date] | None
    effect: Effect | None
    why: Why | None


def effects(
    session: Session, city: City, alarms: Sequence[tuple[Alarm, Case]], *, today: dt.date
) -> dict[uuid.UUID, Measured]:
    """What the measures of alarms have changed up to yesterday, by alarm.

    Before are the days from the alarm to the first measure: those that raised the alarm were
    chosen for being many, and would make every measure look good. After are the days behind the
    last measure, 28 at most.
    """
    measures = repository.measured_at(session, [case for _, case in alarms])
    found, todo = {}, []
    for alarm, case in alarms:
        spans = _spans(city, alarm, measures.get(case.id, ()), today)
        found[alarm.id] = spans
        if spans.why is None:
            todo.append(alarm)
    todo.sort(key=lambda it: (it.district_code, it.watch, it.cells))
    for _, group in groupby(todo, key=lambda it: (it.district_code, it.watch, it.cells)):
        found |= _compared(session, city, list(group), found)
    return found


def _spans(city: City, alarm: Alarm, measures: Sequence[dt.datetime], today: dt.date) -> Measured:
    if not measures:
        return Measured(None, None, None, None, Why.NO_MEASURE)
    days = [city.day(one) for one in measures]
    one = dt.timedelta(days=1)
    before = (alarm.first_day + one, days[0] - one)
    after = (days[-1] + one, min(today - one, days[-1] + dt.timedelta(days=MOST_AFTER)))
    why = None
    if (before[1] - before[0]).days + 1 < FEWEST_BEFORE:
        why = Why.AT_ONCE
    elif (after[1] - after[0]).days + 1 < FEWEST_AFTER:
        why = Why.TOO_EARLY
    return Measured(days[-1], before, after, None, why)


def _compared(
    session: Session, city: City, alarms: list[Alarm], spans: dict[uuid.UUID, Measured]
) -> dict[uuid.UUID, Measured]:
    """The effects of alarms of one watch in one district, whose reports are read once."""
    district, cells, watches = alarms[0].district_code, alarms[0].cells, city.table(WATCHES)
    watch = watches.get(alarms[0].watch)
    if watch is None:
        return {one.id: _without(spans[one.id], Why.NOT_WATCHED) for one in alarms}
    first = min(one.first_day for one in alarms) - dt.timedelta(days=BASELINE_DAYS)
    last = max(after[1] for one in alarms if (after := spans[one.id].after))
    points = repository.matters(session, city, district, watch.selection, first, last)
    grids = repository.grids_of(session, district)
    places, number = counted(cells, grids, points.lon, points.lat)
    known = number >= 0
    before = cumulate(
        number[known],
        points.day[known],
        places=len(places.codes),
        days=(last - first).days + 1,
    )
    around = places.around(city.plane, SIZES[-1])
    index = {code: n for n, code in enumerate(places.codes)}
    others = repository.alarms_with_cases(session, district, watch.name, first)
    hot = {index[code] for other, _ in others for code in other.places if code in index}
    return {
        one.id: _effect(one, spans[one.id], first, before, around, index, hot) for one in alarms
    }


def _effect(
    alarm: Alarm,
    spans: Measured,
    first: dt.date,
    before: Ints,
    around: Ints,
    index: dict[str, int],
    hot: set[int],
) -> Measured:
    assert spans.before is not None
    assert spans.after is not None
    zone = {index[code] for code in alarm.places if code in index}
    if len(zone) < len(alarm.places):
        return _without(spans, Why.REDRAWN)

    def between(begin: dt.date, end: dt.date) -> np.ndarray:
        return before[:, (end - first).days + 1] - before[:, (begin - first).days]

    year_end = alarm.first_day - dt.timedelta(days=alarm.days)
    yearly = between(alarm.first_day - dt.timedelta(days=BASELINE_DAYS), year_end)
    beside = {int(one) for place in zone for one in around[place, :_BESIDE]}
    controls = match_controls(yearly, zone, hot | beside, around)
    if not controls:
        return _without(spans, Why.NO_LIKE)
    was, became = between(*spans.before), between(*spans.after)
    members = list(zone)
    try:
        found = effect(
            int(was[members].sum()),
            int(became[members].sum()),
            np.array([int(was[one].sum()) for one in controls]),
            np.array([int(became[one].sum()) for one in controls]),
        )
    except ValueError:
        return _without(spans, Why.NO_REPORTS)
    return Measured(spans.on, spans.before, spans.after, found, None)


def _without(spans: Measured, why: Why) -> Measured:
    return Measured(spans.on, spans.before, spans.after, None, why)
