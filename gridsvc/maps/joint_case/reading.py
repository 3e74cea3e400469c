"""Gathers one joint case from the registry and the cases."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyproj
import shapely
from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.cases.core import trace_repository as trace
from gridsvc.cases.core.models import TraceEntry
from gridsvc.cases.core.repository import case_by_id
from gridsvc.cases.intake.case_reports_repository import reports_of
from gridsvc.cases.intake.models import Report
from gridsvc.cases.systems.whistles.models import CalledBody, Whistle
from gridsvc.cases.systems.whistles.repository import called_bodies, whistle_by_id
from gridsvc.city import City
from gridsvc.city.procedures.model import Procedure
from gridsvc.errors import NotFound
from gridsvc.layers.catalogue import DISTRICTS, STREETS, UNIT_GRIDS
from gridsvc.layers.repository import around
from gridsvc.registry.bodies.repository import BodyRef, bodies_by_code
from gridsvc.registry.classes.repository import names_of

_AROUND_M = 2_500.0
_GRIDS_AROUND_M = 400.0
_GEOD = pyproj.Geod(ellps="WGS84")


def read_joint_case(session: Session, city: City, whistle_id: uuid.UUID) -> JointCase:
    """The joint case of a whistle, with what lies around it.

    Borders are those in force when the case was opened. Raises NotFound where there is no such
    joint whistle.
    """
    whistle = whistle_by_id(session, whistle_id)
    case = None if whistle is None else case_by_id(session, whistle.case_id)
    if whistle is None or case is None or not whistle.joint:
        raise NotFound(f"There is no joint whistle {whistle_id}.", field="whistle_id")
    place = to_shape(whistle.point)
    connection, at = session.connection(), case.opened_at
    box, near = _box(place, _AROUND_M), _box(place, _GRIDS_AROUND_M)
    districts = _places(around(connection, DISTRICTS, city, at, box))
    streets = _places(around(connection, STREETS, city, at, box))
    grids = around(connection, UNIT_GRIDS, city, at, near, named_by="national_id", cut=False)
    reports = reports_of(session, case)
    called = called_bodies(session, [whistle.id])
    entries = trace.entries(session, case)
    bodies = bodies_by_code(
        session,
        [row.body_code for row in called]
        + [entry.body_code for entry in entries if entry.body_code is not None],
    )
    sides = _sides(whistle, streets, districts)
    return JointCase(
        whistle_id=whistle.id,
        district_code=case.district_code,
        case_id=case.id,
        state=whistle.state,
        ground=whistle.ground,
        class_code=case.class_code,
        class_name=names_of(session, case.standard, case.kind).get(case.class_code, ""),
        opened_at=case.opened_at,
        closed_at=whistle.closed_at,
        lon=place.x,
        lat=place.y,
        footprint=_footprint(whistle, reports),
        sides=sides,
        districts=districts,
        streets=streets,
        unit_grids=_places(grids),
        border=_border(sides, districts),
        reports=len(reports),
        called=tuple(_called(row, bodies) for row in called),
        entries=_entries(entries, bodies, city.procedures.of("joint")),
    )


def _box(place: shapely.Point, metres: float) -> tuple[float, float, float, float]:
    lons, lats, _ = _GEOD.fwd([place.x] * 4, [place.y] * 4, [270.0, 180.0, 90.0, 0.0], [metres] * 4)
    return lons[0], lats[1], lons[2], lats[3]


def _places(rows: Sequence[tuple[str, str, shapely.Geometry]]) -> tuple[Place, ...]:
    return tuple(Place(*row) for row in rows if not row[2].is_empty)


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


def _called(row: CalledBody, bodies: dict[str, BodyRef]) -> CalledRow:
    came = None if row.reported_in_point is None else to_shape(row.reported_in_point)
    return CalledRow(
        name=_name(row.body_code, bodies),
        role=row.role,
        report_in_by=row.report_in_by,
        reported_in_at=row.reported_in_at,
        point=None if came is None else (came.x, came.y),
        metres_off=row.metres_off,
        late=row.late,
        far=row.far,
        done_at=row.done_at,
        score=row.score,
    )


def _name(code: str | None, bodies: dict[str, BodyRef]) -> str:
    if code is None:
        return ""
    return bodies[code].name if code in bodies else code


_TITLES = {
    "report_filed": ("Reported", "上报"),
    "report_joined": ("Reported again", "再次上报"),
    "refuse": ("Returned as not theirs", "退回：非本单位职责"),
    "whistle_proposed": ("A joint whistle is proposed", "提请跨区吹哨"),
    "whistle_blown": ("The joint whistle is blown", "跨区吹哨"),
}


def _entries(
    entries: Sequence[TraceEntry], bodies: dict[str, BodyRef], joint: Procedure
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
                by=_name(entry.body_code, bodies),
                note=_said(entry.content),
                action=actions if acted else None,
            )
        )
    return tuple(told)


def _said(content: Mapping[str, Any]) -> str:
    """What the step carried, in words: its note, minutes, reason, task or plan."""
    demand, plan = content.get("demand"), content.get("plan")
    if isinstance(demand, Mapping):
        return str(demand.get("task", ""))
    if isinstance(plan, Mapping):
        return " · ".join(str(plan[item]) for item in ("place", "division") if plan.get(item))
    said = (content.get(item) for item in ("note", "minutes", "reason"))
    return next((str(words) for words in said if words), "")


def _when(entry: TraceEntry) -> tuple[dt.datetime, int]:
    return entry.at, entry.n


@dataclass(frozen=True, slots=True)
class Place:
    """A named area, of which only what lies near the case is kept (WGS84)."""

    code: str
    name: str
    geometry: shapely.Geometry


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
class CalledRow:
    """A called body: when it came and how far off, when it was done, its score of 100."""

    name: str
    role: str
    report_in_by: dt.datetime | None
    reported_in_at: dt.datetime | None
    point: tuple[float, float] | None
    metres_off: float | None
    late: bool | None
    far: bool | None
    done_at: dt.datetime | None
    score: int | None


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

    Of reports only their number is told: where each stood may show whose window it is.
    ``border`` is the border between the districts of the two sides, None where they share none
    nearby.
    """

    whistle_id: uuid.UUID
    district_code: str
    case_id: uuid.UUID
    state: str
    ground: str
    class_code: str
    class_name: str
    opened_at: dt.datetime
    closed_at: dt.datetime | None
    lon: float
    lat: float
    footprint: shapely.Geometry | None
    sides: tuple[JointSide, ...]
    districts: tuple[Place, ...]
    streets: tuple[Place, ...]
    unit_grids: tuple[Place, ...]
    border: shapely.Geometry | None
    reports: int
    called: tuple[CalledRow, ...]
    entries: tuple[Entry, ...]
