"""The demand letter (需求函) of a whistle: who shall do what, where, until when; to be printed."""

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
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.repository import case_by_id
from gridsvc.cases.systems.whistles.kinds import KINDS, WhistleKind
from gridsvc.cases.systems.whistles.models import CalledBody, Whistle
from gridsvc.cases.systems.whistles.repository import called_bodies, whistle_by_id
from gridsvc.city import City
from gridsvc.city.calendar import Calendar
from gridsvc.errors import NotFound
from gridsvc.layers.catalogue import AREA_LAYERS, UNIT_GRIDS
from gridsvc.maps.around import JOINT_GROUNDS, Place, places_around
from gridsvc.maps.drawing import blank_map, corners, draw_dot, draw_shape, render
from gridsvc.registry.bodies.repository import bodies_by_code
from gridsvc.registry.classes.repository import names_of
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.plane import surroundings

_AROUND_M = 400.0
_EXITS = {
    "declined": ("已退哨", "declined"),
    "dismissed": ("已遣返", "dismissed"),
    "absent": ("缺席", "absent"),
}
_LEVELS = {
    1: ("一级哨", "Level 1: to the community"),
    2: ("二级哨", "Level 2: community to street"),
    3: ("三级哨", "Level 3: street to departments"),
    4: ("市区两级吹哨", "District to the city"),
    None: ("跨区吹哨", "Joint whistle across a border"),
}
_GROUNDS = {
    "public_demand": (
        "群众诉求强烈、街道无力独自解决",
        "public demand beyond the street",
    ),
    "enforcement": ("需多部门联合执法", "enforcement across departments"),
    "emergency": ("应急处置", "emergency"),
    **JOINT_GROUNDS,
}
_POWER_KINDS = {
    "penalty": ("行政处罚", "penalty"),
    "approval": ("行政许可", "approval"),
    "service": ("公共服务", "service"),
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
    point, at = to_shape(whistle.point), whistle.blown_at
    drawn = {
        level: places_around(session, layer, city, at, point, _AROUND_M)
        for level, layer in AREA_LAYERS.items()
    }
    grids = places_around(session, UNIT_GRIDS, city, at, point, _AROUND_M)
    called = called_bodies(session, [whistle.id])
    codes = [whistle.caller_body, *(row.body_code for row in called)]
    names = {code: body.name for code, body in bodies_by_code(session, codes).items()}
    kind = city.table(KINDS)[WhistleKind(whistle.kind)]
    said, plan = _said(whistle.demand)
    return Letter(
        case=case,
        whistle=whistle,
        kind=(kind.title_zh, kind.title),
        class_name=names_of(session, case.standard, case.kind).get(case.class_code, ""),
        caller=(_PARTIES | names).get(whistle.caller_body, whistle.caller_body),
        said=said,
        place=str(said.get("place") or plan.get("place") or ""),
        meeting=_moment(said.get("time") or plan.get("time"), city.calendar),
        point=point,
        footprint=None if whistle.footprint is None else to_shape(whistle.footprint),
        areas=tuple(
            area.name
            for level in drawn.values()
            for area in level
            if shapely.intersects(area.geometry, point)
        ),
        grid_code=next((g.code for g in grids if shapely.intersects(g.geometry, point)), None),
        streets=drawn["street"],
        unit_grids=grids,
        called=tuple(called),
        names=names,
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


@dataclass(frozen=True, slots=True)
class Letter:
    """All that a letter shows. Geometries are WGS84; ``areas`` are the names from the district on.

    ``said`` is what the demand says; ``meeting`` is the time and ``place`` the place that it or
    the plan of a joint whistle names. ``names`` are those of bodies, by their codes.
    """

    case: Case
    whistle: Whistle
    kind: tuple[str, str]
    class_name: str
    caller: str
    said: Mapping[str, Any]
    place: str
    meeting: dt.datetime | None
    point: shapely.Point
    footprint: shapely.Geometry | None
    areas: tuple[str, ...]
    grid_code: str | None
    streets: tuple[Place, ...]
    unit_grids: tuple[Place, ...]
    called: tuple[CalledBody, ...]
    names: Mapping[str, str]


_ALARM, _VIOLET = "#d93a2b", "#6a5a86"
_SHOWN_M = 130.0


def letter_page(letter: Letter, city: City) -> str:
    """The letter as one self-contained HTML text.

    Raises MissingPrerequisite when the package that provides Leaflet is not installed.
    """
    whistle = letter.whistle
    return render(
        "demand_letter.html",
        _draw(letter),
        it=letter,
        case=letter.case,
        whistle=whistle,
        exits=_EXITS,
        powers=whistle.facts.get("powers", {}),
        power_kinds=_POWER_KINDS,
        level_title=_LEVELS[whistle.level],
        ground=_GROUNDS.get(whistle.ground, (whistle.ground,) * 2),
        calendar=city.calendar,
        report_in_radius_m=city.settings.report_in_radius_m,
        corners=corners(_view(letter).bounds),
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
    draw_dot(drawn, letter.point.x, letter.point.y, _ALARM, "报到地点 report in here")
    drawn.fit_bounds(corners(_view(letter).bounds))
    return drawn


def _view(letter: Letter) -> shapely.Geometry:
    here = letter.point
    seen = here if letter.footprint is None else shapely.union_all([here, letter.footprint])
    return surroundings(seen, _SHOWN_M)
