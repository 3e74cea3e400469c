"""Parts the ground of a fault by its midline: each side has what is nearer to it.

The ground is cut into triangles whose corners lie on its sides (constrained Delaunay, in a plane
that is true to scale there). Where a triangle joins two sides, the line runs through those points
of its edges that are as far from one as from the other. So the line meets the rim only in vertices
of the rim, and the parts have every vertex between them in common.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely

from gridsvc.spatial.repair.sides import NOBODY, Floats, Ring
from gridsvc.spatial.repair.triangles import Edge, Piece, line_between, pieces_of

__all__ = ["part_by_midline"]

# The line may be this part of the width off the true middle, to have fewer vertices.
_STRAIGHTEN = 0.02
# Steps between the vertices on the sides, in mean widths; the next where one finds no triangles.
_STEPS = (0.5, 0.2, 0.8, 1.7, 4.0, 20.0)


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


def _first_that_works(rings: Sequence[Ring], width_m: float) -> tuple[list[Piece], list[Edge]]:
    """The pieces and the line between their sides; both empty where no step works."""
    for step in _STEPS:
        try:
            pieces = list(pieces_of(rings, step * width_m))
        except shapely.errors.GEOSException:
            # GEOS finds no triangle in some rings whose vertices lie almost on one line.
            continue
        line = line_between(pieces)
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
    ground: Any, rim: list[Any], line: Any, pieces: Sequence[Piece]
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
