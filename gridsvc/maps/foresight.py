"""The page of foresight: heat on a map, alarms with effects, places that come again, demand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import folium
import shapely
from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.cases.systems.looking_back.repository import lists_under
from gridsvc.cases.systems.looking_back.schemas import RecurringListWhole
from gridsvc.cases.systems.looking_back.view import whole_answer
from gridsvc.city import City
from gridsvc.city.care import CARE
from gridsvc.city.watches import WATCHES, Selection, Watch
from gridsvc.errors import NotFound
from gridsvc.foresight.alarms import repository
from gridsvc.foresight.alarms.heat import HeatCell, heat
from gridsvc.foresight.alarms.models import AlarmScan
from gridsvc.foresight.demand.service import Needs, StreetNeed, needs
from gridsvc.foresight.places import UNIT_GRID
from gridsvc.maps.alarm_lines import AlarmLine, alarm_lines
from gridsvc.maps.drawing import blank_map, corners, draw_shape, render
from gridsvc.maps.review.reading import area_name
from gridsvc.spatial.plane import surroundings

HEAT_DAYS = 28
#: Alarms that began within so many days, or whose case is open.
_ALARM_DAYS = 90
_MOST_CELLS, _MOST_CHRONIC, _MOST_LISTS, _MOST_STREETS = 400, 50, 20, 10
_AROUND_M = 300.0
_ALARM = "#d93a2b"
#: From few reports by km² to many.
_HEAT = ("#fbe9c6", "#f7cf8e", "#f0a95f", "#e27b42", "#c94a2e")
_CELLS = "h3-10"


@dataclass(frozen=True, slots=True)
class Foresight:
    """What the page shows of an area on a day: ``cells`` is what its heat is counted in.

    ``forecasts`` have the streets of the area that lack most places, the most first.
    """

    area: str
    name: str
    day: dt.date
    cells: str
    heat: Sequence[HeatCell]
    alarms: Sequence[AlarmLine]
    scans: Sequence[tuple[AlarmScan, Watch | None]]
    recurring: Sequence[RecurringListWhole]
    forecasts: Sequence[tuple[Needs, Sequence[StreetNeed]]]


def read_foresight(session: Session, city: City, area: str, *, now: dt.datetime) -> Foresight:
    """What the page of a district or street shows; its heat is of the 28 days up to a moment."""
    day = city.day(now)
    first = day - dt.timedelta(days=HEAT_DAYS - 1)
    has_grids = bool(repository.grids_of(session, area[:6], area if len(area) == 9 else None).codes)
    cells = UNIT_GRID if has_grids else _CELLS
    found = heat(session, city, area, Selection(), cells, first=first, last=day)
    since = day - dt.timedelta(days=_ALARM_DAYS)
    lines = alarm_lines(session, city, area, since=since, until=day, today=day)
    watches = city.table(WATCHES)
    scans = repository.scans_under(session, area, day)
    told = [(one, watches.get(one.watch)) for one in scans]
    kept = lists_under(session, area, after=None, limit=_MOST_LISTS)
    recurring = [whole_answer(session, one) for one in kept if one.ended_at is None]
    forecasts = _forecasts(session, city, area, now)
    name = area_name(session, area, now)
    return Foresight(area, name, day, cells, found, lines, told, recurring, forecasts)


def _forecasts(
    session: Session, city: City, area: str, now: dt.datetime
) -> list[tuple[Needs, list[StreetNeed]]]:
    """The forecast of each kind of place for children, where the district's residents are known."""
    found = []
    for kind in city.table(CARE):
        try:
            told = needs(session, city, area[:6], kind, now=now)
        except NotFound:
            continue
        streets = [one for one in told.streets if one.code.startswith(area)]
        streets.sort(key=lambda one: (-one.needed.expected, one.code))
        found.append((told, streets[:_MOST_STREETS]))
    return found


def foresight_page(it: Foresight) -> str:
    """The page as one self-contained HTML text.

    Raises MissingPrerequisite when the package that provides Leaflet is not installed.
    """
    return render(
        "foresight.html", _draw(it), it=it, days=HEAT_DAYS, fills=_HEAT, most=_MOST_CHRONIC
    )


def _draw(it: Foresight) -> folium.Map:
    drawn = blank_map()
    drawn.options["min_zoom"] = 9
    hottest = max((one.per_km2 for one in it.heat), default=1.0)
    for cell in it.heat[:_MOST_CELLS]:
        shade = min(int(cell.per_km2 / hottest * len(_HEAT)), len(_HEAT) - 1)
        words = f"{cell.code} {cell.count}"
        draw_shape(
            drawn,
            cell.geometry,
            color=_HEAT[-1],
            weight=0.4,
            fill=_HEAT[shade],
            opacity=0.8,
            tooltip=words,
        )
    grounds = [to_shape(one.alarm.geometry) for one in it.alarms]
    for line, ground in zip(it.alarms, grounds, strict=True):
        alarm = line.alarm
        words = f"{alarm.first_day} {alarm.count} / {alarm.expected:.1f}"
        draw_shape(drawn, ground, color=_ALARM, weight=3, tooltip=words)
    shapes = [*(one.geometry for one in it.heat[:_MOST_CELLS]), *grounds]
    if shapes:
        seen = surroundings(shapely.GeometryCollection(shapes), _AROUND_M)
        drawn.fit_bounds(corners(seen.bounds))
    return drawn
