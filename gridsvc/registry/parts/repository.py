"""The queries on parts that are one at a time, or near a place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gridsvc.registry.parts.models import Part

__all__ = ["Near", "by_codes", "classes_beside", "find", "within"]

# A degree of latitude has at least 110.57 km, one of longitude at least cos(lat) times 111.32 km:
# a box of 110.5 km to the degree holds the whole circle, with room for the change of cos(lat).
_WITHIN = text(
    """
    with near as (
        select district_code, code, st_distance(
            geometry::geography, st_setsrid(st_makepoint(:lon, :lat), 4326)::geography
        ) as distance_m
        from part
        where geometry && st_makeenvelope(
                :lon - :reach_m / (110500.0 * cos(radians(:lat))), :lat - :reach_m / 110500.0,
                :lon + :reach_m / (110500.0 * cos(radians(:lat))), :lat + :reach_m / 110500.0, 4326
            )
            and (cast(:class_code as text) is null or class_code = :class_code)
    )
    select district_code, code, distance_m from near
    where distance_m <= :reach_m
        and (distance_m, district_code, code) > (:after_m, :after_district, :after_code)
    order by distance_m, district_code, code limit :limit
    """
)


_CLASSES_BESIDE = text(
    """
    select distinct class_code from part
    where geometry && st_makeenvelope(
            :lon - :reach_m / (110500.0 * cos(radians(:lat))), :lat - :reach_m / 110500.0,
            :lon + :reach_m / (110500.0 * cos(radians(:lat))), :lat + :reach_m / 110500.0, 4326
        )
        and state <> 'removed'
        and st_distance(
            geometry::geography, st_setsrid(st_makepoint(:lon, :lat), 4326)::geography
        ) <= :reach_m
    order by class_code
    """
)


@dataclass(frozen=True, slots=True, order=True)
class Near:
    """A part's key and its geodesic distance from a point; ordered as lists of parts are."""

    distance_m: float
    district_code: str
    code: str


def find(session: Session, district_code: str, code: str, *, lock: bool = False) -> Part | None:
    """The part that bears the 8-digit code in the district; ``lock`` keeps it for writing."""
    return session.get(Part, (district_code, code), with_for_update=lock or None)


def by_codes(session: Session, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Part]:
    """The parts of these pairs of district and 8-digit code."""
    wanted: dict[str, list[str]] = {}
    for district, code in keys:
        wanted.setdefault(district, []).append(code)
    found: dict[tuple[str, str], Part] = {}
    for district, codes in wanted.items():
        for part in session.scalars(
            select(Part).where(Part.district_code == district, Part.code.in_(codes))
        ):
            found[part.district_code, part.code] = part
    return found


def classes_beside(session: Session, *, lon: float, lat: float, within_m: float) -> list[str]:
    """The classes of the parts no farther than ``within_m`` metres from a WGS84 point."""
    rows = session.execute(_CLASSES_BESIDE, {"lon": lon, "lat": lat, "reach_m": within_m})
    return [row[0] for row in rows]


def within(
    session: Session,
    lon: float,
    lat: float,
    reach_m: float,
    *,
    class_code: str | None,
    after: Near,
    limit: int,
) -> list[Near]:
    """The nearest parts no farther than ``reach_m`` metres from a WGS84 point, behind ``after``.

    Distances are exact on the ellipsoid, from the nearest place of a line or polygon.
    """
    rows = session.execute(
        _WITHIN,
        {
            "lon": lon,
            "lat": lat,
            "reach_m": reach_m,
            "class_code": class_code,
            "after_m": after.distance_m,
            "after_district": after.district_code,
            "after_code": after.code,
            "limit": limit,
        },
    )
    return [Near(row.distance_m, row.district_code, row.code) for row in rows]
