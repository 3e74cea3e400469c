"""Draws a made-up street network along the borders of unit grids.

The unit grids of a district share their edges, so the edges between two grids are lines that no
grid is cut by: where the grids' streets differ an avenue, where their communities differ a street,
else a lane. The edge of the district itself is left out, so that nothing falls on a border.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.registry.parts.loading import GridRows
from gridsvc.spatial.crs import project

__all__ = ["RANKS", "Crossing", "Streets", "draw_streets"]

#: From wide to narrow, with half the width of the carriageway in metres.
RANKS = {"avenue": 12.0, "street": 6.0, "lane": 2.5}

_CROSSING_ROADS = 3
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Crossing:
    """Places (metric plane, m x 2) where three or more roads meet, and the widest one's rank."""

    places: Floats
    ranks: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Streets:
    """The roads of a district in the metric plane.

    ``lines[rank]`` are its roads (object, k), each from crossing to crossing.
    """

    lines: dict[str, NDArray[np.object_]]
    crossings: Crossing

    def length_m(self, rank: str) -> float:
        """The metres of all roads of a rank."""
        return float(shapely.length(self.lines[rank]).sum())


def draw_streets(grids: GridRows) -> Streets:
    """The made-up streets of a district's unit grids; the same grids give the same streets."""
    edges, first, second = _shared_edges(grids.geometries)
    rank = np.full(len(edges), 2, dtype=np.int8)
    rank[grids.community_codes[first] != grids.community_codes[second]] = 1
    rank[grids.street_codes[first] != grids.street_codes[second]] = 0
    lines: dict[str, NDArray[np.object_]] = {}
    for number, name in enumerate(RANKS):
        segments = project(shapely.linestrings(edges[rank == number].reshape(-1, 2, 2)))
        merged = shapely.line_merge(shapely.multilinestrings(segments))
        parts = shapely.get_parts(merged)
        lines[name] = parts[np.lexsort(shapely.bounds(parts).T)]
    return Streets(lines, _crossings(edges, rank))


def _shared_edges(
    geometries: NDArray[np.object_],
) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """Edges that two polygons share (e x 4: both ends, WGS84), and the two polygons."""
    rings, owner = shapely.get_rings(geometries, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[:-1] == ring[1:]
    edges = np.hstack([points[:-1][same], points[1:][same]])
    owners = owner[ring[:-1][same]]
    turned = (edges[:, 0] > edges[:, 2]) | (
        (edges[:, 0] == edges[:, 2]) & (edges[:, 1] > edges[:, 3])
    )
    edges[turned] = edges[turned][:, [2, 3, 0, 1]]
    unique, inverse, counts = np.unique(edges, axis=0, return_inverse=True, return_counts=True)
    order = np.argsort(inverse.ravel(), kind="stable")
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    shared = counts == 2
    first = owners[order[starts[shared]]]
    second = owners[order[starts[shared] + 1]]
    return unique[shared], first, second


def _crossings(edges: Floats, rank: NDArray[np.int8]) -> Crossing:
    ends = np.vstack([edges[:, :2], edges[:, 2:]])
    ranks = np.concatenate([rank, rank])
    places, inverse, counts = np.unique(ends, axis=0, return_inverse=True, return_counts=True)
    widest = np.full(len(places), 2, dtype=np.int8)
    np.minimum.at(widest, inverse.ravel(), ranks)
    crossing = counts >= _CROSSING_ROADS
    metric = shapely.get_coordinates(project(shapely.points(places[crossing])))
    return Crossing(metric, widest[crossing])
