"""A dossier as one HTML file: the map, the sides, what lies inside, evidence, history."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import folium
import shapely
from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.cases.systems.disputes.what_if import inside_json
from gridsvc.city import City
from gridsvc.layers.catalogue import AREA_LAYERS
from gridsvc.maps.around import Place, places_around
from gridsvc.maps.drawing import (
    blank_map,
    corners,
    draw_dot,
    draw_shape,
    draw_words,
    own_border,
    render,
    safe_words,
)
from gridsvc.registry.bodies.repository import bodies_by_code
from gridsvc.registry.classes.repository import names_of
from gridsvc.registry.disputes.models import Dispute
from gridsvc.registry.disputes.service import dispute_or_refuse
from gridsvc.registry.disputes.view import dispute_json
from gridsvc.registry.editions.repository import named_areas
from gridsvc.registry.placement.repository import editions_on
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.plane import extent_m, surroundings

_ALARM, _INK, _VIOLET, _GREEN = "#d93a2b", "#3d3550", "#6a5a86", "#2f7d5b"
_SIDE_FILLS = ("#efc9a0", "#b9cdea", "#cfe3c4", "#e3cfe6")
#: Ground around the disputed one, as a part of its own size, and in metres at least.
_MARGIN_SHARE, _MARGIN_M = 0.5, 60.0
#: So many parts are drawn; more would hide the ground.
_PARTS_DRAWN = 300

_STATES = {
    "open": ("未决", "open"),
    "under_negotiation": ("协商中", "under negotiation"),
    "agreed": ("已达成一致", "agreed"),
    "settled": ("已解决", "settled"),
}
_KINDS = {
    "gap": ("无人管辖", "gap: nobody claims it"),
    "overlap": ("重复管辖", "overlap: claimed twice"),
    "conflict": ("层级矛盾", "conflict: the levels contradict each other"),
    "neglect": ("三不管地带", "neglect: its reports are refused, returned or slow"),
}
_LEVELS = {
    "district": ("区", "district"),
    "street": ("街道/乡镇", "street"),
    "community": ("社区/村", "community"),
}
_ACTIONS = {
    "found": ("发现", "found"),
    "found_again": ("再次发现", "found again"),
    "cases_compared": ("案卷对比", "cases compared"),
    "reopened": ("重新开启", "opened again"),
    "under_negotiation": ("开始协商", "negotiation"),
    "terms_proposed": ("提出方案", "terms proposed"),
    "agreed": ("达成一致", "agreed"),
    "settled": ("解决", "settled"),
    "file_added": ("提交文件", "file added"),
    "note_added": ("添加说明", "note added"),
}


def dossier_page(dossier: Dossier, city: City) -> str:
    """The dossier as one self-contained HTML text.

    Raises MissingPrerequisite when the package that provides Leaflet is not installed.
    """
    shown = dossier.dispute
    return render(
        "dossier.html",
        _draw(dossier),
        it=shown,
        dossier=dossier,
        calendar=city.calendar,
        inside=dossier.inside,
        state=_STATES[shown["state"]],
        kind=_KINDS[shown["kind"]],
        level=_LEVELS[shown["level"]],
        actions=_ACTIONS,
        side_fills=_SIDE_FILLS,
        terms=_terms(shown),
        moved=_moved(dossier),
        corners=corners(_view(dossier.ground).bounds),
    )


def _terms(shown: Any) -> dict[str, Any] | None:
    """The agreement in force or proposed, or the edition that settles; None before any terms."""
    proposed = shown["terms"] or {}
    edition = shown["settled_by_edition"] or proposed.get("edition_id")
    agreement = shown["agreement"] or proposed.get("agreement")
    if agreement is None and edition is None:
        return None
    return {"agreement": agreement, "edition": edition}


def _moved(dossier: Dossier) -> list[Any]:
    """The placements of reports that were placed more than once."""
    listed = dossier.inside["placements"]["listed"]
    again = {row["report_id"] for row in listed if row["n"] > 1}
    return [row for row in listed if row["report_id"] in again]


def _draw(dossier: Dossier) -> folium.Map:
    """The map: both sides, all borders around, the disputed ground, reports and parts."""
    drawn = blank_map()
    view = _view(dossier.ground)
    for n, side in enumerate(dossier.sides):
        if side.geometry is not None:
            fill = _SIDE_FILLS[n % len(_SIDE_FILLS)]
            near = _cut(side.geometry, view)
            draw_shape(drawn, near, color=fill, weight=0, fill=fill, opacity=0.65)
    # The districts come first in it and are drawn last: their border lies over the streets'.
    for level, areas in reversed(dossier.around.items()):
        color, weight = (_INK, 3.0) if level == "district" else (_VIOLET, 1.6)
        for area in areas:
            line = _cut(own_border(area.geometry), view)
            draw_shape(drawn, line, color=color, weight=weight, tooltip=f"{area.name} {area.code}")
    ground = dossier.ground
    draw_shape(drawn, ground, color="#8f1a10", weight=2.2, fill=_ALARM, opacity=0.45)
    for row in dossier.inside["parts"]["listed"][:_PARTS_DRAWN]:
        lon, lat = row["point"]
        draw_dot(drawn, lon, lat, _GREEN, f"部件 {row['name']} {row['code']}", radius=4)
    for row in dossier.inside["reports"]["listed"]:
        if "point" in row:
            lon, lat = row["point"]
            draw_dot(drawn, lon, lat, _VIOLET, f"上报 Report · {row['channel']}")
    for n, side in enumerate(dossier.sides):
        if side.geometry is not None:
            _label(drawn, side.name or side.code, side.geometry, ground, view, n)
    drawn.fit_bounds(corners(view.bounds))
    return drawn


def _view(ground: Any) -> Any:
    """The box (WGS84) that the map shows at first."""
    return surroundings(ground, max(_MARGIN_M, _MARGIN_SHARE * max(extent_m(ground))))


def _cut(geometry: Any, view: Any) -> Any:
    """What lies around the view: the map may be wider than it, be moved a little, and is small."""
    west, south, east, north = view.bounds
    wide, high = east - west, north - south
    return shapely.intersection(
        shapely.make_valid(geometry),
        shapely.box(west - 2 * wide, south - high, east + 2 * wide, north + high),
    )


def _label(drawn: folium.Map, name: str, area: Any, ground: Any, view: Any, n: int) -> None:
    """A side's name on its own ground, beside the disputed one where there is room."""
    own = shapely.intersection(shapely.make_valid(area), view)
    free = shapely.difference(own, shapely.buffer(ground, 1e-6))
    place = free if not free.is_empty else own
    if place.is_empty:
        return
    lon, lat = shapely.maximum_inscribed_circle(place).coords[0]
    draw_words(drawn, lon, lat, f"<span class='name side-{n}'>{safe_words(name)}</span>")


