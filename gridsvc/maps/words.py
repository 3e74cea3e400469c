"""The special report (专报) of a search by words: map, table, dossiers, the seasons compared."""

from __future__ import annotations

import datetime as dt

import folium
import shapely
from sqlalchemy.orm import Session

from gridsvc.city import City
from gridsvc.foresight.words.service import Found
from gridsvc.layers.catalogue import AREA_LAYERS
from gridsvc.maps.around import Place, places_around
from gridsvc.maps.drawing import blank_map, corners, draw_dot, draw_shape, own_border, render
from gridsvc.spatial.plane import surroundings

_INK, _VIOLET, _ALARM = "#3d3550", "#6a5a86", "#d93a2b"
_AROUND_M = 300.0
#: So many places are drawn and stand in the table; the CSV has all.
_DRAWN, _ROWS = 1_500, 2_000


def words_page(
    session: Session, city: City, found: Found, now: dt.datetime, *, dossiers: int
) -> str:
    """The report as one self-contained HTML text; ``dossiers`` places with the words of reports.

    Raises MissingPrerequisite when the package that provides Leaflet is not installed.
    """
    points = shapely.MultiPoint([(place.lon, place.lat) for place in found.places])
    if points.is_empty:
        points = shapely.Point(city.plane.lon, city.plane.lat)
    view = corners(surroundings(points, _AROUND_M).bounds)
    around = {
        level: places_around(session, AREA_LAYERS[level], city, now, points, _AROUND_M)
        for level in ("street", "district")
    }
    asked = found.asked
    return render(
        "words.html",
        _draw(found, around, view),
        found=found,
        asked=asked,
        season=None if asked.after is None else (asked.after.a_year_before(), asked.after),
        unsolved=sum(place.unsolved > 0 for place in found.places),
        rows=found.places[:_ROWS],
        dossiers=found.places[:dossiers],
        streets={place.code: place.name for place in around["street"]},
        calendar=city.calendar,
        made_at=now,
        corners=view,
    )


def _draw(
    found: Found, around: dict[str, tuple[Place, ...]], view: list[list[float]]
) -> folium.Map:
    drawn = blank_map()
    drawn.options["min_zoom"] = 8
    for level, areas in around.items():
        color, weight = (_INK, 3.0) if level == "district" else (_VIOLET, 1.4)
        for area in areas:
            draw_shape(
                drawn, own_border(area.geometry), color=color, weight=weight, tooltip=area.name
            )
    # The first ones are the worst, and lie on top.
    for n, place in reversed(list(enumerate(found.places[:_DRAWN], 1))):
        color = _ALARM if place.unsolved else _VIOLET
        words = f"{n} {place.address} ×{len(place.reports)}"
        radius = 4 + min(len(place.reports), 6)
        draw_dot(drawn, place.lon, place.lat, color, words, radius=radius)
    drawn.fit_bounds(view)
    return drawn
