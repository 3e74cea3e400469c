"""The page of the demand forecast: streets by the places that they lack."""

from __future__ import annotations

import datetime as dt

import folium
import shapely
from sqlalchemy.orm import Session

from gridsvc.city import City
from gridsvc.foresight.demand.schemas import demand_answer
from gridsvc.foresight.demand.service import Needs
from gridsvc.maps.drawing import (
    blank_map,
    corners,
    draw_shape,
    draw_words,
    drawable,
    render,
    safe_words,
)
from gridsvc.registry.editions.repository import named_areas
from gridsvc.registry.placement.repository import editions_on
from gridsvc.spatial.plane import surroundings

_INK, _LACK, _ENOUGH = "#3d3550", "#d93a2b", "#d5e5cf"
_AROUND_M = 200.0
_MOST_VERTICES = 60_000


def demand_page(session: Session, city: City, found: Needs, now: dt.datetime) -> str:
    """The forecast as one self-contained HTML text.

    Raises MissingPrerequisite when the package that provides Leaflet is not installed.
    """
    shown = demand_answer(found)
    codes = [street.code for street in found.streets]
    shapes: dict[str, shapely.Geometry] = {}
    for edition in editions_on(session.connection(), now):
        if edition.level == "street":
            drawn = named_areas(session, edition.id, codes=codes)
            shapes = {code: area for code, (_, area) in drawn.items()}
    bounds = shapely.total_bounds(list(shapes.values())) if shapes else None
    around = (
        shapely.Point(city.plane.lon, city.plane.lat) if bounds is None else shapely.box(*bounds)
    )
    view = corners(surroundings(around, _AROUND_M).bounds)
    return render(
        "demand.html",
        _draw(found, shapes, view),
        it=shown,
        corners=view,
        calendar=city.calendar,
        made_at=now,
    )


def _draw(found: Needs, shapes: dict[str, shapely.Geometry], view: list[list[float]]) -> folium.Map:
    drawn = blank_map()
    drawn.options["min_zoom"] = 8
    most = max((street.needed.expected for street in found.streets), default=0.0)
    codes = [street.code for street in found.streets if street.code in shapes]
    simple = drawable([shapes[code] for code in codes], _MOST_VERTICES)[0] if codes else []
    by_code = dict(zip(codes, simple, strict=True))
    for street in found.streets:
        if street.code not in by_code:
            continue
        lack = street.needed.expected / most if most > 0.5 else 0.0
        fill, opacity = (_LACK, 0.15 + 0.6 * lack) if lack else (_ENOUGH, 0.7)
        words = f"{street.name} {street.needed.expected:,.0f}"
        draw_shape(
            drawn,
            by_code[street.code],
            color=_INK,
            weight=1.4,
            fill=fill,
            opacity=opacity,
            tooltip=words,
        )
        lon, lat = shapely.maximum_inscribed_circle(by_code[street.code]).coords[0]
        label = (
            f"<span class='name'>{safe_words(street.name)}<br>{street.needed.expected:,.0f}</span>"
        )
        draw_words(drawn, lon, lat, label)
    drawn.fit_bounds(view)
    return drawn