@dataclass(frozen=True, slots=True)
class DisputeSide:
    """A side as its own edition draws it (WGS84), whole; ``claimed_m2`` of the disputed ground.

    ``geometry`` is None where no edition has the area any more.
    """

    code: str
    name: str
    body_code: str
    body_name: str
    geometry: shapely.Geometry | None
    claimed_m2: float


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that a dossier tells: the dispute and what lies inside, as ``/v1/disputes`` gives it.

    ``ground`` is the disputed ground (WGS84), ``around`` what lies near it, by level; nothing in it
    is personal.
    """

    dispute: Mapping[str, Any]
    inside: Mapping[str, Any]
    ground: shapely.Geometry
    sides: tuple[DisputeSide, ...]
    around: dict[str, tuple[Place, ...]]
    class_names: Mapping[tuple[str, str], str]
    body_names: Mapping[str, str]
    made_at: dt.datetime


#: The surroundings reach twice as far as the ground, as maps are wider than high, but so far at
#: least.
_LEAST_AROUND_M = 1_000.0


def read_dossier(
    session: Session, city: City, dispute_id: uuid.UUID, *, named: bool, now: dt.datetime
) -> Dossier:
    """The dossier of a dispute, without the names of persons. Raises NotFound.

    ``named``: with what is only told to the sides: reasons, notes, the points of reports.
    """
    dispute = dispute_or_refuse(session, dispute_id)
    ground = to_shape(dispute.geometry)
    inside = inside_json(session, dispute, city.day(now), named=named)
    shown = dispute_json(session, dispute, named=named)
    placed = [it["lead_body"] for it in inside["placements"]["listed"] if it["lead_body"]]
    leading = [it["lead_body"] for it in inside["reports"]["listed"]]
    bodies = [*placed, *leading, *_agreed_bodies(shown)]
    reach_m = max(_LEAST_AROUND_M, 2 * max(extent_m(ground)))
    return Dossier(
        dispute=shown,
        inside=inside,
        ground=ground,
        sides=_sides(session, dispute, shown, ground, now),
        around={
            level: places_around(session, AREA_LAYERS[level], city, now, ground, reach_m)
            for level in dict.fromkeys(("district", dispute.level))
        },
        class_names={
            (kind, code): name
            for kind in ("event", "part")
            for code, name in names_of(session, city.standard, kind).items()
        },
        body_names={body.code: body.name for body in bodies_by_code(session, bodies).values()},
        made_at=now,
    )


def _agreed_bodies(shown: dict[str, Any]) -> list[str]:
    terms = (shown["terms"] or {}).get("agreement") or shown["agreement"] or {"duties": []}
    return [str(duty["body"]) for duty in terms["duties"]]


def _sides(
    session: Session, dispute: Dispute, shown: dict[str, Any], ground: Any, now: dt.datetime
) -> tuple[DisputeSide, ...]:
    """The sides as the editions draw them in which the dispute was found, else those in force."""
    in_force = [edition.id for edition in editions_on(session.connection(), now)]
    shapes: dict[str, Any] = {}
    for edition_id in (dispute.edition_id, dispute.parent_edition_id, *in_force):
        missing = [code for code in dispute.side_codes if code not in shapes]
        if edition_id is not None and missing:
            drawn = named_areas(session, edition_id, codes=missing)
            shapes |= {code: area for code, (_, area) in drawn.items()}
    sides = []
    for side in shown["sides"]:
        area = shapes.get(side["code"])
        body = side["body"] or {"code": "", "name": ""}
        sides.append(
            DisputeSide(
                code=side["code"],
                name=side["name"],
                body_code=body["code"],
                body_name=body["name"],
                geometry=area,
                claimed_m2=0.0 if area is None else _claimed_m2(area, ground),
            )
        )
    return tuple(sides)


def _claimed_m2(area: Any, ground: Any) -> float:
    return float(area_m2(shapely.intersection(shapely.make_valid(area), ground)))
