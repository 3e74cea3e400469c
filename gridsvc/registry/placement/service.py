"""Places points: exact areas, every claim, the border's distance, and what contradicts what."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gridsvc.errors import OutsideCity
from gridsvc.registry.placement.atlas import Atlas
from gridsvc.registry.placement.model import (
    LEVELS,
    AreaRef,
    Border,
    Conflict,
    GridRef,
    Neighbour,
    Placement,
)

__all__ = ["BatchPlacement", "place", "place_inside", "place_many"]

#: Neighbours are listed to this distance even where the border does not count as near.
_LISTED_WITHIN_M = 200.0
#: A street's border that runs along the district's is the district's.
_SAME_BORDER_M = 0.01


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
    claims: list[tuple[str, tuple[AreaRef, ...]]] = []
    primary: dict[str, AreaRef] = {}
    for level, index in atlas.areas.items():
        touched = tuple(index.refs[i] for i in index.locator.claims(lon, lat))
        claims.append((level, touched))
        if touched:
            primary[level] = touched[0]
    grid, grid_claims = _grid(atlas, lon, lat)
    if atlas.grids is not None:
        claims.append(("unit_grid", grid_claims))
    return Placement(
        lon=lon,
        lat=lat,
        accuracy_m=accuracy_m,
        district=primary.get("district"),
        street=primary.get("street"),
        community=primary.get("community"),
        unit_grid=grid,
        claims=tuple(claims),
        conflict=_conflict(dict(claims), grid),
        border=_border(atlas, lon, lat, accuracy_m),
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
    for level, width in zip(LEVELS[:3], (6, 9, 12), strict=True):
        index = atlas.areas.get(level)
        if index is None:
            columns[level] = np.zeros(lon.shape, dtype=f"U{width}")
            continue
        codes = np.array([*(ref.code for ref in index.refs), ""], dtype=f"U{width}")
        columns[level] = codes[index.locator.locate(lon, lat)]
        if index.borders is not None:
            distance_m, _ = index.borders.distance(lon, lat)
            nearer = distance_m < nearest - _SAME_BORDER_M
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


def _grid(atlas: Atlas, lon: float, lat: float) -> tuple[GridRef | None, tuple[AreaRef, ...]]:
    if atlas.grids is None:
        return None, ()
    touched = [atlas.grids.refs[i] for i in atlas.grids.locator.claims(lon, lat)]
    refs = tuple(AreaRef(ref.district_code + ref.code, ref.national_id) for ref in touched)
    return (touched[0] if touched else None), refs


def _conflict(claims: dict[str, tuple[AreaRef, ...]], grid: GridRef | None) -> Conflict | None:
    """A conflict when no chain district, street, community among the claims nests by code."""
    chains = [""]
    for level in LEVELS[:3]:
        codes = [area.code for area in claims.get(level, ())]
        if not codes:
            continue
        chains = [code for code in codes if any(code.startswith(chain) for chain in chains)]
        if not chains:
            break
    if chains and (grid is None or _grid_fits(claims)):
        return None
    primary = tuple((level, claims[level][0].code) for level in LEVELS if claims.get(level))
    named = ", ".join(f"{level} {code}" for level, code in primary)
    return Conflict(
        codes=primary,
        explanation=f"The levels contradict each other here ({named}); the place is disputed.",
    )


def _grid_fits(claims: dict[str, tuple[AreaRef, ...]]) -> bool:
    communities = {area.code for area in claims.get("community", ())}
    if not communities:
        return True
    grids = {area.code for area in claims["unit_grid"]}
    return any(grid[:6] == community[:6] for grid in grids for community in communities)


def _border(atlas: Atlas, lon: float, lat: float, accuracy_m: float) -> Border | None:
    nearest: tuple[float, str] | None = None
    near_levels: list[str] = []
    neighbours: list[Neighbour] = []
    for level, index in atlas.areas.items():
        if index.borders is None:
            continue
        own = index.locator.locate_one(lon, lat)
        limit = accuracy_m + index.edition.accuracy_m
        found = index.borders.nearest(lon, lat, own, max(limit, _LISTED_WITHIN_M))
        if found.distance_m <= limit:
            near_levels.append(level)
        if nearest is None or found.distance_m < nearest[0] - _SAME_BORDER_M:
            nearest = (found.distance_m, level)
        neighbours += [
            Neighbour(level, index.refs[i].code, index.refs[i].name, distance_m)
            for i, distance_m in found.neighbours
        ]
    if nearest is None:
        return None
    return Border(nearest[0], nearest[1], tuple(near_levels), tuple(neighbours))
