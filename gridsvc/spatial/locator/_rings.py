"""Polygons become flat arrays of edges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numba import njit
from numpy.typing import NDArray

from gridsvc.errors import BadGeometry


def check_areas(geometries: Sequence[Any], codes: Sequence[str]) -> NDArray[np.object_]:
    """The geometries as an array, after a check that an index can be built from them.

    `geometries`: valid, non-empty shapely polygons or multipolygons, WGS84 lon/lat degrees within
    +-180 and +-90, one for each of `codes`. Raises `BadGeometry`, which names the first bad area.
    """
    if len(geometries) != len(codes):
        raise BadGeometry(
            f"{len(geometries)} geometries came with {len(codes)} codes; give one code for each."
        )
    shapes = np.empty(len(geometries), dtype=object)
    shapes[:] = list(geometries)

    def refuse(bad: NDArray[np.bool_], what: str) -> None:
        if bad.any():
            where = int(np.flatnonzero(bad)[0])
            raise BadGeometry(f"The area {codes[where]!r} (number {where}) {what}.", area=where)

    kinds = shapely.get_type_id(shapes)
    refuse((kinds != 3) & (kinds != 6), "is not a polygon; give polygons or multipolygons")
    refuse(shapely.is_empty(shapes), "is empty; leave it out")
    bounds = shapely.bounds(shapes)
    limits = np.array([-180.0, -90.0, 180.0, 90.0])
    outside = ~(bounds[:, :2] >= limits[:2]).all(axis=1) | ~(bounds[:, 2:] <= limits[2:]).all(
        axis=1
    )
    refuse(
        outside,
        "leaves the range of WGS84 degrees; split it at 180 degrees, and give lon before lat",
    )
    invalid = ~shapely.is_valid(shapes)
    if invalid.any():
        reason = shapely.is_valid_reason(shapes[np.flatnonzero(invalid)[0]])
        refuse(invalid, f"is not valid ({reason}); repair it first")
    return shapes


def ring_edges(
    shapes: NDArray[np.object_],
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """The edges of all rings: (n, 4) float64 `x1, y1, x2, y2` as given, and the area of each.

    Edges are in the order of the areas. An edge without length is left out.
    """
    _, coordinates, offsets = shapely.to_ragged_array(shapely.force_2d(shapes), include_z=False)
    rings = np.asarray(offsets[0], dtype=np.int64)
    parts = np.asarray(offsets[1], dtype=np.int64)
    if len(offsets) == 3:
        parts = parts[np.asarray(offsets[2], dtype=np.int64)]
    coordinates = coordinates + 0.0  # -0.0 becomes 0.0: one number, one set of bits
    edges = np.hstack((coordinates[:-1], coordinates[1:]))
    area_of_ring = np.repeat(np.arange(len(shapes), dtype=np.int32), np.diff(parts))
    area = np.repeat(area_of_ring, np.diff(rings))[:-1]
    keep = np.ones(len(edges), dtype=bool)
    keep[rings[1:-1] - 1] = False  # from the end of one ring to the start of the next
    keep &= (edges[:, 0] != edges[:, 2]) | (edges[:, 1] != edges[:, 3])
    return np.ascontiguousarray(edges[keep]), area[keep]


@njit(cache=True, nogil=True)
def merge_edges(
    edges: NDArray[np.float64], undirected: bool
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """The different edges (m, 4), and for each given edge (n, 4) its number among them, int32.

    `undirected`: an edge and its reverse are the same, kept with the lower end first.
    """
    n = edges.shape[0]
    size = 16
    while size < 2 * n:
        size *= 2
    slots = np.full(size, -1, np.int32)
    merged = np.empty((n, 4), np.float64)
    number = np.empty(n, np.int32)
    bits = merged.view(np.uint64)
    count = 0
    for i in range(n):
        x1, y1, x2, y2 = edges[i, 0], edges[i, 1], edges[i, 2], edges[i, 3]
        if undirected and (y2 < y1 or (y2 == y1 and x2 < x1)):
            x1, y1, x2, y2 = x2, y2, x1, y1
        merged[count, 0] = x1
        merged[count, 1] = y1
        merged[count, 2] = x2
        merged[count, 3] = y2
        key = np.uint64(1469598103934665603)
        for k in range(4):
            key = (key ^ bits[count, k]) * np.uint64(0x9E3779B97F4A7C15)
            key ^= key >> np.uint64(29)
        slot = np.int64(key & np.uint64(size - 1))
        while True:
            known = slots[slot]
            if known < 0:
                slots[slot] = count
                number[i] = count
                count += 1
                break
            if (
                merged[known, 0] == x1
                and merged[known, 1] == y1
                and merged[known, 2] == x2
                and merged[known, 3] == y2
            ):
                number[i] = known
                break
            slot = (slot + 1) & (size - 1)
    return merged[:count].copy(), number
