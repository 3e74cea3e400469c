"""The page of a list of recurring places: what was found when somebody looked again."""

from __future__ import annotations

import datetime as dt

import shapely
from sqlalchemy.orm import Session

from gridsvc.cases.systems.looking_back.schemas import RecurringListWhole, RecurringPlaceAnswer
from gridsvc.city import City
from gridsvc.layers.catalogue import AREA_LAYERS
from gridsvc.maps.around import places_around
from gridsvc.maps.drawing import blank_map, corners, draw_dot, draw_shape, own_border, render
from gridsvc.spatial.plane import surroundings

_INK, _VIOLET = "#3d3550", "#6a5a86"
_AROUND_M = 300.0
#: How a place stands: its colour on the map, Chinese and English.
STANDINGS = {
    "again": ("#d93a2b", "再次出现", "there again"),
    "waiting": ("#a86400", "待回头看", "waits for another look"),
    "open": ("#6a5a86", "案卷在办", "its case is open"),
    "lasted": ("#2f7d5b", "未再出现", "has lasted"),
    "kept": ("#b9b2c4", "未到季节", "its season has not come"),
}


def recurring_page(session: Session, city: City, kept: RecurringListWhole, now: dt.datetime) -> str:
    """The list as one self-contained HTML text; nothing that people wrote.

    Raises MissingPrerequisite when the package that provides Leaflet is not installed.
    """
    points = shapely.MultiPoint([place.point for place in kept.listed])
    view = corners(surroundings(points, _AROUND_M).bounds)
    drawn = blank_map()
    drawn.options["min_zoom"] = 8
    for level in ("street", "district"):
        color, weight = (_INK, 3.0) if level == "district" else (_VIOLET, 1.4)
        for area in places_around(session, AREA_LAYERS[level], city, now, points, _AROUND_M):
            line = own_border(area.geometry)
            draw_shape(drawn, line, color=color, weight=weight, tooltip=area.name)
    standings = {place.n: standing_of(place) for place in kept.listed}
    for place in reversed(kept.listed):
        color, zh, _ = STANDINGS[standings[place.n]]
        draw_dot(drawn, *place.point, color, f"{place.n} ×{place.reports} {zh}", radius=6)
    drawn.fit_bounds(view)
    return render(
        "recurring.html",
        drawn,
        it=kept,
        names=STANDINGS,
        standings=standings,
        corners=view,
        calendar=city.calendar,
        made_at=now,
    )


def standing_of(place: RecurringPlaceAnswer) -> str:
    """How a place stands, by the last time that somebody was asked to look."""
    if not place.looked:
        return "kept"
    last = place.looked[-1]
    if last.task_id is None:
        return "open"
    return last.outcome or "waiting"
