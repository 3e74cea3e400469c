"""Make the cells of one cut rounder: merge two neighbours, cut them again in the best way.

Repeated bisection leaves some long cells where two strips meet. Each pair of neighbours is
therefore joined and cut again into two equal halves, and the new cut is kept when both together
become more compact. Areas stay equal, every cell stays one simple polygon, and the outline is not
touched. The order of the pairs is fixed, so the same input gives the same bits.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numba.typed import Dict
from numpy.typing import NDArray

from gridsvc.spatial.bisection import SNAP_M, Cut, area_of, chord_crosses, ring_part
from gridsvc.spatial.chords import COST, ENTERS, LEAVES, PX, PY, QX, QY, estimate, search

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Sweeps over all pairs; later ones look only at pairs that changed, so eight cost as much as two.
_SWEEPS = 8
# A new cut must be better than this, where a square cell costs 1: no swapping without a gain.
_LEAST_GAIN = 0.005
# A vertex of two cells only is dropped when it lies this near to a straight line, in metres.
_STRAIGHT_M = 0.01


@njit(cache=True, nogil=True)
def _pack(
    x: Floats,
    y: Floats,
    vertex_root: Ints,
    vertex_at: Floats,
    cut: Cut,
    rings: list[Ints],
    labels: list[Ints],
) -> Cut:
    start = np.zeros(len(rings) + 1, np.int64)
    for k in range(len(rings)):
        start[k + 1] = start[k] + rings[k].size
    vertices = np.empty(start[-1], np.int64)
    roots = np.empty(start[-1], np.int64)
    for k in range(len(rings)):
        vertices[start[k] : start[k + 1]] = rings[k]
        roots[start[k] : start[k + 1]] = labels[k]
    return Cut(x, y, vertex_root, vertex_at, cut.root_from, cut.root_to, start, vertices, roots)


@njit(cache=True, nogil=True)
def node_cells(cut: Cut, borders: int) -> Cut:
    """Give every cell the vertices that cuts on the other side made on its edges.

    Roots below ``borders`` are the outline, whose other side is not known here; they keep their
    number in ``ring_root`` and all other edges get -1.
    """
    by_place = np.argsort(cut.vertex_at, kind="mergesort")
    order = by_place[np.argsort(cut.vertex_root[by_place], kind="mergesort")]
    sorted_roots = cut.vertex_root[order]
    rings = [cut.ring_vertex[:0] for _ in range(0)]
    labels = [cut.ring_vertex[:0] for _ in range(0)]
    for cell in range(cut.ring_start.size - 1):
        begin, end = cut.ring_start[cell], cut.ring_start[cell + 1]
        ring = [cut.ring_vertex[0] for _ in range(0)]
        label = [cut.ring_vertex[0] for _ in range(0)]
        for k in range(begin, end):
            u = cut.ring_vertex[k]
            v = cut.ring_vertex[k + 1 if k + 1 < end else begin]
            root = cut.ring_root[k]
            ring.append(u)
            if root < borders:
                label.append(root)
                continue
            label.append(-1)
            a = (
                cut.vertex_at[u]
                if cut.vertex_root[u] == root
                else (0.0 if cut.root_from[root] == u else 1.0)
            )
            b = (
                cut.vertex_at[v]
                if cut.vertex_root[v] == root
                else (0.0 if cut.root_from[root] == v else 1.0)
            )
            first = np.searchsorted(sorted_roots, root)
            last = np.searchsorted(sorted_roots, root + 1)
            for step in range(last - first):
                w = order[first + step] if a < b else order[last - 1 - step]
                if min(a, b) < cut.vertex_at[w] < max(a, b):
                    ring.append(w)
                    label.append(-1)
        rings.append(np.array(ring))
        labels.append(np.array(label))
    return _pack(cut.x, cut.y, cut.vertex_root, cut.vertex_at, cut, rings, labels)


@njit(cache=True, nogil=True)
def _cell_at(owner: dict[int, int], edge: int) -> int:
    """Give the cell to the left of an edge, -1 if there is none."""
    if edge in owner:
        return owner[edge]
    return -1


@njit(cache=True, nogil=True)
def _own_chain(ring: Ints, other: int, owner: dict[int, int], size: int) -> tuple[int, int]:
    """Find the edges of a ring that border on anything but one other cell: first edge, count.

    The count is 0 when they are not one chain.
    """
    first = -1
    count = 0
    chains = 0
    before = _cell_at(owner, ring[0] * size + ring[-1]) == other
    for k in range(ring.size):
        shared = _cell_at(owner, ring[k + 1 if k + 1 < ring.size else 0] * size + ring[k]) == other
        if not shared:
            count += 1
            if before:
                first = k
                chains += 1
        before = shared
    return (first, count) if chains == 1 else (0, 0)


@njit(cache=True, nogil=True)
def _leaf_cost(x: Floats, y: Floats, ring: Ints, unit: float) -> float:
    perimeter = 0.0
    for k in range(ring.size):
        perimeter += np.hypot(x[ring[k]] - x[ring[k - 1]], y[ring[k]] - y[ring[k - 1]])
    return float(estimate(perimeter, 1, unit))


@njit(cache=True, nogil=True)
def relax_cells(cut: Cut, given: int, borders: int) -> Cut:
    """Merge and cut again all pairs of neighbours of a noded cut without slits.

    ``given``: the number of the outline's own vertices; ``borders``: the number of its edges.
    The answer is noded; a vertex that no cell needs any longer has the root -2.
    """
    cells = cut.ring_start.size - 1
    vertices = cut.x.size
    size = vertices + 24 * cells
    x = np.empty(size)
    y = np.empty(size)
    vertex_root = np.full(size, -1, np.int64)
    vertex_at = np.zeros(size)
    x[:vertices] = cut.x
    y[:vertices] = cut.y
    vertex_root[:vertices] = cut.vertex_root
    vertex_at[:vertices] = cut.vertex_at
    rings = [
        cut.ring_vertex[cut.ring_start[k] : cut.ring_start[k + 1]].copy() for k in range(cells)
    ]
    labels = [cut.ring_root[cut.ring_start[k] : cut.ring_start[k + 1]].copy() for k in range(cells)]
    owner = Dict.empty(types.int64, types.int64)
    unit = 0.0
    for cell in range(cells):
        ring = rings[cell]
        unit += area_of(x, y, ring) / cells
        for k in range(ring.size):
            owner[ring[k] * size + ring[(k + 1) % ring.size]] = cell

    changed = np.ones(cells, np.bool_)
    row = np.empty(12)
    ends = np.empty(2, np.int64)
    for _ in range(_SWEEPS):
        recent = changed.copy()
        changed[:] = False
        for cell in range(cells):
            around = rings[cell].copy()
            for k in range(around.size):
                other = _cell_at(owner, around[(k + 1) % around.size] * size + around[k])
                if other <= cell or vertices + 2 > size:
                    continue
                if _cell_at(owner, around[k] * size + around[(k + 1) % around.size]) != cell:
                    continue
                if not (recent[cell] or recent[other] or changed[cell] or changed[other]):
                    continue
                if k > 0 and _cell_at(owner, around[k] * size + around[k - 1]) == other:
                    continue
                ra, rb = rings[cell], rings[other]
                la, lb = labels[cell], labels[other]
                at_a, count_a = _own_chain(ra, other, owner, size)
                at_b, count_b = _own_chain(rb, cell, owner, size)
                if count_a == 0 or count_b == 0:
                    continue
                merged = np.empty(count_a + count_b, np.int64)
                label = np.empty(count_a + count_b, np.int64)
                for n in range(count_a):
                    merged[n] = ra[(at_a + n) % ra.size]
                    label[n] = la[(at_a + n) % ra.size]
                for n in range(count_b):
                    merged[count_a + n] = rb[(at_b + n) % rb.size]
                    label[count_a + n] = lb[(at_b + n) % rb.size]
                before = _leaf_cost(x, y, ra, unit) + _leaf_cost(x, y, rb, unit)
                after = search(x[merged], y[merged], 2, unit, row)
                if row[COST] < 0.0 or after > before - _LEAST_GAIN:
                    continue
                made = vertices
                fits = False
                for snap in (SNAP_M, 0.0):
                    vertices = made
                    for end in range(2):
                        e = int(row[ENTERS]) if end == 0 else int(row[LEAVES])
                        ex = row[PX] if end == 0 else row[QX]
                        ey = row[PY] if end == 0 else row[QY]
                        a, b = merged[e], merged[(e + 1) % merged.size]
                        da = np.hypot(x[a] - ex, y[a] - ey)
                        db = np.hypot(x[b] - ex, y[b] - ey)
                        if min(da, db) < snap:
                            ends[end] = a if da <= db else b
                            continue
                        x[vertices], y[vertices] = ex, ey
                        ends[end] = vertices
                        vertices += 1
                    p, q = ends[0], ends[1]
                    i, j = int(row[ENTERS]), int(row[LEAVES])
                    right, right_label = ring_part(merged, label, i, j, p, q, -1)
                    left, left_label = ring_part(merged, label, j, i, q, p, -1)
                    whole = area_of(x, y, merged)
                    off = abs(area_of(x, y, right) - 0.5 * whole)
                    if (
                        p != q
                        and off < 0.005 * unit
                        and not chord_crosses(x, y, merged, p, q, i, j)
                    ):
                        fits = True
                        break
                if not fits:
                    vertices = made
                    continue
                for ring in (ra, rb):
                    for n in range(ring.size):
                        del owner[ring[n] * size + ring[(n + 1) % ring.size]]
                for end in range(2):
                    w = ends[end]
                    if w < made:
                        continue
                    e = i if end == 0 else j
                    a, b = merged[e], merged[(e + 1) % merged.size]
                    root = label[e]
                    vertex_root[w] = root
                    vertex_at[w] = 0.0
                    if root >= 0:
                        f, t = cut.root_from[root], cut.root_to[root]
                        ux, uy = x[t] - x[f], y[t] - y[f]
                        vertex_at[w] = ((x[w] - x[f]) * ux + (y[w] - y[f]) * uy) / (
                            ux * ux + uy * uy
                        )
                    third = _cell_at(owner, b * size + a)
                    if third >= 0:
                        ring = rings[third]
                        n = 0
                        while ring[n] != b:
                            n += 1
                        rings[third] = np.concatenate(
                            (ring[: n + 1], ends[end : end + 1], ring[n + 1 :])
                        )
                        labels[third] = np.concatenate((labels[third][: n + 1], labels[third][n:]))
                        del owner[b * size + a]
                        owner[b * size + w] = third
                        owner[w * size + a] = third
                rings[cell], labels[cell] = right, right_label
                rings[other], labels[other] = left, left_label
                for n in range(right.size):
                    owner[right[n] * size + right[(n + 1) % right.size]] = cell
                for n in range(left.size):
                    owner[left[n] * size + left[(n + 1) % left.size]] = other
                changed[cell] = True
                changed[other] = True

    # A vertex that only passes straight through the edges of its cells is dropped from them.
    uses = np.zeros(vertices, np.int64)
    bent = np.zeros(vertices, np.bool_)
    for ring in rings:
        for k in range(ring.size):
            a, w, b = ring[k - 1], ring[k], ring[(k + 1) % ring.size]
            uses[w] += 1
            ux, uy = x[b] - x[a], y[b] - y[a]
            away = abs(ux * (y[w] - y[a]) - uy * (x[w] - x[a])) / max(np.hypot(ux, uy), 1e-9)
            bent[w] |= away > _STRAIGHT_M
    for w in range(given, vertices):
        on_outline = 0 <= vertex_root[w] < borders
        if uses[w] == 0 or (uses[w] == 1 if on_outline else uses[w] == 2 and not bent[w]):
            vertex_root[w] = -2
    for cell in range(cells):
        ring = rings[cell]
        keep = np.ones(ring.size, np.bool_)
        for k in range(ring.size):
            keep[k] = vertex_root[ring[k]] != -2
        rings[cell] = ring[keep]
        labels[cell] = labels[cell][keep]
    return _pack(
        x[:vertices].copy(),
        y[:vertices].copy(),
        vertex_root[:vertices].copy(),
        vertex_at[:vertices].copy(),
        cut,
        rings,
        labels,
    )
