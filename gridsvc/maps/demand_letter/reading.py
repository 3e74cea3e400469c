"""Gathers a demand letter from its whistle, the case, and the areas around."""

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

from gridsvc.cases.core.engine import REPORTER, SUPERVISION
from gridsvc.cases.core.repository import case_by_id
from gridsvc.cases.systems.whistles.kinds import KINDS, WhistleKind
from gridsvc.cases.systems.whistles.models import CalledBody, Whistle
from gridsvc.cases.systems.whistles.repository import called_bodies, whistle_by_id
from gridsvc.city import City
from gridsvc.city.calendar import Calendar
from gridsvc.errors import NotFound
from gridsvc.layers.catalogue import AREA_LAYERS, UNIT_GRIDS
from gridsvc.layers.repository import around
from gridsvc.maps.joint_case.reading import Place
from gridsvc.maps.self_contained import (
    CONTENT_POLICY,
    blank_map,
    draw_dot,
    draw_shape,
    render,
)
from gridsvc.registry.bodies.repository import BodyRef, bodies_by_code
from gridsvc.registry.classes.repository import names_of
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.plane import surroundings

__all__ = [
    "CONTENT_POLICY",
    "Called",
    "Letter",
    "letter_page",
    "read_letter",
]

_AROUND_M = 400.0
_LEVELS = {
    1: ("一级哨", "Level 1: to the community"),
    2: ("二级哨", "Level 2: community to street"),
    3: ("三级哨", "Level 3: street to departments"),
    None: ("跨区吹哨", "Joint whistle across a border"),
}
_GROUNDS = {
    "public_demand": (
        "群众诉求强烈、街道无力独自解决",
        "public demand beyond the street",
    ),
    "enforcement": ("需多部门联合执法", "enforcement across departments"),
    "emergency": ("应急处置", "emergency"),
    "footprint": ("占地跨越边界", "footprint across the border"),
    "conflict": ("边界争议", "conflicting borders"),
    "refusal": ("双方都退回", "refused by both sides"),
    "near": ("紧邻边界", "near the border"),
    "crowd": ("两侧多人上报", "reports on both sides"),
}
_PARTIES = {REPORTER: "上报人 the reporter", SUPERVISION: "区监督中心 the district's supervision"}


def read_letter(session: Session, city: City, whistle_id: uuid.UUID) -> Letter:
    """The letter of a whistle of any level, or a joint one. Raises NotFound.

    Borders are those in force when the whistle was blown.
    """
    whistle = whistle_by_id(session, whistle_id)
    case = None if whistle is None else case_by_id(session, whistle.case_id)
    if whistle is None or case is None:
        raise NotFound(f"There is no whistle {whistle_id}.", field="whistle_id")
    place = to_shape(whistle.point)
    connection, at, box = session.connection(), whistle.blown_at, _around(place)
    drawn = {
        level: _places(around(connection, layer, city, at, box))
        for level, layer in AREA_LAYERS.items()
    }
    grids = _places(
        around(connection, UNIT_GRIDS, city, at, box, named_by="national_id", cut=False)
    )
    called = called_bodies(session, [whistle.id])
    bodies = bodies_by_code(session, [whistle.caller_body, *(row.body_code for row in called)])
    kind = city.table(KINDS)[WhistleKind(whistle.kind)]
    said, plan = _said(whistle.demand)
    return Letter(
        whistle_id=whistle.id,
        case_id=case.id,
        district_code=case.district_code,
        level=whistle.level,
        level_title=_LEVELS[whistle.level],
        kind=(kind.title_zh, kind.title),
        ground=_GROUNDS.get(whistle.ground, (whistle.ground, whistle.ground)),
        state=whistle.state,
        class_code=case.class_code,
        class_name=names_of(session, case.standard, case.kind).get(case.class_code, ""),
        caller=_name(whistle.caller_body, bodies),
        task=str(said.get("task", "")),
        place=str(said.get("place") or plan.get("place") or ""),
        meeting=_moment(said.get("time") or plan.get("time"), city.calendar),
        limit=str(said.get("limit", "")),
        confirmed_by=str(said.get("confirmed_by", "")),
        approved_by=str(said.get("approved_by", "")),
        found=str(whistle.facts.get("found", "")),
        follows=whistle.follows_id,
        blown_at=whistle.blown_at,
        recorded_at=whistle.recorded_at,
        lon=place.x,
        lat=place.y,
        footprint=None if whistle.footprint is None else to_shape(whistle.footprint),
        areas=tuple(
            area.name
            for level in drawn.values()
            for area in level
            if shapely.intersects(area.geometry, place)
        ),
        grid_code=next((g.code for g in grids if shapely.intersects(g.geometry, place)), None),
        streets=drawn["street"],
        unit_grids=grids,
        called=tuple(_called(row, whistle, bodies) for row in called),
    )


