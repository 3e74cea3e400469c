"""Parts the ground of a fault by its midline: each side has what is nearer to it.

The ground is cut into triangles whose corners lie on its sides (constrained Delaunay, in a plane
that is true to scale there). Where a triangle joins two sides, the line runs through those points
of its edges that are as far from one as from the other. So the line meets the rim only in vertices
of the rim, and the parts have every vertex between them in common.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import shapely

from gridsvc.spatial.repair.sides import NOBODY, Floats, Ring

# The line may be this part of the width off the true middle, to have fewer vertices.
_STRAIGHTEN = 0.02
# Steps between the vertices on the sides, in mean widths; the next where one finds no triangles.
_STEPS = (0.5, 0.2, 0.8, 1.7, 4.0, 20.0)

_Point = tuple[float, float]
_Edge = tuple[_Point, _Point]
#: A side, and the corners (WGS84) of ground that is nearer to it than to any other.
_Piece = tuple[int, tuple[_Point, ...]]

_RADIUS_M = 6_371_000.0
# Vertices that are put on the sides for the triangles alone; so many at most.
_MOST_VERTICES = 400
# Distances are equal when they differ by so little of both; steps that it may take at most.
_EQUAL, _MOST_STEPS = 1e-3, 13


def part_by_midline(
    ground: Any, rings: Sequence[Ring], width_m: float, *, open_to_nobody: bool
) -> dict[int, list[Any]]:
    """The polygons (WGS84) of ``ground`` by the side that they are nearer to.

    ``rings``: those of the ground, with their sides; ``width_m``: its mean width. Edges with nobody
    behind them are split between their neighbours: in the middle where the ground is
    ``open_to_nobody`` there, else at a vertex, since another area may have the edge. Gives one
    side alone when there is but one, and none where the ground cannot be cut into triangles.
    """
    whole = [_without_nobody(ring, open_to_nobody) for ring in rings]
    present = {side for ring in whole for side in ring.side.tolist()}
    if len(present) < 2:
        return {side: [ground] for side in present}
    pieces, line = _first_that_works(whole, width_m)
    if not line:
        return {}
    rim = [edge for ring in whole for edge in _edges(ring.xy)]
    straight = shapely.simplify(
        shapely.line_merge(shapely.multilinestrings(line)), _STRAIGHTEN * width_m / 111_000
    )
    parted = _parted(ground, rim, shapely.get_parts(straight), pieces)
    return parted or _parted(ground, rim, shapely.linestrings(line), pieces) or {}


def _first_that_works(rings: Sequence[Ring], width_m: float) -> tuple[list[_Piece], list[_Edge]]:
    """The pieces and the line between their sides; both empty where no step works."""
    for step in _STEPS:
        try:
            pieces = list(_pieces_of(rings, step * width_m))
        except shapely.errors.GEOSException:
            # GEOS finds no triangle in some rings whose vertices lie almost on one line.
            continue
        line = _line_between(pieces)
        if line:
            return pieces, line
    return [], []


def _without_nobody(ring: Ring, open_to_nobody: bool) -> Ring:
    """The ring with every edge given to a side."""
    xy, side = ring.xy, ring.side
    held = np.flatnonzero(side != NOBODY)
    if len(held) == 0 or len(held) == len(side):
        return Ring(xy, side)
    xy, side = np.roll(xy, -held[0], axis=0), np.roll(side, -held[0])
    points, sides = [], []
    at = 0
    while at < len(side):
        run = at
        while run < len(side) and side[run] == NOBODY:
            run += 1
        if run == at:
            points.append(xy[at])
            sides.append(side[at])
            at += 1
            continue
        before, after = side[at - 1], side[run % len(side)]
        chain = np.concatenate([xy[at:run], xy[run % len(side)][None]])
        steps = np.hypot(*(chain[1:] - chain[:-1]).T)
        half, done = steps.sum() / 2, np.concatenate([[0.0], np.cumsum(steps)])
        if before != after and open_to_nobody:
            n = min(int(np.searchsorted(done, half, side="right")) - 1, len(steps) - 1)
            middle = chain[n] + (half - done[n]) / steps[n] * (chain[n + 1] - chain[n])
            chain = np.insert(chain, n + 1, middle, axis=0)
            turn = n + 1
        else:
            turn = int(np.argmin(np.abs(done - half)))
        for n in range(len(chain) - 1):
            points.append(chain[n])
            sides.append(before if n < turn else after)
        at = run
    return Ring(np.array(points), np.array(sides))


def _edges(xy: Floats) -> list[Any]:
    return list(shapely.linestrings(np.stack([xy, np.roll(xy, -1, axis=0)], axis=1)))


def _parted(
    ground: Any, rim: list[Any], line: Any, pieces: Sequence[_Piece]
) -> dict[int, list[Any]] | None:
    """The faces between rim and line by side; None when they do not make up the ground."""
    faces = shapely.get_parts(shapely.polygonize([*rim, *line]))
    faces = faces[shapely.intersects(ground, shapely.point_on_surface(faces))]
    total = float(shapely.area(faces).sum())
    _, cuts, dangles, _ = shapely.polygonize_full([*rim, *line])
    if not (shapely.is_empty(cuts) and shapely.is_empty(dangles)):
        return None
    if not math.isclose(total, float(ground.area), rel_tol=1e-6):
        return None
    sizes = [len(corners) for _, corners in pieces]
    rings = shapely.linearrings(
        np.concatenate([corners for _, corners in pieces]),
        indices=np.repeat(np.arange(len(pieces)), sizes),
    )
    tree = shapely.STRtree(shapely.polygons(rings))
    nearest = tree.nearest(shapely.point_on_surface(faces))
    parted: defaultdict[int, list[Any]] = defaultdict(list)
    for face, piece in zip(faces, nearest.tolist(), strict=True):
        parted[pieces[piece][0]].append(face)
    return dict(parted)


def _pieces_of(rings: Sequence[Ring], step_m: float) -> Iterator[_Piece]:
    """The triangles of the ground, cut where they join two sides: (side, corners in degrees)."""
    everything = np.concatenate([ring.xy for ring in rings])
    lon, lat = everything.mean(axis=0)
    scale = np.radians(_RADIUS_M) * np.array([math.cos(math.radians(lat)), 1.0])
    length_m = sum(float(np.hypot(*((_next(r.xy) - r.xy) * scale).T).sum()) for r in rings)
    step_m = max(step_m, length_m / _MOST_VERTICES, 1e-6)
    degrees: dict[_Point, _Point] = {}
    sides: defaultdict[_Point, set[int]] = defaultdict(set)
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
    triangles: Sequence[Sequence[_Point]],
    sides: Mapping[_Point, set[int]],
    degrees: Mapping[_Point, _Point],
    lines: Mapping[int, Any],
) -> dict[_Edge, _Point]:
    """Where each edge between two sides is as far from one as from the other."""
    joining: defaultdict[tuple[frozenset[int], frozenset[int]], set[_Edge]] = defaultdict(set)
    for corners in triangles:
        for n in range(3):
            one, other = sorted((corners[n], corners[(n + 1) % 3]))
            if not sides[one] & sides[other]:
                joining[frozenset(sides[one]), frozenset(sides[other])].add((one, other))
    found: dict[_Edge, _Point] = {}
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
    corners: list[_Point], sides: list[set[int]], middles: Mapping[_Edge, _Point]
) -> Iterator[_Piece]:
    """A triangle by sides; a corner where two sides meet is of both."""

    def middle(one: _Point, other: _Point) -> _Point:
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


def _line_between(pieces: Sequence[_Piece]) -> list[_Edge]:
    """The edges that pieces of two sides have in common."""
    found: defaultdict[_Edge, list[int]] = defaultdict(list)
    for side, corners in pieces:
        for begin, end in zip(corners, (*corners[1:], corners[0]), strict=True):
            found[min(begin, end), max(begin, end)].append(side)
    return [edge for edge, sides in found.items() if len(set(sides)) > 1]
