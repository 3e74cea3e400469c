"""Stations: the points of a community's border where its cells may begin and end.

They depend on a border edge and on the lines that cross it, never on what lies inside, and are
reckoned along the edge in one direction whichever side asks. So both neighbours carry the same
vertices, bit by bit, without knowing of each other.
"""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Polygon

_METRES_PER_DEGREE = 111_000.0
# Between stations; and how near one may come to a corner, or to where a line crosses.
_SPACING_M, _APART_M = 10.0, 2.5
# A line that ends so near to a border ends on it.
_REACH_M = 1.0
# A line that crosses a border at a smaller angle runs beside it: sine of 15 degrees.
_BESIDE = 0.26


def with_stations(polygon: Polygon, lines: NDArray[np.object_]) -> Polygon:
    """Give the same polygon with its stations as vertices (WGS84).

    ``lines``: at least all those that come within 2 m of the polygon. The polygon's own vertices
    stay as they are; a new one lies on its edge within the rounding of a double.
    """
    polygon = shapely.remove_repeated_points(shapely.orient_polygons(polygon))
    rings = [np.array(ring.coords) for ring in (polygon.exterior, *polygon.interiors)]
    edges = np.concatenate([np.stack([ring[:-1], ring[1:]], axis=1) for ring in rings])
    turned = (edges[:, 0, 0] > edges[:, 1, 0]) | (
        (edges[:, 0, 0] == edges[:, 1, 0]) & (edges[:, 0, 1] > edges[:, 1, 1])
    )
    edges[turned] = edges[turned][:, ::-1]
    crossings = _crossings(edges, lines)
    filled: list[list[tuple[float, float]]] = []
    number = 0
    for ring in rings:
        xy: list[tuple[float, float]] = []
        for corner in ring[:-1].tolist():
            (ax, ay), (bx, by) = edges[number].tolist()
            at = _positions(_length_m(ax, ay, bx, by), crossings.get(number, []))
            made = [(ax + t * (bx - ax), ay + t * (by - ay)) for t in at]
            xy.append((corner[0], corner[1]))
            xy += made[::-1] if turned[number] else made
            number += 1
        filled.append(xy)
    return Polygon(filled[0], filled[1:])


def _length_m(ax: float, ay: float, bx: float, by: float) -> float:
    squeeze = math.cos(math.radians((ay + by) / 2))
    return math.hypot((bx - ax) * squeeze, by - ay) * _METRES_PER_DEGREE


def _positions(length: float, crossings: list[float]) -> list[float]:
    """Positions from 0 to 1 on an edge: where lines cross, and evenly between."""
    apart = _APART_M / length
    kept: list[float] = []
    for t in sorted(crossings):
        if apart < t < 1 - apart and (not kept or t - kept[-1] > apart):
            kept.append(t)
    pieces = round(length / _SPACING_M)
    crossed = np.array(kept)
    for k in range(1, pieces):
        t = k / pieces
        if not len(crossed) or np.abs(crossed - t).min() > apart:
            kept.append(t)
    return sorted(kept)


def _crossings(edges: NDArray[np.float64], lines: NDArray[np.object_]) -> dict[int, list[float]]:
    """Where lines cross or reach each edge, by its number."""
    found: dict[int, list[float]] = defaultdict(list)
    if not len(lines):
        return found
    xy, of = shapely.get_coordinates(lines, return_index=True)
    same = of[1:] == of[:-1]
    segments = np.stack([xy[:-1][same], xy[1:][same]], axis=1)
    reach = _REACH_M / _METRES_PER_DEGREE
    tree = shapely.STRtree(shapely.linestrings(segments))
    edge, segment = tree.query(shapely.linestrings(edges), predicate="dwithin", distance=reach)
    if not len(edge):
        return found
    a, b = edges[edge, 0], edges[edge, 1]
    p, q = segments[segment, 0], segments[segment, 1]
    # In a plane true to scale at the edge, so that angles are those of the ground.
    squeeze = np.column_stack([np.cos(np.radians((a[:, 1] + b[:, 1]) / 2)), np.ones(len(a))])
    along, across, off = (b - a) * squeeze, (q - p) * squeeze, (p - a) * squeeze
    turn = along[:, 0] * across[:, 1] - along[:, 1] * across[:, 0]
    far = np.hypot(*along.T) * np.hypot(*across.T)
    steep = np.abs(turn) > _BESIDE * far
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (off[:, 0] * across[:, 1] - off[:, 1] * across[:, 0]) / turn
    for number, at in zip(edge[steep].tolist(), t[steep].tolist(), strict=True):
        found[number].append(at)
    return found