def _said(demand: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What the letter says, and the plan of a joint whistle, which fixes time and place."""
    letter, plan = demand.get("letter"), demand.get("plan")
    said = demand if not isinstance(letter, Mapping) else letter
    return said, plan if isinstance(plan, Mapping) else {}


def _moment(value: Any, calendar: Calendar) -> dt.datetime | None:
    """A time that a demand names, in the city's; None for words that name none."""
    try:
        moment = dt.datetime.fromisoformat(str(value))
        return calendar.local(moment) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _around(place: shapely.Point) -> tuple[float, float, float, float]:
    west, south, east, north = surroundings(place, _AROUND_M).bounds
    return west, south, east, north


def _places(rows: list[tuple[str, str, shapely.Geometry]]) -> tuple[Place, ...]:
    return tuple(Place(*row) for row in rows if not row[2].is_empty)


def _called(row: CalledBody, whistle: Whistle, bodies: Mapping[str, BodyRef]) -> Called:
    reasons = whistle.facts.get("called_for", {}).get(row.body_code, [])
    return Called(
        code=row.body_code,
        name=_name(row.body_code, bodies),
        task=row.task,
        reasons=tuple(str(reason["why"]) for reason in reasons),
        accept_by=row.accept_by,
        report_in_by=row.report_in_by,
        done_by=row.done_by,
        accepted_at=row.accepted_at,
        reported_in_at=row.reported_in_at,
        late=row.late,
        far=row.far,
        done_at=row.done_at,
    )


def _name(party: str, bodies: Mapping[str, BodyRef]) -> str:
    return bodies[party].name if party in bodies else _PARTIES.get(party, party)


@dataclass(frozen=True, slots=True)
class Called:
    """A called body: its task, why it is called, its limits, and when it came and was done."""

    code: str
    name: str
    task: str
    reasons: tuple[str, ...]
    accept_by: dt.datetime | None
    report_in_by: dt.datetime | None
    done_by: dt.datetime | None
    accepted_at: dt.datetime | None
    reported_in_at: dt.datetime | None
    late: bool | None
    far: bool | None
    done_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Letter:
    """All that a letter shows. Geometries are WGS84; ``areas`` are the names from the district on.

    ``level`` is None for a joint whistle; ``level_title`` names both. ``meeting`` is the time and
    ``place`` the place that the demand names. ``recorded_at`` marks one made by telephone.
    """

    whistle_id: uuid.UUID
    case_id: uuid.UUID
    district_code: str
    level: int | None
    level_title: tuple[str, str]
    kind: tuple[str, str]
    ground: tuple[str, str]
    state: str
    class_code: str
    class_name: str
    caller: str
    task: str
    place: str
    meeting: dt.datetime | None
    limit: str
    confirmed_by: str
    approved_by: str
    found: str
    follows: uuid.UUID | None
    blown_at: dt.datetime
    recorded_at: dt.datetime | None
    lon: float
    lat: float
    footprint: shapely.Geometry | None
    areas: tuple[str, ...]
    grid_code: str | None
    streets: tuple[Place, ...]
    unit_grids: tuple[Place, ...]
    called: tuple[Called, ...]


_ALARM, _VIOLET = "#d93a2b", "#6a5a86"
_SHOWN_M = 130.0


def letter_page(letter: Letter, city: City) -> str:
    """The letter as one self-contained HTML text.

    Raises MissingPrerequisite when the package that provides Leaflet is not installed.
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
