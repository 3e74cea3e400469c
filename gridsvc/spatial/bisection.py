"""Cut a simple polygon into cells of equal area by short straight chords, compiled by numba.

A chord is one maximal piece of a straight line inside the polygon. It always leaves two
connected parts, however concave the polygon is, so no cell ever falls apart. The cuts are made
one after another: a polygon of n cells is cut into parts of n1 and n - n1 cells, where the
position of the line solves the area function exactly. Of many directions and shares the cut is
taken whose parts promise the shortest borders; near the end of the recursion the promise is
checked by making the next cuts too (a beam search).

Vertices are numbered and every edge knows its *root*, the border edge, slit or chord that it is
a piece of. A vertex made on a root is recorded with its position there, so that the cells on the
other side can be given the same vertex afterwards.

Everything here is plain arithmetic in a fixed order: the same input gives the same bits. All
functions release the GIL.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = [
    "COST",
    "ENTERS",
    "LEAVES",
    "PX",
    "PY",
    "QX",
    "QY",
    "SNAP_M",
    "Cut",
    "area_of",
    "chord_crosses",
    "cut_into_cells",
    "estimate",
    "ring_part",
    "search",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Directions of the lines' normals that are always tried: every 15 degrees of a half turn.
_ANGLES = np.arange(12) * (np.pi / 12)
_NORMALS = np.ascontiguousarray(np.column_stack([np.cos(_ANGLES), np.sin(_ANGLES)]))

# A chord's end that falls nearer than this to a vertex, in metres, takes the vertex: it costs at
# most half a percent of a cell's area and keeps the map free of edges that nobody can see.
SNAP_M = 1.0

# Columns of a candidate cut.
COST, NX, NY, S, ENTERS, LEAVES, PX, PY, QX, QY, RIGHT, OFF = range(12)


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
def _side(u: Floats, v: Floats, s: float) -> tuple[float, float]:
    """Give the area where u < s and the length of the line u = s inside the polygon."""
    area = 0.0
    width = 0.0
    size = u.size
    for i in range(size):
        j = i + 1 if i + 1 < size else 0
        if u[i] < s:
            if u[j] < s:
                area -= 0.5 * (v[i] + v[j]) * (u[j] - u[i])
            else:
                at = v[i] + (s - u[i]) / (u[j] - u[i]) * (v[j] - v[i])
                area -= 0.5 * (v[i] + at) * (s - u[i])
                width -= at
        elif u[j] < s:
            at = v[j] + (s - u[j]) / (u[i] - u[j]) * (v[i] - v[j])
            area -= 0.5 * (at + v[j]) * (u[j] - s)
            width += at
    return area, width


@njit(cache=True, nogil=True)
def _line_for(u: Floats, v: Floats, low: float, high: float, share: float, total: float) -> float:
    """Find s so that the area where u < s is share * total, by Newton's method in a bracket."""
    s = low + (high - low) * share
    for _ in range(60):
        area, width = _side(u, v, s)
        off = area - share * total
        if abs(off) < 1e-10 * total:
            break
        if off > 0:
            high = s
        else:
            low = s
        following = s - off / width if width > 0 else low
        s = following if low < following < high else 0.5 * (low + high)
    return s


@njit(cache=True, nogil=True)
def _crossings(u: Floats, v: Floats, s: float, at: Floats, edge: Ints) -> int:
    """Fill in where edges cross the line u = s, along the line; edges that leave end a chord.

    An edge that goes up in u enters the polygon (interior to its left). Where a slit is crossed
    both its sides lie at one place: the one that leaves comes first.
    """
    count = 0
    size = u.size
    for i in range(size):
        j = i + 1 if i + 1 < size else 0
        if (u[i] < s) == (u[j] < s):
            continue
        enters = u[i] < s
        a, b = (i, j) if enters else (j, i)
        place = v[a] + (s - u[a]) / (u[b] - u[a]) * (v[b] - v[a])
        k = count
        while k > 0 and (
            at[k - 1] > place or (at[k - 1] == place and not enters and u[edge[k - 1]] < s)
        ):
            at[k] = at[k - 1]
            edge[k] = edge[k - 1]
            k -= 1
        at[k] = place
        edge[k] = i
        count += 1
    return count


