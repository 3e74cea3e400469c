"""Find the best chord that cuts a simple polygon into two parts of whole cells.

A chord is one maximal piece of a straight line inside the polygon. It always leaves two
connected parts, however concave the polygon is, so no cell ever falls apart. The position of the
line solves the area function exactly. Of many directions and shares the cut is taken whose parts
promise the shortest borders; near the end of the recursion the promise is checked by making the
next cuts too (a beam search).

Everything here is plain arithmetic in a fixed order, compiled by numba: the same input gives the
same bits. All functions release the GIL.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Directions of the lines' normals that are always tried: every 15 degrees of a half turn.
_ANGLES = np.arange(12) * (np.pi / 12)
_NORMALS = np.ascontiguousarray(np.column_stack([np.cos(_ANGLES), np.sin(_ANGLES)]))

# Columns of a candidate cut.
COST, NX, NY, S, ENTERS, LEAVES, PX, PY, QX, QY, RIGHT, OFF = range(12)


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
