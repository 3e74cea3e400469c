"""Cuts the ground of a fault into triangles, and these where they join two of its sides."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import shapely

from gridsvc.spatial.repair.sides import Floats, Ring

__all__ = ["Edge", "Piece", "Point", "line_between", "pieces_of"]

Point = tuple[float, float]
Edge = tuple[Point, Point]
#: A side, and the corners (WGS84) of ground that is nearer to it than to any other.
Piece = tuple[int, tuple[Point, ...]]

_RADIUS_M = 6_371_000.0
# Vertices that are put on the sides for the triangles alone; so many at most.
_MOST_VERTICES = 400
# Distances are equal when they differ by so little of both; steps that it may take at most.
_EQUAL, _MOST_STEPS = 1e-3, 13


def pieces_of(rings: Sequence[Ring], step_m: float) -> Iterator[Piece]:
    """The triangles of the ground, cut where they join two sides: (side, corners in degrees)."""
    everything = np.concatenate([ring.xy for ring in rings])
    lon, lat = everything.mean(axis=0)
    scale = np.radians(_RADIUS_M) * np.array([math.cos(math.radians(lat)), 1.0])
    length_m = sum(float(np.hypot(*((_next(r.xy) - r.xy) * scale).T).sum()) for r in rings)
    step_m = max(step_m, length_m / _MOST_VERTICES, 1e-6)
    degrees: dict[Point, Point] = {}
    sides: defaultdict[Point, set[int]] = defaultdict(set)
    flat, behind = [], []
    for ring in rings:
        xy, side = _densified(ring, scale, step_m)
        plane = (xy - (lon, lat)) * scale
        flat.append(plane)
        behind.append(side)
        for n, (key, point) in enumerate(zip(plane.tolist(), xy.tolist(), strict=True)):
            degrees[tuple(key)] = tuple(point)
            sides[tuple(key)] |= {int(side[n]), int(side[n - 1])}
    triangles = [
        [tuple(it) for it in shapely.get_coordinates(triangle)[:3].tolist()]
        for triangle in shapely.get_parts(
            shapely.constrained_delaunay_triangles(shapely.Polygon(flat[0], flat[1:]))
        )
    ]
    middle = _middles(triangles, sides, degrees, _lines_of(flat, behind))
    for corners in triangles:
        yield from _cut([degrees[c] for c in corners], [sides[c] for c in corners], middle)


def _lines_of(flat: Sequence[Floats], behind: Sequence[Any]) -> dict[int, Any]:
    """The edges of each side, in the plane."""
    edges = np.concatenate([np.stack([xy, _next(xy)], axis=1) for xy in flat])
    side = np.concatenate(behind)
    return {one: shapely.linestrings(edges[side == one]) for one in np.unique(side).tolist()}


def _distance(tree: shapely.STRtree, points: Any) -> Floats:
    _, metres = tree.query_nearest(points, all_matches=False, return_distance=True)
    return np.asarray(metres)


def _middles(
    triangles: Sequence[Sequence[Point]],
    sides: Mapping[Point, set[int]],
    degrees: Mapping[Point, Point],
    lines: Mapping[int, Any],
) -> dict[Edge, Point]:
    """Where each edge between two sides is as far from one as from the other."""
    joining: defaultdict[tuple[frozenset[int], frozenset[int]], set[Edge]] = defaultdict(set)
    for corners in triangles:
        for n in range(3):
            one, other = sorted((corners[n], corners[(n + 1) % 3]))
            if not sides[one] & sides[other]:
                joining[frozenset(sides[one]), frozenset(sides[other])].add((one, other))
    found: dict[Edge, Point] = {}
    for (here, there), edges in joining.items():
        ends = np.array(sorted(edges))
        near, far = (
            shapely.STRtree(np.concatenate([lines[side] for side in sorted(held)]))
            for held in (here, there)
        )
        parts = _equally_far(ends, near, far)
        for (one, other), part in zip(ends.tolist(), parts.tolist(), strict=True):
            begin, end = degrees[tuple(one)], degrees[tuple(other)]
            middle = (
                begin[0] + part * (end[0] - begin[0]),
                begin[1] + part * (end[1] - begin[1]),
            )
            found[min(begin, end), max(begin, end)] = middle
    return found


def _equally_far(ends: Floats, near: shapely.STRtree, far: shapely.STRtree) -> Floats:
    """Where on each edge (n, 2, 2), from 0 to 1, ``near`` and ``far`` are as far away, (n,).

    Each edge begins on ``near`` and ends on ``far``. False position after Illinois: an end that
    stays counts half, so that both close in.
    """
    least, most = np.zeros(len(ends)), np.ones(len(ends))
    at_least = -_distance(far, shapely.points(ends[:, 0]))
    at_most = _distance(near, shapely.points(ends[:, 1]))
    part = np.full(len(ends), 0.5)
    open_ = np.flatnonzero(at_most > at_least)
    for _ in range(_MOST_STEPS):
        span = at_most[open_] - at_least[open_]
        part[open_] = least[open_] - (most - least)[open_] * at_least[open_] / span
        along = ends[open_, 0] + part[open_, None] * (ends[open_, 1] - ends[open_, 0])
        points = shapely.points(along)
        here, there = _distance(near, points), _distance(far, points)
        off = here - there
        nearer = off < 0
        low, high = open_[nearer], open_[~nearer]
        least[low], at_least[low] = part[low], off[nearer]
        most[high], at_most[high] = part[high], off[~nearer]
        at_most[low] /= 2
        at_least[high] /= 2
        open_ = open_[np.abs(off) > _EQUAL * (here + there)]
        if not len(open_):
            break
    return part


def _next(xy: Floats) -> Floats:
    return np.roll(xy, -1, axis=0)


def _densified(ring: Ring, scale: Floats, step_m: float) -> tuple[Floats, Any]:
    points, sides = [], []
    for begin, end, side in zip(ring.xy, _next(ring.xy), ring.side, strict=True):
        count = max(1, math.ceil(float(np.hypot(*((end - begin) * scale))) / step_m))
        points.append(begin + (np.arange(count) / count)[:, None] * (end - begin))
        sides.append(np.full(count, side))
    return np.concatenate(points), np.concatenate(sides)


def _cut(
    corners: list[Point], sides: list[set[int]], middles: Mapping[Edge, Point]
) -> Iterator[Piece]:
    """A triangle by sides; a corner where two sides meet is of both."""

    def middle(one: Point, other: Point) -> Point:
        return middles[min(one, other), max(one, other)]

    everywhere = set.intersection(*sides)
    if everywhere:
        yield min(everywhere), tuple(corners)
        return
    apart = [n for n in range(3) if not sides[n] & sides[(n + 1) % 3]]
    if len(apart) == 1:
        i = apart[0]
        j, k = (i + 1) % 3, (i + 2) % 3
        at = middle(corners[i], corners[j])
        yield min(sides[i] & sides[k]), (corners[i], at, corners[k])
        yield min(sides[j] & sides[k]), (at, corners[j], corners[k])
    elif len(apart) == 2:
        i = next(n for n in range(3) if n in apart and (n - 1) % 3 in apart)
        j, k = (i + 1) % 3, (i + 2) % 3
        one, other = middle(corners[i], corners[j]), middle(corners[i], corners[k])
        yield min(sides[i]), (corners[i], one, other)
        yield min(sides[j] & sides[k]), (one, corners[j], corners[k], other)
    else:
        centre = (sum(c[0] for c in corners) / 3, sum(c[1] for c in corners) / 3)
        for i in range(3):
            j, k = (i + 1) % 3, (i + 2) % 3
            if apart:
                one, other = middle(corners[i], corners[j]), middle(corners[i], corners[k])
                yield min(sides[i]), (corners[i], one, centre, other)
            else:
                yield min(sides[i] & sides[j]), (corners[i], corners[j], centre)


def line_between(pieces: Sequence[Piece]) -> list[Edge]:
    """The edges that pieces of two sides have in common."""
    found: defaultdict[Edge, list[int]] = defaultdict(list)
    for side, corners in pieces:
        for begin, end in zip(corners, (*corners[1:], corners[0]), strict=True):
            found[min(begin, end), max(begin, end)].append(side)
    return [edge for edge, sides in found.items() if len(set(sides)) > 1]
