"""Whose ground a footprint stands on, and whether a border really runs through it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from gridsvc.errors import NotFound
from gridsvc.registry.placement import repository
from gridsvc.registry.placement.model import EditionRef
from gridsvc.registry.placement.store import Atlas
from gridsvc.spatial.price import MOST_VERTICES_TIMES_AREAS, check_product
from gridsvc.spatial.sharing import shares
from gridsvc.workers import workers

#: Vertices times areas, and the vertices of these, that are shared out where it is asked for.
_SMALL = 50_000


@dataclass(frozen=True, slots=True)
class AreaShare:
    """One area's part of a footprint: square metres, and as a share of 1."""

    code: str
    name: str
    area_m2: float
    share: float


@dataclass(frozen=True, slots=True)
class Straddle:
    """The shares of a footprint at one level, the largest first.

    It straddles when at least two areas hold more than ``tolerance_m2``: the accuracy of the
    border that parts them (the district's where their districts differ) times the length of
    border inside the footprint.
    """

    level: str
    straddles: bool
    shares: tuple[AreaShare, ...]
    unclaimed_m2: float
    unclaimed_share: float
    overlapping_m2: float
    tolerance_m2: float
    edition: EditionRef
    explanation: str

    def to_json(self) -> dict[str, Any]:
        """The answer of ``/v1/straddle``."""
        return {
            "level": self.level,
            "straddles": self.straddles,
            "shares": [
                {
                    "code": part.code,
                    "name": part.name,
                    "area_m2": part.area_m2,
                    "share": part.share,
                }
                for part in self.shares
            ],
            "unclaimed_m2": self.unclaimed_m2,
            "unclaimed_share": self.unclaimed_share,
            "overlapping_m2": self.overlapping_m2,
            "tolerance_m2": self.tolerance_m2,
            "edition": self.edition.to_json(),
            "explanation": self.explanation,
        }


def straddle(
    session: Session,
    atlas: Atlas,
    footprint: BaseGeometry,
    level: str,
    *,
    gone: threading.Event | None = None,
) -> Straddle:
    """The shares of a WGS84 footprint among the areas of one level.

    What is not small is shared out by a process that ends with the caller (``gone``). Raises
    NotFound when no edition of that level is in force, QueryTooBroad for what takes too much.
    """
    index = atlas.areas.get(level)
    if index is None:
        raise NotFound(f"No edition of level '{level}' is in force.", field="level")
    edition, outline = index.edition.id, shapely.to_wkb(footprint)
    vertices = int(shapely.get_num_coordinates(footprint))
    if vertices * len(index.refs) > MOST_VERTICES_TIMES_AREAS:
        count = repository.count_areas_touching(session.connection(), edition, outline)
        check_product(vertices, count, field="geometry")
    rows = repository.areas_touching(session.connection(), edition, outline)
    given = footprint, list(rows.geometries), list(rows.codes)
    beside = int(shapely.get_num_coordinates(rows.geometries).sum())
    small = vertices * len(given[1]) + beside < _SMALL
    found = shares(*given) if small else workers.run(shares, *given, gone=gone)
    names = dict(zip(rows.codes, rows.names, strict=True))
    parts = sorted(
        (AreaShare(p.code, names[p.code], p.area_m2, p.share) for p in found.parts),
        key=lambda part: (-part.area_m2, part.code),
    )
    tolerance = _accuracy_m(atlas, index.edition, [p.code for p in parts]) * found.border_length_m
    holders = [part for part in parts if part.area_m2 > tolerance]
    return Straddle(
        level=level,
        straddles=len(holders) > 1,
        shares=tuple(parts),
        unclaimed_m2=found.unclaimed_m2,
        unclaimed_share=found.unclaimed_share,
        overlapping_m2=found.overlapping_m2,
        tolerance_m2=tolerance,
        edition=index.edition,
        explanation=_explanation(parts, holders, tolerance, found.border_length_m),
    )


def _accuracy_m(atlas: Atlas, own: EditionRef, codes: list[str]) -> float:
    """The accuracy of the border between the two largest parts.

    Between districts it is the district edition's: a street's border there is the district's.
    """
    district = atlas.areas.get("district")
    if district is not None and len({code[:6] for code in codes[:2]}) > 1:
        return district.edition.accuracy_m
    return own.accuracy_m


def _explanation(
    parts: list[AreaShare], holders: list[AreaShare], tolerance_m2: float, border_m: float
) -> str:
    if not parts:
        return "No area of this level covers any of the footprint."
    if len(parts) == 1:
        return f"All of the claimed ground lies in {parts[0].name} ({parts[0].code})."
    named = " and ".join(f"{part.name} ({part.code}) {part.share:.1%}" for part in parts)
    if len(holders) > 1:
        return f"A border of {border_m:.1f} m runs through it: {named}."
    return (
        f"{named}; but the border is known only so well that {tolerance_m2:.0f} m² could lie on"
        " either side, so it cannot be said that both hold a share."
    )