@njit(cache=True, nogil=True)
def estimate(perimeter: float, n: int, unit: float) -> float:
    """Estimate the cost of n cells of area ``unit`` made from a part with this perimeter.

    A cell costs the cube of its squared perimeter against a square's, so that one sliver weighs
    more than many plain cells. A part of several cells is taken for a strip of the same
    perimeter: narrower than a cell, its cells will be long.
    """
    p = perimeter / np.sqrt(unit)
    if n == 1:
        return float((p * p / 16.0) ** 3)
    half = p / 4.0
    root = half * half - n
    width = half - np.sqrt(root) if root > 0 else np.sqrt(float(n))
    q = 0.5 * (width + 1.0 / width) if width < 1.0 else 1.0
    return float(n * (q * q) ** 3 + 0.15 * p)


@njit(cache=True, nogil=True)
def _candidates(px: Floats, py: Floats, n: int, unit: float, out: Floats) -> int:
    """List the cuts of a polygon into n1 and n - n1 cells; give how many there are.

    ``out`` has one row for each cut. Slightly unequal shares are taken where a concave polygon
    has no exact one in that direction, at a price.
    """
    size = px.size
    cross = np.zeros(size + 1)
    length = np.zeros(size + 1)
    longest = np.zeros(2)
    turn = np.zeros(2)
    for i in range(size):
        j = i + 1 if i + 1 < size else 0
        cross[i + 1] = cross[i] + px[i] * py[j] - px[j] * py[i]
        d = np.hypot(px[j] - px[i], py[j] - py[i])
        length[i + 1] = length[i] + d
        if d > longest[0]:
            longest[1], turn[1] = longest[0], turn[0]
            longest[0], turn[0] = d, float(i)
        elif d > longest[1]:
            longest[1], turn[1] = d, float(i)
    total = 0.5 * cross[size]
    cell = total / n

    u = np.empty(size)
    v = np.empty(size)
    at = np.empty(size)
    edge = np.empty(size, np.int64)
    count = 0
    for direction in range(_NORMALS.shape[0] + 4):
        if direction < _NORMALS.shape[0]:
            nx, ny = _NORMALS[direction, 0], _NORMALS[direction, 1]
        else:
            which = (direction - _NORMALS.shape[0]) // 2
            if longest[which] == 0.0:
                continue
            i = int(turn[which])
            j = i + 1 if i + 1 < size else 0
            nx, ny = (px[j] - px[i]) / longest[which], (py[j] - py[i]) / longest[which]
            if direction % 2 == 1:
                nx, ny = -ny, nx
        low = np.inf
        high = -np.inf
        for i in range(size):
            u[i] = px[i] * nx + py[i] * ny
            v[i] = py[i] * nx - px[i] * ny
            low = min(low, u[i])
            high = max(high, u[i])
        for option in range(1, n) if n <= 6 else range(6):
            if n <= 6:
                left = option
            elif option < 4:
                left = n // 2 - 1 + option
            else:
                left = n // 3 if option == 4 else n - n // 3
            s = _line_for(u, v, low, high, left / n, total)
            crossed = _crossings(u, v, s, at, edge)
            for chord in range(crossed // 2):
                if count == out.shape[0]:
                    return count
                line = s
                place = chord
                here = crossed
                right = n - left
                area = 0.0
                # In a concave polygon one chord of the line is one cut; the line moves until its
                # own share is whole. Its area changes with the line by the chord's length.
                for attempt in range(6):
                    best = -1
                    gap = np.inf
                    for k in range(here // 2):
                        if attempt == 0 and k != chord:
                            continue
                        i, j = edge[2 * k], edge[2 * k + 1]
                        a = _right_area(px, py, cross, total, i, j, nx, ny, line, at, k)
                        if attempt == 0 and here > 2:
                            right = min(max(int(np.rint(a / cell)), 1), n - 1)
                        if abs(a - right * cell) < gap:
                            gap = abs(a - right * cell)
                            best = k
                            area = a
                    place = best
                    if best < 0 or gap < 1e-7 * cell:
                        break
                    span = at[2 * best + 1] - at[2 * best]
                    if span <= 0.0 or attempt == 5:
                        break
                    moved = line + (area - right * cell) / span
                    if not low < moved < high:
                        break
                    line = moved
                    here = _crossings(u, v, line, at, edge)
                if place >= 0:
                    i, j = edge[2 * place], edge[2 * place + 1]
                    a, b = at[2 * place], at[2 * place + 1]
                    ax, ay = line * nx - a * ny, line * ny + a * nx
                    bx, by = line * nx - b * ny, line * ny + b * nx
                    off = abs(area - right * cell) / (cell * min(right, n - right))
                    after = i + 1 if i + 1 < size else 0
                    run = length[j] - length[after]
                    if run < 0.0 or (run == 0.0 and after != j):
                        run += length[size]
                    around = run + np.hypot(px[after] - ax, py[after] - ay)
                    around += np.hypot(px[j] - bx, py[j] - by)
                    rest = length[size] - around
                    cost = estimate(around + b - a, right, unit)
                    cost += estimate(rest + b - a, n - right, unit)
                    cost += 200.0 * max(off - 1e-3, 0.0) * n
                    row = out[count]
                    row[COST], row[NX], row[NY], row[S] = cost, nx, ny, line
                    row[ENTERS], row[LEAVES] = i, j
                    row[PX], row[PY], row[QX], row[QY] = ax, ay, bx, by
                    row[RIGHT], row[OFF] = right, off
                    count += 1
                if crossed > 2 and chord + 1 < crossed // 2:
                    crossed = _crossings(u, v, s, at, edge)
    return count


@njit(cache=True, nogil=True)
def _right_area(
    px: Floats,
    py: Floats,
    cross: Floats,
    total: float,
    i: int,
    j: int,
    nx: float,
    ny: float,
    line: float,
    at: Floats,
    k: int,
) -> float:
    """Give the area to the right of chord k, between the edges i and j, by prefix sums."""
    size = px.size
    ax, ay = line * nx - at[2 * k] * ny, line * ny + at[2 * k] * nx
    bx, by = line * nx - at[2 * k + 1] * ny, line * ny + at[2 * k + 1] * nx
    after = i + 1 if i + 1 < size else 0
    ring = cross[j] - cross[after]
    if j < after:
        ring += 2.0 * total
    ring += ax * py[after] - px[after] * ay
    ring += px[j] * by - bx * py[j]
    ring += bx * ay - ax * by
    return float(0.5 * ring)


@njit(cache=True, nogil=True)
def _part(
    px: Floats, py: Floats, i: int, j: int, ax: float, ay: float, bx: float, by: float
) -> tuple[Floats, Floats]:
    """Give the polygon a, vertices i + 1 to j, b."""
    size = px.size
    inner = (j - i) % size
    x = np.empty(inner + 2)
    y = np.empty(inner + 2)
    x[0], y[0] = ax, ay
    for k in range(inner):
        x[k + 1] = px[(i + 1 + k) % size]
        y[k + 1] = py[(i + 1 + k) % size]
    x[inner + 1], y[inner + 1] = bx, by
    return x, y


# The signature is given because a recursive function without one crashes when it comes from numba's
# cache and is called with types that are not quite the same (numba issue 6713).
@njit("f8(f8[::1], f8[::1], i8, f8, f8[::1])", cache=True, nogil=True)
def search(px: Floats, py: Floats, n: int, unit: float, best: Floats) -> float:
    """Find the best cut of a polygon into parts of whole cells; give the cost of all its cells.

    ``best`` gets the cut's row, with a negative cost column if there is none.
    """
    best[COST] = -1.0
    if n == 1:
        perimeter = 0.0
        for i in range(px.size):
            perimeter += np.hypot(px[i] - px[i - 1], py[i] - py[i - 1])
        return estimate(perimeter, 1, unit)
    rows = np.empty((600, 12))
    count = _candidates(px, py, n, unit, rows)
    if count == 0:
        return 1e12
    if n <= 4:
        beam = 4
    elif n <= 8:
        beam = 3
    elif n <= 16:
        beam = 2
    else:
        beam = 1
    lowest = np.inf
    inner = np.empty(12)
    for _ in range(min(beam, count)):
        first = 0
        for k in range(1, count):
            if rows[k, COST] < rows[first, COST]:
                first = k
        row = rows[first].copy()
        rows[first, COST] = np.inf
        if row[COST] == np.inf:
            break
        cost = row[COST]
        if beam > 1:
            i, j, right = int(row[ENTERS]), int(row[LEAVES]), int(row[RIGHT])
            x, y = _part(px, py, i, j, row[PX], row[PY], row[QX], row[QY])
            cost = search(x, y, right, unit, inner)
            x, y = _part(px, py, j, i, row[QX], row[QY], row[PX], row[PY])
            cost += search(x, y, n - right, unit, inner)
            cost += 200.0 * max(row[OFF] - 1e-3, 0.0) * n
        if cost < lowest:
            lowest = cost
            best[:] = row
            best[COST] = cost
    return float(lowest)


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
