"""One HTML file that needs nothing else: a folium map, the steps, the bodies, ready to print."""

from __future__ import annotations

import base64
import datetime as dt
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import folium
import jinja2
import shapely
from branca.element import Figure
from markupsafe import escape

from gridsvc.errors import MissingPrerequisite
from gridsvc.maps.joint_case.model import CalledRow, JointCase, Place
from gridsvc.spatial.crs import project, unproject

__all__ = ["CONTENT_POLICY", "joint_case_page"]

#: The page loads nothing at all; what it needs stands in it.
CONTENT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
)

_ALARM, _INK, _VIOLET = "#d93a2b", "#3d3550", "#6a5a86"
_SIDE_FILLS = ("#efc9c0", "#c9d6ea")
_SHOWN_M = 130.0
# Degrees by which an area that was cut off is drawn in, so that the cut is no border.
_EDGE = 1e-7
_BEIJING = dt.timezone(dt.timedelta(hours=8))
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


def joint_case_page(case: JointCase) -> str:
    """The page of a joint case as one self-contained HTML text.

    Raises MissingPrerequisite when the package that brings Leaflet is not installed.
    """
    figure = _draw(case).get_root()
    if not isinstance(figure, Figure):
        raise TypeError("folium has drawn no figure")
    figure.render()
    script, style = _leaflet()
    return (
        _templates()
        .get_template("joint_case.html")
        .render(
            case=case,
            state=_STATES.get(case.state, (case.state, case.state)),
            ground=_GROUNDS.get(case.ground, (case.ground, case.ground)),
            actions=sum(entry.action is not None for entry in case.entries),
            leaflet_script=script,
            leaflet_style=style,
            map_header=_without_page_styles(figure.header.render()),
            map_html=figure.html.render(),
            map_script=figure.script.render(),
            side_fills=_SIDE_FILLS,
        )
    )


def _draw(case: JointCase) -> folium.Map:
    """The map of the place: both sides, the border, the building, who reported and who came."""
    drawn = folium.Map(
        tiles=None,
        control_scale=True,
        attribution_control=False,
        min_zoom=12,
        max_zoom=20,
        zoom_snap=0.25,
        scroll_wheel_zoom=False,
    )
    # folium's own scripts and styles come from other hosts; none of what is drawn needs them.
    drawn.default_js, drawn.default_css = [], []
    _draw_areas(drawn, case)
    if case.footprint is not None:
        _shape(drawn, case.footprint, color="#8f1a10", weight=2, fill=_ALARM, opacity=0.55)
    for report in case.reports:
        _dot(drawn, report.lon, report.lat, _VIOLET, f"上报 Report · {report.channel}")
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
    metric = shapely.buffer(project(seen), _SHOWN_M)
    return unproject(shapely.envelope(metric))


def _draw_areas(drawn: folium.Map, case: JointCase) -> None:
    fills = {side.code: _SIDE_FILLS[n % 2] for n, side in enumerate(case.sides)}
    for street in case.streets:
        fill = fills.get(street.code, "#ece5d8")
        _shape(drawn, street.geometry, color=fill, weight=0, fill=fill, opacity=0.75)
    for grid in case.unit_grids:
        _shape(drawn, grid.geometry, color="#8f86a0", weight=0.7, tooltip=grid.code)
    for street in case.streets:
        _shape(drawn, _edges(street), color=_VIOLET, weight=1.6)
    for district in case.districts:
        _shape(drawn, _edges(district), color=_INK, weight=3)
    if case.border is not None:
        _shape(drawn, case.border, color=_ALARM, weight=4, tooltip="区界 District border")
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


def _shape(
    drawn: folium.Map,
    geometry: shapely.Geometry,
    *,
    color: str,
    weight: float,
    fill: str | None = None,
    opacity: float = 0.0,
    tooltip: str | None = None,
) -> None:
    if geometry.is_empty:
        return
    style = {
        "color": color,
        "weight": weight,
        "fill": fill is not None,
        "fillColor": fill,
        "fillOpacity": opacity,
        "stroke": weight > 0,
    }
    folium.GeoJson(
        shapely.geometry.mapping(geometry),
        style_function=lambda _feature, style=style: style,
        tooltip=None if tooltip is None else _words(tooltip),
        interactive=tooltip is not None,
    ).add_to(drawn)


def _dot(drawn: folium.Map, lon: float, lat: float, color: str, tooltip: str) -> None:
    folium.CircleMarker(
        (lat, lon),
        radius=7,
        color="#ffffff",
        weight=2,
        fill_color=color,
        fill_opacity=1,
        tooltip=_words(tooltip),
    ).add_to(drawn)


def _came(drawn: folium.Map, case: JointCase, row: CalledRow, point: tuple[float, float]) -> None:
    """A body that reported in, with the line to the place and how far off it was."""
    color = _ALARM if row.far else "#2f7d5b"
    folium.PolyLine(  # type: ignore[no-untyped-call] # folium leaves it untyped
        [(point[1], point[0]), (case.lat, case.lon)], color=color, weight=1.5, dash_array="4 4"
    ).add_to(drawn)
    off = "" if row.metres_off is None else f" · {row.metres_off:.0f} m"
    _dot(drawn, point[0], point[1], color, f"报到 {row.name}{off}")


def _label(drawn: folium.Map, at: tuple[float, ...], name: str, district: str) -> None:
    text = _words(name)
    above = f"<small>{_words(district)}</small>" if district else ""
    folium.Marker(
        (at[1], at[0]),
        icon=folium.DivIcon(
            html=f"<span class='name{' side' if district else ''}'>{above}{text}</span>",
            icon_size=(0, 0),
        ),
        interactive=False,
        keyboard=False,
    ).add_to(drawn)


def _words(text: str) -> str:
    """A text that stays words in HTML inside a JavaScript template, where folium puts it."""
    escaped = str(escape(text))
    for sign in "\\`$":
        escaped = escaped.replace(sign, f"&#{ord(sign)};")
    return escaped


def _without_page_styles(header: str) -> str:
    """Folium's header without its rules for a page that is all map."""
    return re.sub(r"<style>\s*(html, body|#map) \{.*?</style>|<meta[^>]*>", "", header, flags=re.S)


@cache
def _templates() -> jinja2.Environment:
    folder = Path(__file__).parent.parent / "templates"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["moment"] = _moment
    return environment


def _moment(value: Any) -> str:
    """A time as Beijing's clocks show it; a dash for none."""
    return "–" if value is None else value.astimezone(_BEIJING).strftime("%Y-%m-%d %H:%M")


@cache
def _leaflet() -> tuple[str, str]:
    """Leaflet's script and style sheet, its few images inside."""
    spec = find_spec("js_lib_leaflet")
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    folder = Path(places[0] if places else "") / "static" / "js_lib_leaflet"
    if not (folder / "leaflet.js").is_file():
        raise MissingPrerequisite(
            "The page of a joint case needs Leaflet, which is not installed:"
            " pip install django-js-lib-leaflet."
        )

    def inline(found: re.Match[str]) -> str:
        image = base64.b64encode((folder / found[1]).read_bytes()).decode()
        return f"url(data:image/png;base64,{image})"

    script = (folder / "leaflet.js").read_text(encoding="utf-8")
    style = (folder / "leaflet.css").read_text(encoding="utf-8")
    style = re.sub(r"url\((images/[a-z0-9-]+\.png)\)", inline, style)
    return re.sub(r"//# sourceMappingURL=.*", "", script), style
