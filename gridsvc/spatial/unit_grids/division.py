"""Pieces become cells: a region is parted along the cheapest cut of the right area, and so on.

For each of some directions the pieces foremost in it are sources and those hindmost sinks; the
cheapest cut between them follows barriers and is short (inertial flow: Schild and Sommer, "On
Balanced Separators in Road Networks", 2015).

Compiled by numba, without the GIL; the same input gives the same bits.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gridsvc.spatial.unit_grids.min_cut import min_cut

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_DIRECTIONS = 12
# By how much the mean cell of either side may differ from the nominal size; and how far, at what
# cost, where that saves much, as around a block of 13,000 m².
_SLACK, _WIDE_SLACK, _WIDE_COST = 0.08, 0.35, 0.6
# From so many cells on any cut between 35 % and 65 % leaves a fitting number on both sides.
_MANY = 20
# What an excess of 1 over the slack costs, and a difference of 1 in parts for each cell, against
# a cut as long as the root of the smaller side.
_OFF_COST, _PARTS_COST = 25.0, 1.5


@njit(cache=True, nogil=True)
def _groups(begin: Ints, other: Ints, side: Flags, wanted: bool, weight: Floats) -> Flags:
    """Give the nodes of the heaviest connected group among those of one side."""
    n = side.size
    group = np.full(n, -1, np.int64)
    stack = np.empty(n, np.int64)
    best = -1
    heaviest = -1.0
    count = 0
    for k in range(n):
        if side[k] != wanted or group[k] >= 0:
            continue
        group[k] = count
        stack[0] = k
        top = 1
        total = 0.0
        while top > 0:
            top -= 1
            node = stack[top]
            total += weight[node]
            for arc in range(begin[node], begin[node + 1]):
                to = other[arc]
                if side[to] == wanted and group[to] < 0:
                    group[to] = count
                    stack[top] = to
                    top += 1
        if total > heaviest:
            heaviest, best = total, count
        count += 1
    heavy: Flags = group == best
    return heavy


@njit(cache=True, nogil=True)
def _part(
    begin: Ints,
    other: Ints,
    back: Ints,
    width: Floats,
    area: Floats,
    centre: Floats,
    parts: Floats,
    cells: int,
    nominal: float,
    angle: float,
) -> tuple[Flags, int]:
    """Part one connected region: the pieces of one side, and its number of cells."""
    n = area.size
    whole = area.sum()
    all_parts = parts.sum()
    best_score = np.inf
    best_side = np.zeros(n, np.bool_)
    best_cells = 1
    if cells >= _MANY:
        first, last = 0, 0
    elif cells <= 5:
        first, last = 1, cells - 1
    else:
        first, last = max(cells // 2 - 2, 2), min((cells + 1) // 2 + 2, cells - 2)
    for turn in range(_DIRECTIONS):
        direction = angle + np.pi * turn / _DIRECTIONS
        order = np.argsort(
            centre[:, 0] * np.cos(direction) + centre[:, 1] * np.sin(direction), kind="mergesort"
        )
        for choice in range(2 * first, 2 * last + 2):
            k = choice // 2
            wide = choice % 2 == 1
            rest = cells - k
            if k == 0:
                if wide:
                    continue
                low, high = 0.35 * whole, 0.65 * whole
            elif wide:
                if min(k, rest) > 4:
                    continue
                spare = _WIDE_SLACK * nominal * np.sqrt(min(k, rest))
                low, high = k * whole / cells - spare, k * whole / cells + spare
            else:
                mean = whole / cells
                slack = _SLACK * min(1.0, 2.0 / np.sqrt(min(k, rest)))
                less, more = nominal * (1 - slack), nominal * (1 + slack)
                low = min(max(k * less, whole - rest * more), k * mean)
                high = max(min(k * more, whole - rest * less), k * mean)
            source = np.zeros(n, np.bool_)
            sink = np.zeros(n, np.bool_)
            total = 0.0
            for node in order:
                total += area[node]
                if total <= low:
                    source[node] = True
                elif total - area[node] >= high:
                    sink[node] = True
            source[order[0]] = True
            sink[order[0]] = False
            sink[order[-1]] = True
            source[order[-1]] = False
            side = min_cut(begin, other, back, width, source, sink)
            side = _groups(begin, other, side, True, area)
            side = ~_groups(begin, other, side, False, area)
            here = 0.0
            parts_here = 0.0
            cost = 0.0
            for node in range(n):
                if side[node]:
                    here += area[node]
                    parts_here += parts[node]
                    for arc in range(begin[node], begin[node + 1]):
                        if not side[other[arc]]:
                            cost += width[arc]
            own = k
            if k == 0 or wide:
                own = min(max(int(here / nominal + 0.5), 1), cells - 1)
            off = max(
                abs(here / (own * nominal) - 1), abs((whole - here) / ((cells - own) * nominal) - 1)
            )
            score = cost / np.sqrt(min(here, whole - here))
            if off > 1.2 * _SLACK:
                least = _WIDE_COST if off < _WIDE_SLACK else _WIDE_COST + 5.0
                score += min(_OFF_COST * (off - 1.2 * _SLACK), least + off)
            if all_parts > 0:
                uneven = abs(parts_here / own - (all_parts - parts_here) / (cells - own))
                score += _PARTS_COST * uneven * cells / all_parts / max(1.0, np.sqrt(cells / 2))
            if score < best_score:
                best_score, best_side, best_cells = score, side, own
    return best_side, best_cells


@njit(cache=True, nogil=True)
def divide(
    begin: Ints,
    other: Ints,
    width: Floats,
    area: Floats,
    centre: Floats,
    parts: Floats,
    cells: int,
    angle: float,
) -> Ints:
    """Give the cell of each piece, int64 (n,), 0 to ``cells`` - 1; each cell is connected.

    The pieces are a connected graph: neighbours of k are ``other[begin[k]:begin[k + 1]]``, and
    ``width`` is what the border with each costs, in metres. ``area`` (m²), ``centre`` (metres,
    (n, 2)), ``parts``: of each piece. ``angle``: the first direction. Fewer cells come out where
    there are too few pieces.
    """
    n = area.size
    nominal = area.sum() / cells
    cell = np.zeros(n, np.int64)
    local = np.full(n, -1, np.int64)
    waiting = [0]
    numbers = [cells]
    labels = 1
    while len(waiting) > 0:
        label = waiting.pop()
        many = numbers.pop()
        if many < 2:
            continue
        own = np.flatnonzero(cell == label)
        if own.size < 2:
            continue
        for k in range(own.size):
            local[own[k]] = k
        start = np.zeros(own.size + 1, np.int64)
        for k in range(own.size):
            size = 0
            for arc in range(begin[own[k]], begin[own[k] + 1]):
                if local[other[arc]] >= 0:
                    size += 1
            start[k + 1] = start[k] + size
        to = np.empty(start[-1], np.int64)
        wide = np.empty(start[-1])
        back = np.empty(start[-1], np.int64)
        filled = 0
        for k in range(own.size):
            for arc in range(begin[own[k]], begin[own[k] + 1]):
                if local[other[arc]] >= 0:
                    to[filled] = local[other[arc]]
                    wide[filled] = width[arc]
                    filled += 1
        for k in range(own.size):
            for arc in range(start[k], start[k + 1]):
                for twin in range(start[to[arc]], start[to[arc] + 1]):
                    if to[twin] == k:
                        back[arc] = twin
        side, side_cells = _part(
            start, to, back, wide, area[own], centre[own], parts[own], many, nominal, angle
        )
        for k in range(own.size):
            local[own[k]] = -1
            if side[k]:
                cell[own[k]] = labels
        waiting.append(label)
        numbers.append(many - side_cells)
        waiting.append(labels)
        numbers.append(side_cells)
        labels += 1
    return cell
