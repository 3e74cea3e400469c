"""Finds parts near a place, and registers, shows and changes single ones."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.city import City
from gridsvc.codes import CodeKind, Level, kind_of, level_of
from gridsvc.errors import BadCode, BadInput, Conflict, NotFound, OutsideCity
from gridsvc.registry.parts import repository
from gridsvc.registry.parts.models import Part, PartState
from gridsvc.registry.parts.placing import Floats, Placed, Placer
from gridsvc.registry.parts.repository import Near
from gridsvc.registry.parts.schemas import NewPart, PartChange
from gridsvc.registry.placement.store import Atlas
from gridsvc.spatial.reading import read_geometry

#: The least trusted position of a part (class C) is off by as much, in metres.
_POSITION_ERROR_M = 10.0
_FIRST_REACH_M = 40.0
_MOST_CANDIDATES = 2000
_NOTHING = Near(-1.0, "", "")
_BODIES = ("competent_body", "owner_body", "maintainer_body")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A part and its distance from a place, in metres on the ellipsoid."""

    part: Part
    distance_m: float


def near_parts(
    session: Session,
    lon: float,
    lat: float,
    *,
    radius_m: float,
    day: dt.date,
    class_code: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> tuple[list[Candidate], str | None]:
    """The parts within ``radius_m`` metres of a WGS84 point, nearest first, and the next cursor.

    Those that the register has on a ``day``, removed ones among them.
    The circle grows until it holds a page, so that a wide radius costs no more than the page.
    Raises BadInput for a cursor that this service did not give.
    """
    after = _NOTHING if cursor is None else _read_cursor(cursor)
    reach_m = min(radius_m, max(_FIRST_REACH_M, 1.5 * after.distance_m))
    while True:
        found = repository.within(
            session,
            lon,
            lat,
            reach_m,
            class_code=class_code,
            day=day,
            after=after,
            limit=limit + 1,
        )
        if len(found) > limit or reach_m >= radius_m:
            break
        reach_m = min(radius_m, 2 * reach_m)
    page, more = found[:limit], len(found) > limit
    return _candidates(session, page), _cursor(page[-1]) if more else None


def part_candidates(
    session: Session,
    lon: float,
    lat: float,
    accuracy_m: float,
    class_code: str | None = None,
    *,
    day: dt.date,
) -> list[Candidate]:
    """The parts that a report at a WGS84 point may mean, nearest first.

    All within the report's accuracy plus the 10 m by which a part of position class C may be
    off: if the report is right to ``accuracy_m`` metres, its part is among them.
    """
    found = repository.within(
        session,
        lon,
        lat,
        accuracy_m + _POSITION_ERROR_M,
        class_code=class_code,
        day=day,
        after=_NOTHING,
        limit=_MOST_CANDIDATES,
    )
    return _candidates(session, found)


def get_part(session: Session, district: str, code: str, *, day: dt.date | None = None) -> Part:
    """The part with this 8-digit code in a district, as the register has it on a day.

    Raises BadCode; and NotFound, also where the part came into the register after the day.
    """
    part = _existing(session, district, code, lock=False)
    if day is not None and part.first_date > day:
        raise NotFound(
            f"Part {code} of district {district} has been in the register only since"
            f" {part.first_date}; ask for a later day.",
            field="as_of",
        )
    return part


def district_of_new(new: NewPart, atlas: Atlas) -> str:
    """The district in whose register a new part belongs: the one given, else that of the place.

    Raises OutsideCity when no district covers the place, BadGeometry, BadCoordinate, UnknownCrs.
    """
    return new.district or _district_at(atlas, read_geometry(new.geometry, new.crs))


def add_part(
    session: Session, city: City, new: NewPart, district: str, atlas: Atlas, *, now: dt.datetime
) -> Part:
    """Register one part in a district, by the checks of an import.

    Raises Conflict when the code is taken, BadGeometry, BadCoordinate, UnknownCrs, BadCode and
    NotFound for the district, and BadInput with every reason why the part is refused.
    """
    # pandas
    import pandas as pd

    from gridsvc.registry.parts.importer import import_parts
    from gridsvc.registry.parts.reading import parts_of_table

    geometry = read_geometry(new.geometry, new.crs)
    if new.code is not None and repository.owners_of_codes(session, district, [new.code]):
        raise Conflict(
            f"The code {new.code} is taken in district {district}, and codes are never used again;"
            " send another, or none to be given one.",
            field="code",
        )
    columns = new.model_dump(exclude={"district", "geometry", "crs"}, exclude_none=True)
    row = {name: str(value) for name, value in columns.items()} | {"wkt": shapely.to_wkt(geometry)}
    result = import_parts(
        session,
        parts_of_table(pd.DataFrame([row])),
        city=city,
        district=district,
        now=now,
        placer=atlas_placer(atlas, district),
    )
    if result.refused:
        listed = "; ".join(fault.reason for fault in result.refused)
        raise BadInput(f"The part is refused: {listed}.")
    return _existing(session, district, result.codes[0], lock=False)


def change_part(
    session: Session, district: str, code: str, change: PartChange, *, day: dt.date
) -> Part:
    """Change a part's state, note or bodies on a ``day`` of the city; its code never changes.

    Fields that the change does not set stay; a removed part keeps the day of its removal. Raises
    NotFound, BadCode, and BadInput when nothing is to change, when state or competent body would be
    empty, or when a body is unknown.
    """
    values = change.model_dump(exclude_unset=True)
    if not values:
        raise BadInput("The change is empty; send state, note or a body.")
    for name in ("state", "competent_body"):
        if name in values and values[name] is None:
            raise BadInput(f"A part always has {name}; send a value, or leave it out.", field=name)
    named = {name: values[name] for name in _BODIES if values.get(name) is not None}
    known = repository.body_codes(session, named.values())
    for name, body in named.items():
        if body not in known:
            raise BadInput(f"The body {body!r} is not known; register it first.", field=name)
    part = _existing(session, district, code, lock=True)
    was = part.state
    for name, value in values.items():
        setattr(part, name, value)
    if not (was == part.state == PartState.REMOVED):
        part.change_date = day
    session.flush()
    return part


def atlas_placer(atlas: Atlas, district: str) -> Placer:
    """A placer of few points that asks an atlas, for the areas and grids of one district."""

    def place(lon: Floats, lat: Floats) -> Placed:
        found = [_codes_at(atlas, district, *point) for point in zip(lon, lat, strict=True)]
        return Placed(*np.array(found, dtype="U12").reshape(-1, 3).T)

    return place


def areas_on(atlas: Atlas, part: Part) -> dict[str, str | None]:
    """The areas of a part by another atlas: ``street_code``, ``community_code``, ``grid_code``.

    They may lie in another district; a grid's 8 digits mean nothing there and are None.
    """
    shape = to_shape(part.geometry)
    place = shape if shape.geom_type == "Point" else shapely.point_on_surface(shape)
    grid = _codes_at(atlas, part.district_code, place.x, place.y)[2]
    return {
        "street_code": area_at(atlas, "street", part.district_code, place.x, place.y),
        "community_code": area_at(atlas, "community", part.district_code, place.x, place.y),
        "grid_code": grid or None,
    }


def area_at(atlas: Atlas, level: str, district: str, lon: float, lat: float) -> str | None:
    """The area of a level at a point (WGS84): of the district if one claims it, else the first."""
    index = atlas.areas.get(level)
    codes = [index.refs[i].code for i in index.locator.claims(lon, lat)] if index else []
    return min(codes, key=lambda code: (not code.startswith(district), code), default=None)


def _codes_at(atlas: Atlas, district: str, lon: float, lat: float) -> list[str]:
    """Street, community and grid of the district that touch a point; '' for none."""
    codes: list[str] = []
    for level in ("street", "community"):
        index = atlas.areas.get(level)
        touched = [index.refs[i].code for i in index.locator.claims(lon, lat)] if index else []
        codes.append(next((code for code in touched if code.startswith(district)), ""))
    grids = atlas.grids
    grid_refs = [grids.refs[i] for i in grids.locator.claims(lon, lat)] if grids else []
    codes.append(next((ref.code for ref in grid_refs if ref.district_code == district), ""))
    return codes


def _existing(session: Session, district: str, code: str, *, lock: bool) -> Part:
    if level_of(district) is not Level.DISTRICT:
        raise BadCode(f"{district!r} is not a district; give its 6 digits.", field="district")
    if kind_of(code) is not CodeKind.LOCAL:
        raise BadCode(
            f"{code!r} is not an 8-digit code; a national id is looked up at /v1/codes/{code}.",
            field="code",
        )
    part = repository.find(session, district, code, lock=lock)
    if part is None:
        raise NotFound(
            f"District {district} has no part {code}; /v1/codes/{code} lists those of every"
            " district.",
            field="code",
        )
    return part


def _candidates(session: Session, found: list[Near]) -> list[Candidate]:
    parts = repository.by_codes(session, [(near.district_code, near.code) for near in found])
    return [Candidate(parts[near.district_code, near.code], near.distance_m) for near in found]


def _district_at(atlas: Atlas, geometry: Any) -> str:
    point = shapely.point_on_surface(geometry) if geometry.geom_type != "Point" else geometry
    index = atlas.areas["district"]
    found = index.locator.locate_one(point.x, point.y)
    if found < 0:
        raise OutsideCity(
            f"The part at {point.x:.6f}, {point.y:.6f} (WGS84) lies in none of the service's"
            " districts; check the coordinates and their declared CRS.",
            field="geometry",
        )
    return index.refs[found].code


def _cursor(near: Near) -> str:
    text = json.dumps([near.distance_m, near.district_code, near.code])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> Near:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        distance_m, district, code = json.loads(
            base64.b64decode(padded, altchars=b"-_", validate=True)
        )
        near = Near(float(distance_m), str(district), str(code))
    except (binascii.Error, ValueError, TypeError):
        near = Near(math.nan, "", "")
    if not math.isfinite(near.distance_m):
        raise BadInput(
            "The cursor is not one that this service gave; begin again without it.", field="cursor"
        )
    return near
