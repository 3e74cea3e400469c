"""The page of a line: what it crosses on a map and in lists, in the order of travel."""

from __future__ import annotations

import folium
import shapely

from gridsvc.layers.lines.service import Crossing
from gridsvc.maps.drawing import (
    blank_map,
    corners,
    draw_shape,
    draw_words,
    drawable,
    render,
    safe_words,
)
from gridsvc.spatial.plane import surroundings

_ALARM, _INK, _VIOLET = "#d93a2b", "#3d3550", "#6a5a86"
#: Streets in the order of travel, by turns.
_FILLS = ("#efc9c0", "#c9d6ea", "#d5e5cf", "#eadfc0")
_AROUND_M = 300.0
#: A browser draws so many vertices of each level without delay.
_MOST_VERTICES = 60_000
_LEVELS = (
    ("district", "区", "districts"),
    ("street", "街道", "streets"),
    ("community", "社区", "communities"),
    ("unit_grid", "单元网格", "unit grids"),
)
#: Chinese and English of why a body is along the line.
_ROLES = {
    "territory": ("属地", "territory"),
    "lead": ("主责", "lead"),
    "assist": ("协办", "assists"),
}


def line_page(crossing: Crossing) -> str:
    """What a line crosses as one self-contained HTML text.

    Raises MissingPrerequisite when the package that provides Leaflet is not installed.
    """
    return render(
        "line.html",
        _draw(crossing),
        it=crossing,
        levels=[(crossing.levels[name], zh, en) for name, zh, en in _LEVELS],
        roles=_ROLES,
        fills=_FILLS,
    )


def _draw(crossing: Crossing) -> folium.Map:
    way = crossing.way
    view = surroundings(way.corridor, _AROUND_M)
    drawn = blank_map()
    drawn.options["min_zoom"] = 8
    shown = {}
    for level in crossing.levels:
        members = crossing.of(level)
        seen = shapely.intersection([one.geometry for one in members], view)
        shown[level] = list(zip(members, drawable(seen, _MOST_VERTICES)[0], strict=True))
    for n, (_, shape) in enumerate(shown["street"]):
        fill = _FILLS[n % len(_FILLS)]
        draw_shape(drawn, shape, color=_VIOLET, weight=1.6, fill=fill, opacity=0.75)
    for cell, shape in shown["unit_grid"]:
        words = f"{cell.name} {cell.passed.metres:,.0f} m"
        draw_shape(
            drawn, shape, color="#8f86a0", weight=0.7, fill="#ffffff", opacity=0.25, tooltip=words
        )
    for district, shape in shown["district"]:
        draw_shape(drawn, shape, color=_INK, weight=3, tooltip=district.name)
    draw_shape(drawn, way.corridor, color=_ALARM, weight=1, fill=_ALARM, opacity=0.35)
    draw_shape(drawn, way.line, color="#8f1a10", weight=2.5)
    for n, (street, shape) in enumerate(shown["street"], 1):
        lon, lat = shapely.maximum_inscribed_circle(shape).coords[0]
        label = f"<span class='name'>{n} · {safe_words(street.name)}</span>"
        draw_words(drawn, lon, lat, label)
    drawn.fit_bounds(corners(view.bounds))
    return drawn
