"""How well cells fit the city: borders on barriers, buildings in one cell, parts in each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.spatial.plane import LocalPlane

Objects = NDArray[np.object_]
Ints = NDArray[np.int64]

# A border this near to a barrier follows it.
_ON_M = 1.0
# A building lies in one cell when no more of it than this lies elsewhere.
_SPILL_M2 = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Metrics:
    """How the cells of one community fit the city around them.

    ``parts``: int64 (cells,), the parts in each cell. ``border_m``: the length of cell borders
    inside the community; ``on_barrier_m``: how much of it lies within 1 m of a barrier.
    ``barrier_m``: the length of barriers inside the community (more than 1 m off its border);
    ``barrier_used_m``: how much of it has a cell border within 1 m. ``buildings``: those wholly
    inside; ``cut_buildings``: those of them that lie in more than one cell; ``astride_buildings``:
    those that the community's own border cuts. ``forced``: cells outside 3,000 to 20,000 m² about
    which a single building or the size of the community leaves no choice.
    """

    parts: Ints
    border_m: float
    on_barrier_m: float
    barrier_m: float
    barrier_used_m: float
    buildings: int
    cut_buildings: int
    astride_buildings: int
    forced: int


def metrics_of(
    community: object, cells: Objects, area_m2: NDArray[np.float64], nominal_m2: float,
    lines: Objects, buildings: Objects, parts: Objects,
) -> Metrics:  # fmt: skip
    """Measure cells (WGS84) of a community against what lies in and around it."""
    plane = LocalPlane.amid(shapely.bounds(community))
    whole, flat = plane.project(np.array([community]))[0], plane.project(cells)
    lines, buildings, parts = plane.project(lines), plane.project(buildings), plane.project(parts)
    lines = lines[shapely.intersects(whole, lines)] if len(lines) else lines
    edge = shapely.buffer(shapely.boundary(whole), _ON_M)
    borders = shapely.difference(shapely.union_all(shapely.boundary(flat)), edge)
    barriers = shapely.union_all(lines) if len(lines) else shapely.LineString()
    barriers = shapely.difference(shapely.intersection(barriers, whole), edge)
    beside_barrier, beside_border = shapely.buffer([barriers, borders], _ON_M)
    inside, cut = cut_by(flat, whole, buildings)
    return Metrics(
        parts_in(flat, parts),
        float(shapely.length(borders)),
        float(shapely.length(shapely.intersection(borders, beside_barrier))),
        float(shapely.length(barriers)),
        float(shapely.length(shapely.intersection(barriers, beside_border))),
        int(inside.sum()),
        int(cut.sum()),
        int((shapely.area(shapely.intersection(buildings, whole)) > _SPILL_M2).sum() - inside.sum())
        if len(buildings)
        else 0,
        _forced(whole, flat, area_m2, nominal_m2, buildings),
    )


def cut_by(
    cells: Objects, community: object, buildings: Objects
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which buildings lie inside a community and which of those in several cells (metric).

    What overlaps by at most 0.05 m² is taken for rounding.
    """
    if not len(buildings):
        return np.zeros(0, bool), np.zeros(0, bool)
    own = shapely.area(buildings)
    inside = own - shapely.area(shapely.intersection(buildings, community)) <= _SPILL_M2
    building, cell = shapely.STRtree(cells).query(buildings, predicate="intersects")
    held = shapely.area(shapely.intersection(buildings[building], cells[cell]))
    most = np.zeros(len(buildings))
    np.maximum.at(most, building, held)
    total = np.bincount(building, weights=held, minlength=len(buildings))
    return inside, inside & (total - most > _SPILL_M2)


def parts_in(cells: Objects, parts: Objects) -> Ints:
    """Count the parts in each cell; one on a border counts in the first cell."""
    if not len(parts):
        return np.zeros(len(cells), dtype=np.int64)
    part, cell = shapely.STRtree(cells).query(parts, predicate="intersects")
    order = np.lexsort((cell, part))
    part, cell = part[order], cell[order]
    first = np.append(True, np.diff(part) > 0)[: len(part)]
    return np.bincount(cell[first], minlength=len(cells)).astype(np.int64)


def _forced(
    community: object,
    cells: Objects,
    area: NDArray[np.float64],
    nominal: float,
    buildings: Objects,
) -> int:
    """Count cells out of bounds that one building fills by half, or that are a whole part."""
    scale = max(nominal / 10_000.0, 1.0)
    odd = np.flatnonzero((area < 3_000 * scale) | (area > 20_000 * scale))
    grounds = shapely.get_parts(community)
    forced = 0
    for number in odd.tolist():
        cell = cells[number]
        ground = grounds[np.argmin(shapely.distance(grounds, cell.representative_point()))]
        alone = cell.area > 0.999 * ground.area
        held = shapely.area(shapely.intersection(buildings, cell)).max(initial=0.0)
        forced += int(alone or held > 0.5 * area[number])
    return forced
