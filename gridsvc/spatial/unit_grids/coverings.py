"""Faces that cover a plane without gap: their edges, what lies on lines, and joining them."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Objects = NDArray[np.object_]

# Vertices are told apart to the millimetre.
PER_METRE = 1000


def coverage_edges(faces: Objects) -> tuple[Floats, Ints, Ints, Ints, Ints]:
    """Vertices and edges of a coverage: start, end, the face left of it and right (-1: none)."""
    rings, face_of = shapely.get_rings(shapely.orient_polygons(faces), return_index=True)
    xy, ring_of = shapely.get_coordinates(rings, return_index=True)
    key = np.rint(xy * PER_METRE).astype(np.int64)
    key -= key.min(axis=0)
    code = key[:, 0] * (int(key[:, 1].max()) + 1) + key[:, 1]
    _, first, vertex = np.unique(code, return_index=True, return_inverse=True)
    here = ring_of[1:] == ring_of[:-1]
    start, end = vertex[:-1][here], vertex[1:][here]
    face = face_of[ring_of[:-1][here]]
    kept = start != end
    start, end, face = start[kept], end[kept], face[kept]
    low, high = np.minimum(start, end), np.maximum(start, end)
    order = np.lexsort((start != low, high, low))
    start, end, face = start[order], end[order], face[order]
    low, high = low[order], high[order]
    new = np.append(True, (low[1:] != low[:-1]) | (high[1:] != high[:-1]))
    heads = np.flatnonzero(new)
    size = np.diff(np.append(heads, len(start)))
    other = np.where(size > 1, face[np.minimum(heads + 1, len(face) - 1)], -1)
    return xy[first], start[heads], end[heads], face[heads], other


def lie_on(points: Objects, lines: Objects) -> NDArray[np.bool_]:
    """Tell which points lie on some line, to 2 cm: bool, one for each point."""
    on = np.zeros(len(points), dtype=bool)
    if len(lines):
        xy, of = shapely.get_coordinates(lines, return_index=True)
        same = of[1:] == of[:-1]
        segments = shapely.linestrings(np.stack([xy[:-1][same], xy[1:][same]], axis=1))
        on[shapely.STRtree(segments).query(points, predicate="dwithin", distance=0.02)[0]] = True
    return on


def union_find(count: int, a: Ints, b: Ints) -> Ints:
    """Number the groups (0 to k - 1, by their least member) into which pairs join ``count``."""
    joined = coo_array((np.ones(len(a), dtype=bool), (a, b)), shape=(count, count))
    return np.asarray(connected_components(joined, directed=False)[1], dtype=np.int64)


def join_narrow(
    faces: Objects,
    piece: Ints,
    left: Ints,
    right: Ints,
    worth: Floats,
    length: Floats,
    least_m2: float,
    least_width_m: float,
) -> Ints:
    """Give pieces that are too small or too narrow to the neighbour they border on most.

    ``piece``: of each face; ``worth``: what a metre of each edge counts. One round: call it again
    until nothing changes.
    """
    count = int(piece.max()) + 1
    a, b = piece[left], np.where(right >= 0, piece[right], -1)
    inner, within = (b >= 0) & (a != b), (b >= 0) & (a == b)
    own = np.bincount(piece, weights=shapely.area(faces))
    around = np.bincount(piece, weights=shapely.length(faces))
    around -= 2 * np.bincount(a[within], weights=length[within], minlength=count)
    small = (own < least_m2) | (2 * own < least_width_m * around)
    if not inner.any() or not small.any():
        return piece
    weight = length[inner] * worth[inner]
    pair = np.concatenate([a[inner] * count + b[inner], b[inner] * count + a[inner]])
    code, which = np.unique(pair, return_inverse=True)
    total = np.bincount(which, weights=np.concatenate([weight, weight]))
    order = np.lexsort((code, -total, code // count))
    best = order[np.append(True, np.diff(code[order] // count) > 0)]
    who, to = code[best] // count, code[best] % count
    return union_find(count, who[small[who]], to[small[who]])[piece]
