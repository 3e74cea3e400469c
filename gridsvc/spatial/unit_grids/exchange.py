"""Single pieces change cells where that makes areas, borders or the balance of parts better.

Compiled by numba, without the GIL; the same input gives the same bits.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# The difference of area that is free, the further one that counts 1, what a nominal side
# of border counts, and a difference of 1 in the share of parts.
_AREA_FREE, _AREA_UNIT, _BORDER_COST, _BALANCE_COST = 0.06, 0.03, 7.0, 8.0
_PASSES = 40
# Sizes, against the nominal one, from which on cells are pulled back: short of 0.3 and 2.
_LEAST, _MOST = 0.55, 1.85


@njit(cache=True, nogil=True)
def _holds(
    begin: Ints, other: Ints, cell: Ints, leaver: int, seen: Ints, mark: int, stack: Ints
) -> bool:
    """Tell whether a cell stays connected (and not empty) without one of its pieces."""
    label = cell[leaver]
    first = -1
    wanted = 0
    for arc in range(begin[leaver], begin[leaver + 1]):
        if cell[other[arc]] == label:
            wanted += 1
            first = other[arc]
    if wanted == 0:
        return False
    if wanted == 1:
        return True
    seen[leaver] = mark
    seen[first] = mark
    stack[0] = first
    top = 1
    found = 0
    while top > 0:
        top -= 1
        node = stack[top]
        for arc in range(begin[node], begin[node + 1]):
            to = other[arc]
            if cell[to] == label and seen[to] != mark:
                seen[to] = mark
                stack[top] = to
                top += 1
    for arc in range(begin[leaver], begin[leaver + 1]):
        if cell[other[arc]] == label and seen[other[arc]] == mark:
            found += 1
    return found == wanted


@njit(cache=True, nogil=True)
def _off(size: float, nominal: float) -> float:
    """What a size costs: little beyond 12 % (a block left whole), much near the bounds."""
    far = max(0.0, abs(size / nominal - 1) - _AREA_FREE) / _AREA_UNIT
    cost = far * far if far < 2.0 else 4.0 + 0.4 * (far - 2.0)
    beyond = max(_LEAST - size / nominal, size / nominal - _MOST, 0.0) / _AREA_UNIT
    return float(cost + 10.0 * beyond * beyond)


@njit(cache=True, nogil=True)
def exchange(
    begin: Ints, other: Ints, width: Floats, area: Floats, parts: Floats, cell: Ints, cells: int
) -> Ints:
    """Let pieces change to a neighbouring cell as long as the whole becomes better.

    Arguments as for :func:`divide`, and its answer. Cells stay connected.
    """
    n = area.size
    cell = cell.copy()
    nominal = area.sum() / cells
    parts_mean = max(parts.sum() / cells, 1e-9)
    balance = _BALANCE_COST if parts.sum() >= cells else 0.0
    border = _BORDER_COST / np.sqrt(nominal)
    size = np.zeros(cells)
    held = np.zeros(cells)
    for k in range(n):
        size[cell[k]] += area[k]
        held[cell[k]] += parts[k]
    seen = np.full(n, -1, np.int64)
    stack = np.empty(n, np.int64)
    mark = 0
    for _ in range(_PASSES):
        changed = False
        for k in range(n):
            here = cell[k]
            same = 0.0
            for arc in range(begin[k], begin[k + 1]):
                if cell[other[arc]] == here:
                    same += width[arc]
            best = -1e-6
            goal = -1
            for arc in range(begin[k], begin[k + 1]):
                there = cell[other[arc]]
                if there in (here, goal):
                    continue
                gained = 0.0
                for twin in range(begin[k], begin[k + 1]):
                    if cell[other[twin]] == there:
                        gained += width[twin]
                change = border * (same - gained)
                change += _off(size[here] - area[k], nominal) - _off(size[here], nominal)
                change += _off(size[there] + area[k], nominal) - _off(size[there], nominal)
                p, q, m = held[here] / parts_mean, held[there] / parts_mean, parts[k] / parts_mean
                change += balance * ((p - m) ** 2 + (q + m) ** 2 - p * p - q * q)
                if change < best:
                    best, goal = change, there
            if goal >= 0:
                mark += 1
                if _holds(begin, other, cell, k, seen, mark, stack):
                    cell[k] = goal
                    size[here] -= area[k]
                    size[goal] += area[k]
                    held[here] -= parts[k]
                    held[goal] += parts[k]
                    changed = True
        if not changed:
            break
    return cell
