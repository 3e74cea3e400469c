"""What a line with a width crosses: areas, unit grids and bodies, in the order of travel."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import shapely
from sqlalchemy.orm import Session

from gridsvc.city import City
from gridsvc.city.classes import ClassKey
from gridsvc.errors import OutsideCity
from gridsvc.layers.boundaries import COMMUNITIES, DISTRICTS, STREETS
from gridsvc.layers.lines.repository import members_along
from gridsvc.layers.model import Layer
from gridsvc.layers.unit_grids import UNIT_GRIDS
from gridsvc.registry.bodies.repository import BodyRef, bodies_by_code
from gridsvc.registry.bodies.service import find_responsible
from gridsvc.registry.placement.model import AreaRef, Placement
from gridsvc.registry.placement.service import place
from gridsvc.registry.placement.store import Atlas
from gridsvc.spatial.along import Passed, Stretch, Way, counted, passed

#: The levels along a line, the widest first.
LEVELS: dict[str, Layer] = {
    "district": DISTRICTS,
    "street": STREETS,
    "community": COMMUNITIES,
    "unit_grid": UNIT_GRIDS,
}


@dataclass(frozen=True, slots=True)
class Crossed:
    """One area or unit grid along the line; ``district`` is that of a unit grid's 8-digit code."""

    code: str
    name: str
    district: str | None
    passed: Passed
    geometry: Any


@dataclass(frozen=True, slots=True)
class Level:
    """All of one level in the order of travel.

    ``outside_m`` of the line lie in none of them, ``shared_m`` in more than one: along a border.
    """

    members: tuple[Crossed, ...]
    outside_m: float
    shared_m: float


@dataclass(frozen=True, slots=True)
class BodyAlong:
    """A body along the line: on what ground, in which streets, and metres in these.

    It is the office of a street, or leads or assists for the class there by agreement or list.
    """

    body: BodyRef
    roles: tuple[str, ...]
    streets: tuple[str, ...]
    metres: float


@dataclass(frozen=True, slots=True)
class Crossing:
    """What a way crosses, by level, and its bodies in the order of travel."""

    way: Way
    levels: dict[str, Level]
    bodies: tuple[BodyAlong, ...]

    def of(self, level: str) -> tuple[Crossed, ...]:
        """What it crosses of a level; none where no edition of it is in force."""
        return self.levels[level].members


def cross(
    session: Session,
    city: City,
    atlas: Atlas,
    way: Way,
    key: ClassKey | None,
    *,
    moment: dt.datetime,
) -> Crossing:
    """What a way crosses at a moment, and who answers along it (for a class, where one is named).

    Raises OutsideCity where the line meets no district, and NotFound where nobody answers.
    """
    connection = session.connection()
    levels = {}
    for level, layer in LEVELS.items():
        rows = members_along(connection, layer, city, moment, way.corridor)
        found = passed(way, [row[3] for row in rows])
        members = [
            Crossed(code, name, district, one, geometry)
            for (code, name, district, geometry), one in zip(rows, found, strict=True)
            if one is not None
        ]
        members.sort(key=lambda it: (it.passed.from_m, -it.passed.metres, it.code))
        held = [stretch for it in members for stretch in it.passed.stretches]
        once_m, more_m = counted(held)
        levels[level] = Level(tuple(members), max(way.length_m - once_m, 0.0), more_m)
    if not levels["district"].members:
        raise OutsideCity("The line meets none of the service's districts.", field="line")
    streets = levels["street"].members
    return Crossing(way, levels, _bodies(session, city, atlas, way, key, streets, moment))


def _bodies(
    session: Session,
    city: City,
    atlas: Atlas,
    way: Way,
    key: ClassKey | None,
    streets: tuple[Crossed, ...],
    moment: dt.datetime,
) -> tuple[BodyAlong, ...]:
    offices = bodies_by_code(session, [street.code for street in streets])
    roles: dict[BodyRef, dict[str, None]] = defaultdict(dict)
    where: dict[BodyRef, dict[str, float]] = defaultdict(dict)
    for street in streets:
        answering = [(offices[street.code], "territory")] if street.code in offices else []
        if key is not None:
            answering += _answering(session, city, atlas, way, key, street, moment)
        for body, role in answering:
            roles[body][role] = None
            where[body][street.code] = street.passed.metres
    return tuple(
        BodyAlong(body, tuple(had), tuple(where[body]), sum(where[body].values()))
        for body, had in roles.items()
    )


def _answering(
    session: Session,
    city: City,
    atlas: Atlas,
    way: Way,
    key: ClassKey,
    street: Crossed,
    moment: dt.datetime,
) -> list[tuple[BodyRef, str]]:
    """Who answers for the class in a street, asked in the middle of each stretch.

    Where only the width reaches it, inside that ground. On a border the street's own side is asked.
    """
    places = [way.at(middle(stretch)) for stretch in street.passed.stretches]
    if not places:
        ground = shapely.point_on_surface(shapely.intersection(street.geometry, way.corridor))
        places = [(ground.x, ground.y)]
    found: dict[tuple[BodyRef, str], None] = {}
    for lon, lat in places:
        placement = _in_street(place(atlas, lon, lat, 0.0), street.code)
        who = find_responsible(session, placement, key=key, asset=None, day=city.day(moment))
        found[who.lead, "lead"] = None
        found |= dict.fromkeys([(body, "assist") for body in who.assist])
    return list(found)


def _in_street(placement: Placement, code: str) -> Placement:
    """The placement as the street has it, which may be one of several that claim the place."""
    claims = dict(placement.claims)

    def claimed(level: str, prefix: str) -> AreaRef | None:
        return next((one for one in claims.get(level, ()) if one.code.startswith(prefix)), None)

    return placement._replace(
        district=claimed("district", code[:6]) or placement.district,
        street=claimed("street", code) or placement.street,
        community=claimed("community", code),
    )


def middle(stretch: Stretch) -> float:
    """The metres at which the middle of a stretch lies."""
    return (stretch[0] + stretch[1]) / 2
