"""Cut a simple polygon into cells of equal area, one chord after another.

A polygon of n cells is cut into parts of n1 and n - n1 cells by the best chord (``chords``), and
so on. Vertices are numbered and every edge knows its *root*, the border edge, slit or chord that
it is a piece of. A vertex made on a root is recorded with its position there, so that the cells
on the other side can be given the same vertex afterwards.

Compiled by numba, without the GIL; the same input gives the same bits.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gridsvc.spatial.chords import (
    COST,
    ENTERS,
    LEAVES,
    OFF,
    PX,
    PY,
    QX,
    QY,
    RIGHT,
    search,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# A chord's end that falls nearer than this to a vertex, in metres, takes the vertex: it costs at
# most half a percent of a cell's area and keeps the map free of edges that nobody can see.
SNAP_M = 1.0


class Cut(NamedTuple):
    """What :func:`cut_into_cells` gives: vertices, roots and the rings of the cells.

    ``x``, ``y`` (float64, metres): all vertices, the given ones first. ``vertex_root`` and
    ``vertex_at``: the root on which a new vertex lies (-1 for the given ones) and its position
    there, 0 to 1 from ``root_from`` to ``root_to``. Ring k is
    ``ring_vertex[ring_start[k]:ring_start[k + 1]]``, counter-clockwise and not closed;
    ``ring_root`` is the root of the edge that begins at each of its vertices.
    """

    x: Floats
    y: Floats
    vertex_root: Ints
    vertex_at: Floats
    root_from: Ints
    root_to: Ints
    ring_start: Ints
    ring_vertex: Ints
    ring_root: Ints


@njit(cache=True, nogil=True)
def chord_crosses(x: Floats, y: Floats, ring: Ints, p: int, q: int, i: int, j: int) -> bool:
    """Tell whether the chord p-q, from edge i to edge j, meets an edge that it does not end on."""
    size = ring.size
    for k in range(size):
        a, b = ring[k], ring[k + 1 if k + 1 < size else 0]
        if k in (i, j) or a in (p, q) or b in (p, q):
            continue
        d1 = (x[q] - x[p]) * (y[a] - y[p]) - (y[q] - y[p]) * (x[a] - x[p])
        d2 = (x[q] - x[p]) * (y[b] - y[p]) - (y[q] - y[p]) * (x[b] - x[p])
        d3 = (x[b] - x[a]) * (y[p] - y[a]) - (y[b] - y[a]) * (x[p] - x[a])
        d4 = (x[b] - x[a]) * (y[q] - y[a]) - (y[b] - y[a]) * (x[q] - x[a])
        if d1 * d2 <= 0.0 and d3 * d4 <= 0.0:
            return True
    return False


@njit(cache=True, nogil=True)
def area_of(x: Floats, y: Floats, ring: Ints) -> float:
    """Give the area of a ring, in m²."""
    total = 0.0
    for k in range(ring.size):
        a, b = ring[k - 1], ring[k]
        total += x[a] * y[b] - x[b] * y[a]
    return 0.5 * total


@njit(cache=True, nogil=True)
def ring_part(
    ring: Ints, roots: Ints, i: int, j: int, p: int, q: int, chord: int
) -> tuple[Ints, Ints]:
    """Give the ring p, vertices i + 1 to j, q, where p or q may be one of these vertices."""
    size = ring.size
    inner = (j - i) % size
    vertices = np.empty(inner + 2, np.int64)
    edges = np.empty(inner + 2, np.int64)
    count = 0
    if inner == 0 or ring[(i + 1) % size] != p:
        vertices[count], edges[count] = p, roots[i]
        count += 1
    for k in range(inner):
        at = (i + 1 + k) % size
        vertices[count], edges[count] = ring[at], roots[at]
        count += 1
    if vertices[count - 1] != q:
        vertices[count] = q
        count += 1
    edges[count - 1] = chord
    return vertices[:count].copy(), edges[:count].copy()


@njit(cache=True, nogil=True)
def cut_into_cells(
    x: Floats, y: Floats, ring: Ints, roots: Ints, root_from: Ints, root_to: Ints, n: int
) -> Cut:
    """Cut the ring, counter-clockwise, into n cells of equal area.

    ``x``, ``y``: float64 (m,), metres in a plane. ``ring``: int64 (k,), vertices in order, where
    a vertex may come twice (slits to holes). ``roots``: int64 (k,), the root of the edge that
    begins there. ``root_from``, ``root_to``: int64, the ends of the roots.
    """
    given = x.size
    given_roots = root_from.size
    vx = np.empty(given + 2 * n)
    vy = np.empty(given + 2 * n)
    vx[:given] = x
    vy[:given] = y
    vertex_root = np.full(given + 2 * n, -1, np.int64)
    vertex_at = np.zeros(given + 2 * n)
    from_vertex = np.empty(given_roots + n, np.int64)
    to_vertex = np.empty(given_roots + n, np.int64)
    from_vertex[:given_roots] = root_from
    to_vertex[:given_roots] = root_to
    vertices = given
    chords = given_roots
    unit = area_of(x, y, ring) / n

    waiting_rings = [ring]
    waiting_roots = [roots]
    waiting_cells = [n]
    done_rings = [ring[:0]]
    done_roots = [ring[:0]]
    row = np.empty(12)
    ends = np.empty(2, np.int64)
    while len(waiting_rings) > 0:
        ring = waiting_rings.pop()
        roots = waiting_roots.pop()
        cells = waiting_cells.pop()
        if cells > 1:
            search(vx[ring], vy[ring], cells, unit, row)
        if cells == 1 or row[COST] < 0.0:
            done_rings.append(ring)
            done_roots.append(roots)
            continue
        i, j, right = int(row[ENTERS]), int(row[LEAVES]), int(row[RIGHT])
        made = vertices
        for snap in (SNAP_M, 0.0):
            vertices = made
            for end in range(2):
                k = i if end == 0 else j
                ex = row[PX] if end == 0 else row[QX]
                ey = row[PY] if end == 0 else row[QY]
                a, b = ring[k], ring[(k + 1) % ring.size]
                root = roots[k]
                chosen = -1
                nearest = snap
                for other in (a, b):
                    d = np.hypot(vx[other] - ex, vy[other] - ey)
                    if d < nearest:
                        nearest, chosen = d, other
                if chosen < 0:
                    ux, uy = vx[b] - vx[a], vy[b] - vy[a]
                    for other in range(given, made):
                        if vertex_root[other] != root:
                            continue
                        along = (vx[other] - vx[a]) * ux + (vy[other] - vy[a]) * uy
                        d = np.hypot(vx[other] - ex, vy[other] - ey)
                        if d < nearest and 0.0 < along < ux * ux + uy * uy:
                            nearest, chosen = d, other
                if chosen < 0:
                    chosen = vertices
                    vx[chosen], vy[chosen] = ex, ey
                    f, t = from_vertex[root], to_vertex[root]
                    ux, uy = vx[t] - vx[f], vy[t] - vy[f]
                    vertex_root[chosen] = root
                    vertex_at[chosen] = ((ex - vx[f]) * ux + (ey - vy[f]) * uy) / (
                        ux * ux + uy * uy
                    )
                    vertices += 1
                ends[end] = chosen
            p, q = ends[0], ends[1]
            right_ring, right_roots = ring_part(ring, roots, i, j, p, q, chords)
            left_ring, left_roots = ring_part(ring, roots, j, i, q, p, chords)
            if snap == 0.0:
                break
            whole = area_of(vx, vy, ring)
            share = whole * right / cells
            slack = 0.02 * whole / cells + row[OFF] * whole
            off = abs(area_of(vx, vy, right_ring) - share)
            if p != q and off <= slack and not chord_crosses(vx, vy, ring, p, q, i, j):
                break
        from_vertex[chords], to_vertex[chords] = p, q
        chords += 1
        waiting_rings.append(right_ring)
        waiting_roots.append(right_roots)
        waiting_cells.append(right)
        waiting_rings.append(left_ring)
        waiting_roots.append(left_roots)
        waiting_cells.append(cells - right)

    start = np.zeros(len(done_rings), np.int64)
    for k in range(1, len(done_rings)):
        start[k] = start[k - 1] + done_rings[k].size
    all_vertices = np.empty(start[-1], np.int64)
    all_roots = np.empty(start[-1], np.int64)
    for k in range(1, len(done_rings)):
        all_vertices[start[k - 1] : start[k]] = done_rings[k]
        all_roots[start[k - 1] : start[k]] = done_roots[k]
    return Cut(
        vx[:vertices].copy(),
        vy[:vertices].copy(),
        vertex_root[:vertices].copy(),
        vertex_at[:vertices].copy(),
        from_vertex[:chords].copy(),
        to_vertex[:chords].copy(),
        start,
        all_vertices,
        all_roots,
    )
