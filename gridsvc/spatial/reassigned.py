"""Ground that changes hands when some areas are drawn anew: from whom, to whom, how many m².

Areas are Polygons or MultiPolygons in WGS84 by code; sizes are m² on the ellipsoid. Where several
areas cover one ground, the smallest code has it, as a placement's primary does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import shapely

from gridsvc.spatial.ellipsoid import area_m2

__all__ = ["Reassigned", "Transfer", "holder_at", "reassigned"]

#: Less than this is rounding of two drawings of one line.
_NOISE_M2 = 1e-3


@dataclass(frozen=True, slots=True)
class Transfer:
    """Ground that goes from one area to another; None is nobody."""

    giver: str | None
    taker: str | None
    geometry: shapely.MultiPolygon
    area_m2: float


@dataclass(frozen=True, slots=True)
class Reassigned:
    """All ground that changes hands, the largest first, and what is wrong with it afterwards.

    ``overlapping_m2`` is claimed twice afterwards, ``unclaimed_m2`` by nobody, of the ground that
    was drawn anew.
    """

    region: Any
    transfers: tuple[Transfer, ...]
    overlapping_m2: float
    unclaimed_m2: float


def reassigned(before: Mapping[str, Any], after: Mapping[str, Any]) -> Reassigned:
    """What changes hands from one set of areas to another.

    Both hold every area that touches the ground drawn anew; a code that only ``after`` has is a
    new area, one that only ``before`` has is gone.
    """
    nothing = shapely.Polygon()
    old = {code: _polygons(shapely.make_valid(area)) for code, area in sorted(before.items())}
    new = {code: _polygons(shapely.make_valid(area)) for code, area in sorted(after.items())}
    region = _union(
        [
            shapely.symmetric_difference(old.get(code, nothing), new.get(code, nothing))
            for code in sorted({*old, *new})
            if not shapely.equals(old.get(code, nothing), new.get(code, nothing))
        ]
    )
    givers, takers = _holders(old, region), _holders(new, region)
    transfers = []
    for giver, given in givers.items():
        for taker, taken in takers.items():
            if giver == taker:
                continue
            ground = _polygons(shapely.intersection(given, taken))
            size = float(area_m2(ground))
            if size > _NOISE_M2:
                transfers.append(Transfer(giver, taker, ground, size))
    transfers.sort(key=lambda it: (-it.area_m2, it.giver or "", it.taker or ""))
    inside = [_polygons(shapely.intersection(area, region)) for area in new.values()]
    twice = _union([shapely.intersection(a, b) for a, b in combinations(inside, 2)])
    unclaimed = takers.get(None, nothing)
    return Reassigned(
        region,
        tuple(transfers),
        float(area_m2(_polygons(twice))),
        float(area_m2(_polygons(unclaimed))),
    )


def holder_at(areas: Mapping[str, Any], point: Any) -> str | None:
    """The smallest code of the areas that touch a WGS84 point; None where nobody's is."""
    touched = (code for code, area in areas.items() if shapely.intersects(area, point))
    return min(touched, default=None)


def _holders(areas: Mapping[str, Any], region: Any) -> dict[str | None, Any]:
    """The ground of a region by who has it; None for what is left over."""
    free: Any = region
    holders: dict[str | None, Any] = {}
    for code, area in areas.items():
        holders[code] = _polygons(shapely.intersection(area, free))
        free = _polygons(shapely.difference(free, area))
    return {**holders, None: free}


def _union(geometries: list[Any]) -> shapely.MultiPolygon:
    return _polygons(shapely.union_all([_polygons(geometry) for geometry in geometries]))


def _polygons(geometry: Any) -> shapely.MultiPolygon:
    parts = shapely.get_parts(geometry)
    while (shapely.get_type_id(parts) > 3).any():
        parts = shapely.get_parts(parts)
    kept = (shapely.get_type_id(parts) == 3) & ~shapely.is_empty(parts)
    return shapely.MultiPolygon(list(parts[kept]))
