"""Places points and footprints: areas, every claim, the border, shares, what contradicts what."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from gridsvc.codes import Level
from gridsvc.errors import NotFound, OutsideCity
from gridsvc.registry.placement import repository
from gridsvc.registry.placement.model import (
    LEVELS,
    AreaRef,
    Border,
    Conflict,
    EditionRef,
    Neighbour,
    Placement,
)
from gridsvc.registry.placement.store import Atlas
from gridsvc.spatial.price import MOST_VERTICES_TIMES_AREAS, check_product
from gridsvc.spatial.sharing import shares
from gridsvc.workers import workers

#: Neighbours are listed to this distance even where the border does not count as near.
_LISTED_WITHIN_M = 200.0
#: A street's border that runs along the district's is the district's.
SAME_BORDER_M = 0.01
#: Vertices times areas, and the vertices of these, that are shared out where it is asked for.
_SMALL = 50_000


@dataclass(frozen=True, slots=True)
class BatchPlacement:
    """The columns of a batch, one row a point; empty text where no area covers the point."""

    district_code: npt.NDArray[np.str_]
    street_code: npt.NDArray[np.str_]
    community_code: npt.NDArray[np.str_]
    grid_code: npt.NDArray[np.str_]
    near_border: npt.NDArray[np.bool_]


def place(atlas: Atlas, lon: float, lat: float, accuracy_m: float) -> Placement:
    """Place one WGS84 point. ``accuracy_m`` is the report's own, in metres."""
    touched = {level: index.locator.claims(lon, lat) for level, index in atlas.areas.items()}
    claims = {
        level: tuple([atlas.areas[level].refs[i] for i in areas])
        for level, areas in touched.items()
    }
    primary = {level: areas[0] for level, areas in claims.items() if areas}
    grid = None
    if atlas.grids is not None:
        grids = [atlas.grids.refs[i] for i in atlas.grids.locator.claims(lon, lat)]
        grid = grids[0] if grids else None
        claims["unit_grid"] = tuple(
            [AreaRef(ref.district_code + ref.code, ref.national_id) for ref in grids]
        )
    return Placement(
        lon=lon,
        lat=lat,
        accuracy_m=accuracy_m,
        district=primary.get("district"),
        street=primary.get("street"),
        community=primary.get("community"),
        unit_grid=grid,
        claims=tuple(claims.items()),
        conflict=_conflict(primary, claims),
        border=_border(atlas, touched, lon, lat, accuracy_m),
        editions=atlas.editions,
    )


def place_inside(atlas: Atlas, lon: float, lat: float, accuracy_m: float) -> Placement:
    """Like :func:`place`, for what must lie in the city. Raises OutsideCity."""
    placement = place(atlas, lon, lat, accuracy_m)
    if placement.district is None:
        raise OutsideCity(
            f"The point {lon:.6f}, {lat:.6f} (lon, lat; WGS84) lies in none of the service's"
            " districts; check the coordinate and its declared CRS.",
            field="location",
            point=[lon, lat],
        )
    return placement


def place_many(
    atlas: Atlas,
    lon: npt.NDArray[np.float64],
    lat: npt.NDArray[np.float64],
    accuracy_m: float,
) -> BatchPlacement:
    """Place WGS84 points of shape (n,): the codes of every level, and whether a border is near."""
    columns: dict[str, npt.NDArray[np.str_]] = {}
    nearest = np.full(lon.shape, np.inf)
    near = np.zeros(lon.shape, dtype=bool)
    for level in Level:
        columns[level] = codes_of(atlas, level, lon, lat)
        index = atlas.areas.get(level)
        if index is not None and index.borders is not None:
            distance_m, _ = index.borders.distance(lon, lat)
            nearer = distance_m < nearest - SAME_BORDER_M
            near = np.where(nearer, distance_m <= accuracy_m + index.edition.accuracy_m, near)
            nearest = np.where(nearer, distance_m, nearest)
    if atlas.grids is None:
        grid_codes = np.zeros(lon.shape, dtype="U8")
    else:
        every = np.array([*(ref.code for ref in atlas.grids.refs), ""], dtype="U8")
        grid_codes = every[atlas.grids.locator.locate(lon, lat)]
    return BatchPlacement(
        columns["district"], columns["street"], columns["community"], grid_codes, near
    )


def codes_of(
    atlas: Atlas, level: Level, lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64]
) -> npt.NDArray[np.str_]:
    """The codes of the areas of one level at WGS84 points of shape (n,), '' where there is none."""
    index = atlas.areas.get(level)
    if index is None:
        return np.zeros(lon.shape, dtype=f"U{level.digits}")
    codes = np.array([*(ref.code for ref in index.refs), ""], dtype=f"U{level.digits}")
    return codes[index.locator.locate(lon, lat)]


def _conflict(
    primary: dict[str, AreaRef], claims: dict[str, tuple[AreaRef, ...]]
) -> Conflict | None:
    """A conflict when no chain of claims, from the district down to the grid, nests by code."""
    nested = ""
    for area in primary.values():
        if not area.code.startswith(nested):
            break
        nested = area.code
    else:
        grids = claims.get("unit_grid", ())
        if not grids or not nested or grids[0].code[:6] == nested[:6]:
            return None
    chains = [""]
    for level in LEVELS:
        codes = [area.code for area in claims.get(level, ())]
        if not codes:
            continue
        # A unit grid's code begins with its district only.
        depth = 6 if level == "unit_grid" else 12
        chains = [code for code in codes if any(code.startswith(it[:depth]) for it in chains)]
        if not chains:
            break
    if chains:
        return None
    first = tuple((level, claims[level][0].code) for level in LEVELS if claims.get(level))
    named = ", ".join(f"{level} {code}" for level, code in first)
    return Conflict(
        codes=first,
        explanation=f"The levels contradict each other here ({named}); the place is disputed.",
    )


def _border(
    atlas: Atlas, touched: dict[str, list[int]], lon: float, lat: float, accuracy_m: float
) -> Border | None:
    nearest_m, nearest_level = float("inf"), ""
    near_levels: list[str] = []
    neighbours: list[Neighbour] = []
    for level, index in atlas.areas.items():
        if index.borders is None:
            continue
        claims = touched[level]
        own = claims[0] if claims else -1
        limit = accuracy_m + index.edition.accuracy_m
        found = index.borders.nearest(lon, lat, own, max(limit, _LISTED_WITHIN_M), claims)
        if found.distance_m <= limit:
            near_levels.append(level)
        if found.distance_m < nearest_m - SAME_BORDER_M:
            nearest_m, nearest_level = found.distance_m, level
        for i, distance_m in found.neighbours:
            ref = index.refs[i]
            neighbours.append(Neighbour(level, ref.code, ref.name, distance_m))
    if not nearest_level:
        return None
    return Border(nearest_m, nearest_level, tuple(near_levels), tuple(neighbours))


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
            "shares": [asdict(part) for part in self.shares],
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
    geometries = shapely.from_wkb(rows.wkb)
    given = footprint, list(geometries), list(rows.codes)
    beside = int(shapely.get_num_coordinates(geometries).sum())
    small = vertices * len(rows.codes) + beside < _SMALL
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
