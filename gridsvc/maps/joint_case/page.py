"""One HTML file that needs nothing else: a folium map, the steps, the bodies, ready to print."""

from __future__ import annotations

import folium
import shapely

from gridsvc.city import City
from gridsvc.maps.joint_case.reading import CalledRow, JointCase, Place
from gridsvc.maps.self_contained import (
    CONTENT_POLICY,
    blank_map,
    draw_dot,
    draw_shape,
    render,
    safe_words,
)
from gridsvc.spatial.plane import surroundings

__all__ = ["CONTENT_POLICY", "joint_case_page"]

_ALARM, _INK, _VIOLET = "#d93a2b", "#3d3550", "#6a5a86"
_SIDE_FILLS = ("#efc9c0", "#c9d6ea")
_SHOWN_M = 130.0
# Degrees by which an area that was cut off is drawn in, so that the cut is not a border.
_EDGE = 1e-7
_STATES = {
    "proposed": ("待确认", "proposed"),
    "open": ("处理中", "open"),
    "closed": ("已结案", "closed"),
}
_GROUNDS = {
    "footprint": ("占地跨越边界", "footprint across the border"),
    "conflict": ("边界争议", "conflicting borders"),
    "refusal": ("双方都退回", "refused by both sides"),
    "near": ("紧邻边界", "near the border"),
    "crowd": ("两侧多人上报", "reports on both sides"),
}


def joint_case_page(case: JointCase, city: City) -> str:
    """The page of a joint case as one self-contained HTML text.

    Raises MissingPrerequisite when the package that provides Leaflet is not installed.
    """
    return render(
        "joint_case.html",
        _draw(case),
        case=case,
        calendar=city.calendar,
        state=_STATES.get(case.state, (case.state, case.state)),
        ground=_GROUNDS.get(case.ground, (case.ground, case.ground)),
        actions=sum(entry.action is not None for entry in case.entries),
        side_fills=_SIDE_FILLS,
    )


def _draw(case: JointCase) -> folium.Map:
    """The map of the place: both sides, the border, the building, who reported and who came."""
    drawn = blank_map()
    _draw_areas(drawn, case)
    if case.footprint is not None:
        draw_shape(drawn, case.footprint, color="#8f1a10", weight=2, fill=_ALARM, opacity=0.55)
    draw_dot(drawn, case.lon, case.lat, _VIOLET, "案卷地点 place of the case")
    for row in case.called:
        if row.point is not None:
            _came(drawn, case, row, row.point)
    west, south, east, north = _view(case).bounds
    drawn.fit_bounds([[south, west], [north, east]])
    return drawn


def _view(case: JointCase) -> shapely.Geometry:
    """The building and those who came to it, with the ground around."""
    place = shapely.Point(case.lon, case.lat)
    came = [
        shapely.Point(row.point) for row in case.called if row.point is not None and not row.far
    ]
    seen = shapely.union_all([place, *came, *([case.footprint] if case.footprint else [])])
    return surroundings(seen, _SHOWN_M)


def _draw_areas(drawn: folium.Map, case: JointCase) -> None:
    fills = {side.code: _SIDE_FILLS[n % 2] for n, side in enumerate(case.sides)}
    for street in case.streets:
        fill = fills.get(street.code, "#ece5d8")
        draw_shape(drawn, street.geometry, color=fill, weight=0, fill=fill, opacity=0.75)
    for grid in case.unit_grids:
        draw_shape(drawn, grid.geometry, color="#8f86a0", weight=0.7, tooltip=grid.code)
    for street in case.streets:
        draw_shape(drawn, _edges(street), color=_VIOLET, weight=1.6)
    for district in case.districts:
        draw_shape(drawn, _edges(district), color=_INK, weight=3)
    if case.border is not None:
        draw_shape(drawn, case.border, color=_ALARM, weight=4, tooltip="区界 District border")
    view = _view(case)
    names = {side.code: side.district_name for side in case.sides}
    for street in case.streets:
        seen = shapely.intersection(street.geometry, view)
        if seen.is_empty:
            continue
        at = shapely.maximum_inscribed_circle(seen).coords[0]
        _label(drawn, at, street.name, names.get(street.code, ""))


def _edges(place: Place) -> shapely.Geometry:
    """An area's border without the edges at which the surroundings were cut off."""
    west, south, east, north = place.geometry.bounds
    inside = shapely.box(west + _EDGE, south + _EDGE, east - _EDGE, north - _EDGE)
    return shapely.intersection(shapely.boundary(place.geometry), inside)


def _came(drawn: folium.Map, case: JointCase, row: CalledRow, point: tuple[float, float]) -> None:
    """A body that reported in, with the line to the place and how far off it was."""
    color = _ALARM if row.far else "#2f7d5b"
    folium.PolyLine(  # type: ignore[no-untyped-call] # folium leaves it untyped
        [(point[1], point[0]), (case.lat, case.lon)], color=color, weight=1.5, dash_array="4 4"
    ).add_to(drawn)
    off = "" if row.metres_off is None else f" · {row.metres_off:.0f} m"
    draw_dot(drawn, point[0], point[1], color, f"报到 {row.name}{off}")


def _label(drawn: folium.Map, at: tuple[float, ...], name: str, district: str) -> None:
    text = safe_words(name)
    above = f"<small>{safe_words(district)}</small>" if district else ""
    folium.Marker(
        (at[1], at[0]),
        icon=folium.DivIcon(
            html=f"<span class='name{' side' if district else ''}'>{above}{text}</span>",
            icon_size=(0, 0),
        ),
        interactive=False,
        keyboard=False,
    ).add_to(drawn)
