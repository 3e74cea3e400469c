"""Old unit grids against changed ground: what must be recut, and which new cell is which old."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.spatial.coverage import match_edges
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.polygons import polygons_of

# Ground that differs by less is two drawings of one line: 0.1 m by 10 cm, a millionth of a cell.
_NOISE_M2 = 0.01
# Cells within a tenth of a millimetre touch.
_TOUCH_DEGREES = 1e-9
# A vertex this close to an edge, a hundredth of a millimetre, was made on it.
_ON_SEGMENT_DEGREES = 1e-10
# A part of the ground smaller than this share of a cell is cut together with a neighbour.
_LEAST_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Overlap:
    """What an old and a new cell have in common: their numbers, m², and its share of each."""

    old: int
    new: int
    shared_m2: float
    of_old: float
    of_new: float


def same_ground(one: Any, other: Any) -> bool:
    """Whether two areas (WGS84) are the same but for a millionth of the larger, or for noise."""
    if shapely.equals_identical(one, other):
        return True
    sizes = area_m2([one, other, shapely.symmetric_difference(one, other)])
    return bool(sizes[2] <= max(_NOISE_M2, 1e-6 * max(sizes[0], sizes[1])))


def ground_to_cut(
    outline: Any, cells: Sequence[Any], nominal_m2: float
) -> tuple[NDArray[np.bool_], Any]:
    """Which old cells of an area stay when its outline changes, and the ground to be recut.

    ``outline``: the area's new (multi)polygon. ``cells``: its old unit grids, polygons. A cell
    stays when it touches no ground that the area has gained or lost. A part of the rest that is
    smaller than half of ``nominal_m2`` takes the cell along with which it has most border, so that
    no splinter becomes a cell.

    Gives bool (cells,), and a MultiPolygon, empty when every cell stays. Cells that stay and the
    ground are a coverage.
    """
    shapes = np.asarray(list(cells), dtype=object)
    whole = match_edges([outline, *cells])[0]
    if not len(shapes):
        return np.zeros(0, dtype=bool), whole
    changed = _sound(shapely.symmetric_difference(whole, shapely.union_all(shapes)))
    stays = np.ones(len(shapes), dtype=bool)
    touched, _ = shapely.STRtree(changed).query(
        shapes, predicate="dwithin", distance=_TOUCH_DEGREES
    )
    stays[touched] = False
    while True:
        rest = _sound(shapely.difference(whole, shapely.union_all(shapes[stays])))
        small = rest[area_m2(rest) < _LEAST_SHARE * nominal_m2] if len(rest) else rest
        joined = [_neighbour(part, shapes, stays) for part in small]
        along = sorted({number for number in joined if number is not None})
        if not along:
            return stays, shapely.MultiPolygon(list(rest))
        stays[along] = False


def overlaps(old: Sequence[Any], new: Sequence[Any]) -> list[Overlap]:
    """Every pair of an old and a new cell (WGS84 polygons) that share more than noise."""
    before, after = (np.asarray(list(cells), dtype=object) for cells in (old, new))
    if not len(before) or not len(after):
        return []
    one, other = shapely.STRtree(after).query(before, predicate="intersects")
    shared = area_m2(shapely.intersection(before[one], after[other]))
    old_m2, new_m2 = area_m2(before), area_m2(after)
    return [
        Overlap(i, j, m2, m2 / float(old_m2[i]), m2 / float(new_m2[j]))
        for i, j, m2 in zip(one.tolist(), other.tolist(), shared.tolist(), strict=True)
        if m2 > _NOISE_M2
    ]


def with_common_vertices(cells: Sequence[Any], beside: Sequence[Any]) -> list[Any]:
    """The cells with the vertices that any of them, or of those beside, has on their borders.

    Polygons in, polygons out, in their order; no vertex moves, and a cell that needs none is given
    back itself. Those ``beside`` stay as they are; where one has a vertex that is a cell's own but
    for the last digits, the cell keeps its own.
    """
    shapes = np.asarray(list(cells), dtype=object)
    rings, of_cell = shapely.get_rings(shapes, return_index=True)
    xy, of_ring = shapely.get_coordinates(rings, return_index=True)
    start = np.flatnonzero(of_ring[:-1] == of_ring[1:])
    segments = shapely.linestrings(np.stack([xy[start], xy[start + 1]], axis=1))
    own = np.unique(xy, axis=0)
    lent = np.unique(shapely.get_coordinates(np.asarray(list(beside), dtype=object)), axis=0)
    twins, _ = shapely.STRtree(shapely.points(own)).query(
        shapely.points(lent), predicate="dwithin", distance=_TOUCH_DEGREES
    )
    vertices = np.concatenate([own, np.delete(lent, np.unique(twins), axis=0)])
    vertex, segment = shapely.STRtree(segments).query(
        shapely.points(vertices), predicate="dwithin", distance=_ON_SEGMENT_DEGREES
    )
    at, new = start[segment], vertices[vertex]
    between = (new != xy[at]).any(axis=1) & (new != xy[at + 1]).any(axis=1)
    at, new = at[between], new[between]
    along = ((new - xy[at]) * (xy[at + 1] - xy[at])).sum(axis=1)
    order = np.lexsort((along, at))
    at, new = at[order], new[order]
    whole = np.insert(xy, at + 1, new, axis=0)
    ring_of = np.insert(of_ring, at + 1, of_ring[at])
    result = list(shapes)
    for cell in np.unique(of_cell[of_ring[at]]).tolist():
        shell, *holes = (whole[ring_of == ring] for ring in np.flatnonzero(of_cell == cell))
        result[cell] = shapely.Polygon(shell, holes)
    return result


def _sound(ground: Any) -> NDArray[np.object_]:
    """The polygons of an overlay that are more than noise."""
    parts = polygons_of(ground)
    return parts[area_m2(parts) > _NOISE_M2]


def _neighbour(part: Any, shapes: NDArray[np.object_], stays: NDArray[np.bool_]) -> int | None:
    """The cell that stays with the longest border along a part, or None."""
    candidates = np.flatnonzero(stays)
    common = shapely.length(
        shapely.intersection(shapely.boundary(part), shapely.boundary(shapes[candidates]))
    )
    if not len(candidates) or common.max() <= 0.0:
        return None
    return int(candidates[int(np.argmax(common))])
