"""Maps on self-contained pages, drawn by folium with a Leaflet that is in the page."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import folium
import shapely
from branca.element import Figure
from markupsafe import escape

from gridsvc.errors import MissingPrerequisite
from gridsvc.maps.self_contained import installed, render_plain

#: By so many degrees is simplified what is drawn, until a browser draws it without delay.
_SIMPLER_DEGREES = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3)
#: Degrees by which an area that was cut off is drawn in, so that the cut is not a border.
_EDGE = 1e-7


def render(template: str, drawn: folium.Map, **content: Any) -> str:
    """A page of the templates' folder as one self-contained HTML text, with its map.

    Raises MissingPrerequisite when the package that provides Leaflet is not installed.
    """
    figure = drawn.get_root()
    if not isinstance(figure, Figure):
        raise TypeError("folium has drawn no figure")
    figure.render()
    script, style = _leaflet()
    return render_plain(
        template,
        leaflet_script=script,
        leaflet_style=style,
        map_header=_without_page_styles(figure.header.render()),
        map_html=figure.html.render(),
        map_script=figure.script.render(),
        map_name=drawn.get_name(),
        **content,
    )


def blank_map() -> folium.Map:
    """A map without tiles, and without anything that folium would load from other hosts."""
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
    return drawn


def draw_shape(
    drawn: folium.Map,
    geometry: shapely.Geometry,
    *,
    color: str,
    weight: float,
    fill: str | None = None,
    opacity: float = 0.0,
    tooltip: str | None = None,
) -> None:
    """Draw a WGS84 geometry; without a tooltip nothing happens under the pointer."""
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
        tooltip=None if tooltip is None else safe_words(tooltip),
        interactive=tooltip is not None,
    ).add_to(drawn)


def draw_dot(
    drawn: folium.Map, lon: float, lat: float, color: str, tooltip: str, *, radius: float = 7
) -> None:
    """Draw a point of WGS84 with words that appear under the pointer."""
    folium.CircleMarker(
        (lat, lon),
        radius=radius,
        color="#ffffff",
        weight=2,
        fill_color=color,
        fill_opacity=1,
        tooltip=safe_words(tooltip),
    ).add_to(drawn)


def draw_words(
    drawn: folium.Map, lon: float, lat: float, html: str, *, tooltip: str | None = None
) -> None:
    """Draw HTML, in which words are safe already, at a point of WGS84."""
    folium.Marker(
        (lat, lon),
        icon=folium.DivIcon(html=html, icon_size=(0, 0)),
        tooltip=None if tooltip is None else safe_words(tooltip),
        interactive=tooltip is not None,
        keyboard=False,
    ).add_to(drawn)


def drawable(shapes: Any, most_vertices: int) -> tuple[Any, bool]:
    """WGS84 shapes with no more vertices than that if possible, and whether they are simpler."""
    simple = shapes
    for tolerance in _SIMPLER_DEGREES:
        if shapely.get_num_coordinates(simple).sum() <= most_vertices:
            break
        simple = shapely.simplify(shapes, tolerance)
    return simple, simple is not shapes


def corners(bounds: Sequence[float]) -> list[list[float]]:
    """South-west and north-east of west, south, east, north; latitude first as Leaflet has it."""
    west, south, east, north = bounds
    return [[south, west], [north, east]]


def own_border(area: Any) -> Any:
    """An area's border (WGS84), without the edges at which its surroundings were cut off."""
    west, south, east, north = area.bounds
    inside = shapely.box(west + _EDGE, south + _EDGE, east - _EDGE, north - _EDGE)
    return shapely.intersection(shapely.boundary(area), inside)


def safe_words(text: str) -> str:
    """A text that stays words in HTML inside a JavaScript template, where folium puts it."""
    escaped = str(escape(text))
    for sign in "\\`$":
        escaped = escaped.replace(sign, f"&#{ord(sign)};")
    return escaped


def _without_page_styles(header: str) -> str:
    """Folium's header without its rules for a page that is all map."""
    return re.sub(r"<style>\s*(html, body|#map) \{.*?</style>|<meta[^>]*>", "", header, flags=re.S)


@cache
def _leaflet() -> tuple[str, str]:
    """Leaflet's script and style sheet, its few images inside."""
    folder = installed("js_lib_leaflet") / "static" / "js_lib_leaflet"
    if not (folder / "leaflet.js").is_file():
        raise MissingPrerequisite(
            "A page with a map needs Leaflet, which is not installed:"
            " pip install django-js-lib-leaflet."
        )

    def inline(found: re.Match[str]) -> str:
        image = base64.b64encode((folder / found[1]).read_bytes()).decode()
        return f"url(data:image/png;base64,{image})"

    script = (folder / "leaflet.js").read_text(encoding="utf-8")
    style = (folder / "leaflet.css").read_text(encoding="utf-8")
    style = re.sub(r"url\((images/[a-z0-9-]+\.png)\)", inline, style)
    return re.sub(r"//# sourceMappingURL=.*", "", script), style
