"""Parts the ground of a fault by its midline: each side has what is nearer to it.

The ground is cut into triangles whose corners lie on its sides (constrained Delaunay, in a plane
that is true to scale there). Where a triangle joins two sides, the line runs through the middle of
its edges from one to the other. So the line meets the rim only in vertices of the rim, and the
parts have every vertex between them in common.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import shapely

from gridsvc.spatial.repair.sides import NOBODY, Floats, Ring

__all__ = ["part_by_midline"]

_RADIUS_M = 6_371_000.0
# Vertices that are put on the sides for the triangles alone; so many at most.
_MOST_VERTICES = 1_000
# The line may be this part of the width off the true middle, to have fewer vertices.
_STRAIGHTEN = 0.02

# Steps between them, in widths: one after the other until the triangles are good.
_STEPS = (0.5, 0.2, 0.8, 1.7, 4.0, 20.0)

_Point = tuple[float, float]
_Edge = tuple[_Point, _Point]
_Piece = tuple[int, tuple[_Point, ...]]


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
            pieces = list(_pieces(rings, step * width_m))
        except shapely.errors.GEOSException:
            # GEOS finds no triangle in some rings whose vertices lie almost on one line.
            continue
        line = _between(pieces)
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


def _pieces(rings: Sequence[Ring], step_m: float) -> Iterator[_Piece]:
    """The triangles of the ground, cut where they join two sides: (side, corners in degrees)."""
    everything = np.concatenate([ring.xy for ring in rings])
    lon, lat = everything.mean(axis=0)
    scale = np.radians(_RADIUS_M) * np.array([math.cos(math.radians(lat)), 1.0])
    length_m = sum(float(np.hypot(*((_next(r.xy) - r.xy) * scale).T).sum()) for r in rings)
    step_m = max(step_m, length_m / _MOST_VERTICES, 1e-6)
    degrees: dict[_Point, _Point] = {}
    sides: defaultdict[_Point, set[int]] = defaultdict(set)
    flat = []
    for ring in rings:
        xy, side = _densified(ring, scale, step_m)
        plane = (xy - (lon, lat)) * scale
        flat.append(plane)
        for n, (key, point) in enumerate(zip(plane.tolist(), xy.tolist(), strict=True)):
            degrees[tuple(key)] = tuple(point)
            sides[tuple(key)] |= {int(side[n]), int(side[n - 1])}
    polygon = shapely.Polygon(flat[0], flat[1:])
    for triangle in shapely.get_parts(shapely.constrained_delaunay_triangles(polygon)):
        corners = [tuple(it) for it in shapely.get_coordinates(triangle)[:3].tolist()]
        yield from _cut([degrees[c] for c in corners], [sides[c] for c in corners])


def _next(xy: Floats) -> Floats:
    return np.roll(xy, -1, axis=0)


def _densified(ring: Ring, scale: Floats, step_m: float) -> tuple[Floats, Any]:
    points, sides = [], []
    for begin, end, side in zip(ring.xy, _next(ring.xy), ring.side, strict=True):
        count = max(1, math.ceil(float(np.hypot(*((end - begin) * scale))) / step_m))
        points.append(begin + (np.arange(count) / count)[:, None] * (end - begin))
        sides.append(np.full(count, side))
    return np.concatenate(points), np.concatenate(sides)


def _cut(corners: list[_Point], sides: list[set[int]]) -> Iterator[_Piece]:
    """A triangle by sides; a corner where two sides meet is of both."""
    everywhere = set.intersection(*sides)
    if everywhere:
        yield min(everywhere), tuple(corners)
        return
    apart = [n for n in range(3) if not sides[n] & sides[(n + 1) % 3]]
    if len(apart) == 1:
        i = apart[0]
        j, k = (i + 1) % 3, (i + 2) % 3
        middle = _middle(corners[i], corners[j])
        yield min(sides[i] & sides[k]), (corners[i], middle, corners[k])
        yield min(sides[j] & sides[k]), (middle, corners[j], corners[k])
    elif len(apart) == 2:
        i = next(n for n in range(3) if n in apart and (n - 1) % 3 in apart)
        j, k = (i + 1) % 3, (i + 2) % 3
        one, other = _middle(corners[i], corners[j]), _middle(corners[i], corners[k])
        yield min(sides[i]), (corners[i], one, other)
        yield min(sides[j] & sides[k]), (one, corners[j], corners[k], other)
    else:
        centre = (sum(c[0] for c in corners) / 3, sum(c[1] for c in corners) / 3)
        for i in range(3):
            j, k = (i + 1) % 3, (i + 2) % 3
            if apart:
                one, other = _middle(corners[i], corners[j]), _middle(corners[i], corners[k])
                yield min(sides[i]), (corners[i], one, centre, other)
            else:
                yield min(sides[i] & sides[j]), (corners[i], corners[j], centre)


def _middle(one: _Point, other: _Point) -> _Point:
    return (one[0] + other[0]) / 2, (one[1] + other[1]) / 2


def _between(pieces: Sequence[_Piece]) -> list[_Edge]:
    """The edges that pieces of two sides have in common."""
    found: defaultdict[_Edge, list[int]] = defaultdict(list)
    for side, corners in pieces:
        for begin, end in zip(corners, (*corners[1:], corners[0]), strict=True):
            found[min(begin, end), max(begin, end)].append(side)
    return [edge for edge, sides in found.items() if len(set(sides)) > 1]


def _edges(xy: Floats) -> list[Any]:
    return list(shapely.linestrings(np.stack([xy, _next(xy)], axis=1)))


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
    tree = shapely.STRtree([shapely.Polygon(corners) for _, corners in pieces])
    nearest = tree.nearest(shapely.point_on_surface(faces))
    parted: defaultdict[int, list[Any]] = defaultdict(list)
    for face, piece in zip(faces, nearest.tolist(), strict=True):
        parted[pieces[piece][0]].append(face)
    return dict(parted)
