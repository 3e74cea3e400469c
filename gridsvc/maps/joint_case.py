"""The page of one joint case: who was called, who came, what was done, and where."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import folium
import shapely
from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.cases.core import trace_repository as trace
from gridsvc.cases.core.models import Case, TraceEntry
from gridsvc.cases.core.repository import case_by_id
from gridsvc.cases.intake.models import Report
from gridsvc.cases.intake.reports_repository import reports_of
from gridsvc.cases.systems.whistles.models import CalledBody, Whistle
from gridsvc.cases.systems.whistles.repository import called_bodies, whistle_by_id
from gridsvc.city import City
from gridsvc.city.procedures.model import Procedure
from gridsvc.errors import NotFound
from gridsvc.layers.catalogue import DISTRICTS, STREETS, UNIT_GRIDS
from gridsvc.maps.around import JOINT_GROUNDS, Place, places_around
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
from gridsvc.spatial.plane import surroundings

_AROUND_M = 2_500.0
_GRIDS_AROUND_M = 400.0


def read_joint_case(session: Session, city: City, whistle_id: uuid.UUID) -> JointCase:
    """The joint case of a whistle, with what lies around it.

    Borders are those in force when the case was opened. Raises NotFound where there is no such
    joint whistle.
    """
    whistle = whistle_by_id(session, whistle_id)
    case = None if whistle is None else case_by_id(session, whistle.case_id)
    if whistle is None or case is None or not whistle.joint:
        raise NotFound(f"There is no joint whistle {whistle_id}.", field="whistle_id")
    place, at = to_shape(whistle.point), case.opened_at
    reports = reports_of(session, case)
    footprint = _footprint(whistle, reports)
    ground = place if footprint is None else shapely.union(place, footprint)
    districts = places_around(session, DISTRICTS, city, at, ground, _AROUND_M)
    streets = places_around(session, STREETS, city, at, ground, _AROUND_M)
    called = called_bodies(session, [whistle.id])
    entries = trace.entries(session, case)
    codes = [row.body_code for row in called]
    codes += [entry.body_code for entry in entries if entry.body_code is not None]
    names = {code: body.name for code, body in bodies_by_code(session, codes).items()}
    sides = _sides(whistle, streets, districts)
    procedure = "line_team" if whistle.ground == "line" else "joint"
    return JointCase(
        case=case,
        whistle=whistle,
        class_name=names_of(session, case.standard, case.kind).get(case.class_code, ""),
        place=place,
        footprint=footprint,
        sides=sides,
        districts=districts,
        streets=streets,
        unit_grids=places_around(session, UNIT_GRIDS, city, at, place, _GRIDS_AROUND_M),
        border=_border(sides, districts),
        reports=len(reports),
        called=tuple(called),
        names=names,
        entries=_entries(entries, names, city.procedures.of(procedure)),
    )


def _sides(
    whistle: Whistle, streets: tuple[Place, ...], districts: tuple[Place, ...]
) -> tuple[JointSide, ...]:
    street_names = {street.code: street.name for street in streets}
    district_names = {district.code: district.name for district in districts}
    return tuple(
        JointSide(
            code=side["code"],
            name=street_names.get(side["code"], side["name"]),
            office=side["name"],
            district_code=side["code"][:6],
            district_name=district_names.get(side["code"][:6], ""),
            leads=n == 0,
        )
        for n, side in enumerate(whistle.facts["sides"])
    )


def _border(sides: tuple[JointSide, ...], districts: tuple[Place, ...]) -> shapely.Geometry | None:
    by_code = {district.code: district.geometry for district in districts}
    ours = [by_code[side.district_code] for side in sides if side.district_code in by_code]
    if len(ours) != 2 or sides[0].district_code == sides[1].district_code:
        return None
    shared = shapely.intersection(ours[0], ours[1])
    lines = [part for part in shapely.get_parts(shared) if shapely.get_dimensions(part) == 1]
    return shapely.line_merge(shapely.MultiLineString(lines)) if lines else None


def _footprint(whistle: Whistle, reports: Sequence[Report]) -> shapely.Geometry | None:
    """The outline that was measured; until there is one, those that were reported."""
    if whistle.footprint is not None:
        return to_shape(whistle.footprint)
    drawn = [to_shape(report.footprint) for report in reports if report.footprint is not None]
    return shapely.union_all(drawn) if drawn else None


_TITLES = {
    "report_filed": ("Reported", "上报"),
    "report_joined": ("Reported again", "再次上报"),
    "refuse": ("Returned as not theirs", "退回：非本单位职责"),
    "whistle_proposed": ("A joint whistle is proposed", "提请跨区吹哨"),
    "whistle_blown": ("The joint whistle is blown", "跨区吹哨"),
}


def _entries(
    entries: Sequence[TraceEntry], names: Mapping[str, str], joint: Procedure
) -> tuple[Entry, ...]:
    """The steps of the procedure and what led to it; what each body did is in the table."""
    titles = dict(_TITLES)
    for step in joint.steps:
        titles[step.name] = (step.title, step.title_zh)
    told: list[Entry] = []
    actions = 0
    for entry in sorted(entries, key=_when):
        if entry.action not in titles:
            continue
        acted = entry.action == "joint_action"
        actions += acted
        told.append(
            Entry(
                at=entry.at,
                title=titles[entry.action][0],
                title_zh=titles[entry.action][1],
                by=names.get(entry.body_code or "", entry.body_code or ""),
                note=_said(entry.told, acted=acted),
                action=actions if acted else None,
            )
        )
    return tuple(told)


def _said(content: Mapping[str, Any], *, acted: bool) -> str:
    """The task, the plan, or what a joint action did.

    The page is public: what else people write in a case is for its staff.
    """
    demand, plan = content.get("demand"), content.get("plan")
    if isinstance(demand, Mapping):
        return str(demand.get("task", ""))
    if isinstance(plan, Mapping):
        return " · ".join(str(plan[item]) for item in ("place", "division") if plan.get(item))
    return str(content.get("note") or "") if acted else ""


def _when(entry: TraceEntry) -> tuple[dt.datetime, int]:
    return entry.at, entry.n


@dataclass(frozen=True, slots=True)
class JointSide:
    """One of the two sides: the street, the office that acts for it, and its district."""

    code: str
    name: str
    office: str
    district_code: str
    district_name: str
    leads: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """A step that was taken; ``action`` numbers the joint actions from 1."""

    at: dt.datetime
    title: str
    title_zh: str
    by: str
    note: str
    action: int | None


@dataclass(frozen=True, slots=True)
class JointCase:
    """All that the page shows. Geometries are WGS84, clipped to the surroundings of the place.

    ``border`` is the border between the districts of the two sides, None where they share none
    nearby. ``names`` are those of bodies, by their codes.
    """

    case: Case
    whistle: Whistle
    class_name: str
    place: shapely.Point
    footprint: shapely.Geometry | None
    sides: tuple[JointSide, ...]
    districts: tuple[Place, ...]
    streets: tuple[Place, ...]
    unit_grids: tuple[Place, ...]
    border: shapely.Geometry | None
    reports: int
    called: tuple[CalledBody, ...]
    names: Mapping[str, str]
    entries: tuple[Entry, ...]


_ALARM, _INK, _VIOLET = "#d93a2b", "#3d3550", "#6a5a86"
_SIDE_FILLS = ("#efc9c0", "#c9d6ea")
_SHOWN_M = 130.0
_STATES = {
    "proposed": ("待确认", "proposed"),
    "open": ("处理中", "open"),
    "closed": ("已结案", "closed"),
    "raised": ("已升级", "raised"),
    "withdrawn": ("已撤哨", "withdrawn"),
}


def joint_case_page(joint: JointCase, city: City) -> str:
    """The page of a joint case as one self-contained HTML text.

    Raises MissingPrerequisite when the package that provides Leaflet is not installed.
    """
    return render(
        "joint_case.html",
        _draw(joint),
        it=joint,
        case=joint.case,
        whistle=joint.whistle,
        calendar=city.calendar,
        state=_STATES.get(joint.whistle.state, (joint.whistle.state,) * 2),
        ground=JOINT_GROUNDS.get(joint.whistle.ground, (joint.whistle.ground,) * 2),
        actions=sum(entry.action is not None for entry in joint.entries),
        side_fills=_SIDE_FILLS,
    )


def _draw(joint: JointCase) -> folium.Map:
    """The map of the place: both sides, the border, the building, the place, and who came."""
    drawn = blank_map()
    view = _view(joint)
    _draw_areas(drawn, joint, view)
    if joint.footprint is not None:
        draw_shape(drawn, joint.footprint, color="#8f1a10", weight=2, fill=_ALARM, opacity=0.55)
    draw_dot(drawn, joint.place.x, joint.place.y, _VIOLET, "案卷地点 place of the case")
    for body in joint.called:
        if body.reported_in_point is not None:
            _came(drawn, joint, body, to_shape(body.reported_in_point))
    drawn.fit_bounds(corners(view.bounds))
    return drawn


def _view(joint: JointCase) -> shapely.Geometry:
    """The building and those who came to it, with the ground around."""
    seen = [joint.place, *([joint.footprint] if joint.footprint else [])]
    seen += [
        to_shape(body.reported_in_point)
        for body in joint.called
        if body.reported_in_point is not None and not body.far
    ]
    return surroundings(shapely.union_all(seen), _SHOWN_M)


def _draw_areas(drawn: folium.Map, joint: JointCase, view: shapely.Geometry) -> None:
    fills = {side.code: _SIDE_FILLS[n % 2] for n, side in enumerate(joint.sides)}
    for street in joint.streets:
        fill = fills.get(street.code, "#ece5d8")
        draw_shape(drawn, street.geometry, color=fill, weight=0, fill=fill, opacity=0.75)
    for grid in joint.unit_grids:
        draw_shape(drawn, grid.geometry, color="#8f86a0", weight=0.7, tooltip=grid.code)
    for street in joint.streets:
        draw_shape(drawn, own_border(street.geometry), color=_VIOLET, weight=1.6)
    for district in joint.districts:
        draw_shape(drawn, own_border(district.geometry), color=_INK, weight=3)
    if joint.border is not None:
        draw_shape(drawn, joint.border, color=_ALARM, weight=4, tooltip="区界 District border")
    names = {side.code: side.district_name for side in joint.sides}
    for street in joint.streets:
        seen = shapely.intersection(street.geometry, view)
        if not seen.is_empty:
            lon, lat = shapely.maximum_inscribed_circle(seen).coords[0]
            draw_words(drawn, lon, lat, _label(street.name, names.get(street.code, "")))


def _came(drawn: folium.Map, joint: JointCase, body: CalledBody, point: shapely.Point) -> None:
    """A body that reported in, with the line to the place and how far off it was."""
    color = _ALARM if body.far else "#2f7d5b"
    place = joint.place
    folium.PolyLine(  # type: ignore[no-untyped-call] # folium leaves it untyped
        [(point.y, point.x), (place.y, place.x)], color=color, weight=1.5, dash_array="4 4"
    ).add_to(drawn)
    off = "" if body.metres_off is None else f" · {body.metres_off:.0f} m"
    name = joint.names.get(body.body_code, body.body_code)
    draw_dot(drawn, point.x, point.y, color, f"报到 {name}{off}")


def _label(name: str, district: str) -> str:
    above = f"<small>{safe_words(district)}</small>" if district else ""
    return f"<span class='name{' side' if district else ''}'>{above}{safe_words(name)}</span>"
