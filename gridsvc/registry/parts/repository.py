"""The queries on parts that are one at a time, or near a place."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gridsvc.registry.parts.models import Part

__all__ = ["NearPart", "by_codes", "find", "geometry_json", "within"]

# A degree of latitude has at least 110.57 km, one of longitude at least cos(lat) times 111.32 km:
# a box of 110.5 km to the degree holds the whole circle, with room for the change of cos(lat).
_WITHIN = text(
    """
    with box as (
        select st_makeenvelope(
            :lon - :reach_m / (110500 * cos(radians(:lat))), :lat - :reach_m / 110500.0,
            :lon + :reach_m / (110500 * cos(radians(:lat))), :lat + :reach_m / 110500.0, 4326
        ) as shape, st_setsrid(st_makepoint(:lon, :lat), 4326)::geography as point
    ), near as (
        select part.district_code, part.code,
            st_distance(part.geometry::geography, box.point) as distance_m
        from part, box
        where part.geometry && box.shape
            and (cast(:class_code as text) is null or part.class_code = :class_code)
            and (:removed or part.state <> 'removed')
    )
    select district_code, code, distance_m from near
    where distance_m <= :reach_m
        and (distance_m, district_code, code) > (:after_m, :after_district, :after_code)
    order by distance_m, district_code, code limit :limit
    """
)


@dataclass(frozen=True, slots=True)
class NearPart:
    """A part and its geodesic distance from a point, in metres."""

    part: Part
    distance_m: float


def find(session: Session, district_code: str, code: str, *, lock: bool = False) -> Part | None:
    """The part that bears the 8-digit code in the district; ``lock`` keeps it for writing."""
    return session.get(Part, (district_code, code), with_for_update=lock)


def by_codes(session: Session, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Part]:
    """The parts of these pairs of district and 8-digit code."""
    wanted: dict[str, list[str]] = {}
    for district, code in pairs:
        wanted.setdefault(district, []).append(code)
    found: dict[tuple[str, str], Part] = {}
    for district, codes in wanted.items():
        for part in session.scalars(
            select(Part).where(Part.district_code == district, Part.code.in_(codes))
        ):
            found[part.district_code, part.code] = part
    return found


def within(
    session: Session,
    lon: float,
    lat: float,
    reach_m: float,
    *,
    class_code: str | None,
    after: tuple[float, str, str],
    limit: int,
    removed: bool,
) -> list[NearPart]:
    """The nearest parts no farther than ``reach_m`` metres from a WGS84 point, in order.

    Distances are geodesic, exact, from the nearest place of a line or polygon. ``after`` is the
    distance, district and code of the last part of the page before.
    """
    rows = session.execute(
        _WITHIN,
        {
            "lon": lon,
            "lat": lat,
            "reach_m": reach_m,
            "class_code": class_code,
            "after_m": after[0],
            "after_district": after[1],
            "after_code": after[2],
            "limit": limit,
            "removed": removed,
        },
    ).all()
    parts = by_codes(session, [(row.district_code, row.code) for row in rows])
    return [NearPart(parts[row.district_code, row.code], row.distance_m) for row in rows]


def geometry_json(
    session: Session, table: str, pairs: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], dict[str, Any]]:
    """The GeoJSON geometries of parts (``table`` 'part') or grids ('unit_grid'), by key."""
    statement = {
        "part": "select district_code, code, st_asgeojson(geometry, 9) as shape from part"
        " where district_code = :district and code = any(:codes)",
        "unit_grid": "select district_code, code, st_asgeojson(geometry, 9) as shape from"
        " unit_grid where district_code = :district and code = any(:codes)",
    }[table]
    wanted: dict[str, list[str]] = {}
    for district, code in pairs:
        wanted.setdefault(district, []).append(code)
    return {
        (row.district_code, row.code): json.loads(row.shape)
        for district, codes in wanted.items()
        for row in session.execute(text(statement), {"district": district, "codes": codes})
    }
