"""A demand letter as one HTML file on A4: a map of the place, the bodies, room for signatures."""

from __future__ import annotations

import folium
import shapely

from gridsvc.city import City
from gridsvc.maps.demand_letter.model import Letter
from gridsvc.maps.self_contained import (
    CONTENT_POLICY,
    blank_map,
    draw_dot,
    draw_shape,
    render,
)
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.plane import surroundings

__all__ = ["CONTENT_POLICY", "letter_page"]

_ALARM, _VIOLET = "#d93a2b", "#6a5a86"
_SHOWN_M = 130.0


def letter_page(letter: Letter, city: City) -> str:
    """The letter as one self-contained HTML text.

    Raises MissingPrerequisite when the package that brings Leaflet is not installed.
    """
    west, south, east, north = _view(letter).bounds
    return render(
        "demand_letter.html",
        _draw(letter),
        it=letter,
        calendar=city.calendar,
        report_in_radius_m=city.settings.report_in_radius_m,
        corners=[[south, west], [north, east]],
        area_m2=None if letter.footprint is None else float(area_m2(letter.footprint)),
    )


def _draw(letter: Letter) -> folium.Map:
    """The place, with unit grids and streets around."""
    drawn = blank_map()
    for grid in letter.unit_grids:
        own = grid.code == letter.grid_code
        fill = "#f3dcd0" if own else None
        draw_shape(drawn, grid.geometry, color="#8f86a0", weight=0.8, fill=fill, opacity=0.9 * own)
    for street in letter.streets:
        draw_shape(drawn, shapely.boundary(street.geometry), color=_VIOLET, weight=2)
    if letter.footprint is not None:
        draw_shape(drawn, letter.footprint, color="#8f1a10", weight=2, fill=_ALARM, opacity=0.5)
    draw_dot(drawn, letter.lon, letter.lat, _ALARM, "报到地点 report in here")
    west, south, east, north = _view(letter).bounds
    drawn.fit_bounds([[south, west], [north, east]])
    return drawn


def _view(letter: Letter) -> shapely.Geometry:
    place = shapely.Point(letter.lon, letter.lat)
    seen = place if letter.footprint is None else shapely.union_all([place, letter.footprint])
    return surroundings(seen, _SHOWN_M)
