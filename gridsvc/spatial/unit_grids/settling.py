"""Meetings and bends of borders move until cells are equal and borders short.

Each vertex that is free tries small steps; one that lies on a barrier slides along it. A step is
taken where the sum of area differences and border lengths becomes less and nothing is crossed.

Compiled by numba, without the GIL; the same input gives the same bits.
"""

from __future__ import annotations

import numpy as np
import shapely
from numba import njit
from numpy.typing import NDArray

from gridsvc.spatial.unit_grids.clearance import room, sharpest
from gridsvc.spatial.unit_grids.mosaic import BARRIER, WALL

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# A vertex settles within this; it keeps so far from the next bend of its barrier.
REACH_M, _CORNER_M = 20.0, 4.0

# The difference of area that counts 1; what a nominal side of border counts.
_AREA_UNIT, _BORDER_COST = 0.04, 6.0
# Sizes, against the nominal one, from which on cells are pulled back: short of 0.3 and 2.
_LEAST, _MOST = 0.5, 1.85
_OFF_M, _ROUNDS = 2.5, 8
# Borders keep so far from each other; a sharper angle than 40 degrees is not made (its cosine).
_BETWEEN_M, _SHARP = 2.0, 0.766


def rails_of(xy: Floats, start: Ints, end: Ints, right: Ints, kind: NDArray[np.int8]) -> Floats:
    """Where each vertex may move: anywhere, along its barrier, or not at all (see ``settle``)."""
    rail = np.full((len(xy), 4), np.nan)
    stays = np.zeros(len(xy), dtype=bool)
    for edges in (right < 0, kind == WALL):
        stays[start[edges]] = True
        stays[end[edges]] = True
    along: dict[int, list[Floats]] = {}
    for edge in np.flatnonzero(kind == BARRIER).tolist():
        a, b = int(start[edge]), int(end[edge])
        along.setdefault(a, []).append(xy[b] - xy[a])
        along.setdefault(b, []).append(xy[a] - xy[b])
    for vertex, runs in along.items():
        far = [float(np.hypot(*run)) for run in runs]
        run = runs[0] / far[0]
        if len(runs) == 1:
            rail[vertex] = (*run, 0.0, max(far[0] - _CORNER_M, 0.0))
        elif len(runs) == 2 and float(run @ runs[1]) < -0.9999 * far[1]:
            rail[vertex] = (*run, max(far[1] - _CORNER_M, 0.0), max(far[0] - _CORNER_M, 0.0))
        else:
            stays[vertex] = True
    rail[stays] = 0.0
    return rail


def segments_near(xy: Floats, start: Ints, end: Ints, segments: Floats) -> tuple[Ints, Ints]:
    """Number, for each vertex, the segments that may come into its way: begin (v + 1,), numbers."""
    low, high = xy.copy(), xy.copy()
    for a, b in ((start, end), (end, start)):
        np.minimum.at(low, a, xy[b])
        np.maximum.at(high, a, xy[b])
    room = 2 * REACH_M + 5.0
    boxes = shapely.box(*(low - room).T, *(high + room).T)
    if not len(segments):
        return np.zeros(len(xy) + 1, np.int64), np.empty(0, np.int64)
    runs = shapely.linestrings(segments.reshape(-1, 2, 2))
    vertex, number = shapely.STRtree(runs).query(boxes)
    order = np.lexsort((number, vertex))
    return np.searchsorted(vertex[order], np.arange(len(xy) + 1)), number[order]


@njit(cache=True, nogil=True)
def _length(table: Floats, edge: int) -> float:
    return float(np.hypot(table[edge, 2] - table[edge, 0], table[edge, 3] - table[edge, 1]))


@njit(cache=True, nogil=True)
def _edge_area(table: Floats, edge: int) -> float:
    return float(0.5 * (table[edge, 0] * table[edge, 3] - table[edge, 1] * table[edge, 2]))


@njit(cache=True, nogil=True)
def _off(size: float, nominal: float) -> float:
    far = abs(size / nominal - 1) / _AREA_UNIT
    cost = float(far * far if far < 3.0 else 9.0 + 0.4 * (far - 3.0))
    beyond = max(_LEAST - size / nominal, size / nominal - _MOST, 0.0) / _AREA_UNIT
    return float(cost + 10.0 * beyond * beyond)


@njit(cache=True, nogil=True)
def settle(
    xy: Floats,
    start: Ints,
    end: Ints,
    left: Ints,
    right: Ints,
    weight: Floats,
    begin: Ints,
    edges: Ints,
    rail: Floats,
    near_begin: Ints,
    near: Ints,
    wall_begin: Ints,
    wall: Ints,
    walls: Floats,
    area: Floats,
    nominal: float,
    reach: float,
) -> Floats:
    """Give the vertices, float64 (v, 2), after they have settled.

    Edge e runs from ``start`` to ``end``, between the cells ``left`` and ``right`` (-1: outside);
    a metre of it counts ``weight``. The edges at vertex k are ``edges[begin[k]:begin[k + 1]]``.
    ``rail``: float64 (v, 4): for each vertex the direction in which it may move (a unit vector;
    NaN: any; 0, 0: none) and how far along it backwards and forwards, in metres. ``near``: the
    edges that may come into the way of a vertex; ``wall``: the building edges (of ``walls``,
    (n, 4)). ``area``: of the cells, m². No vertex moves farther than ``reach`` metres.
    """
    xy = xy.copy()
    home = xy.copy()
    area = area.copy()
    table = np.empty((start.size, 4))
    for edge in range(start.size):
        table[edge, :2] = xy[start[edge]]
        table[edge, 2:] = xy[end[edge]]
    cost = _BORDER_COST / np.sqrt(nominal)
    delta = np.zeros(area.size)
    cells = np.empty(2 * 16, np.int64)
    for _ in range(_ROUNDS):
        moved = False
        for step in (8.0, 4.0, 2.0, 1.0, 0.5):
            for k in range(xy.shape[0]):
                degree = begin[k + 1] - begin[k]
                if (rail[k, 0] == 0.0 and rail[k, 1] == 0.0) or degree > 15:
                    continue
                on_rail = not np.isnan(rail[k, 0])
                old_x, old_y = xy[k]
                mine = edges[begin[k] : begin[k + 1]]
                others = near[near_begin[k] : near_begin[k + 1]]
                houses = wall[wall_begin[k] : wall_begin[k + 1]]
                before = 0.0
                old_area = np.empty(degree)
                ends = np.empty((degree, 2))
                for i in range(degree):
                    e = mine[i]
                    before += weight[e] * _length(table, e) * cost
                    old_area[i] = _edge_area(table, e)
                    ends[i] = xy[end[e]] if start[e] == k else xy[start[e]]
                old_sharp = max(sharpest(old_x, old_y, ends), _SHARP)
                old_space = -1.0
                old_wall = 0.0
                best = -1e-3
                best_x, best_y = old_x, old_y
                for direction in range(2 if on_rail else 8):
                    if on_rail:
                        sign = 1.0 if direction == 0 else -1.0
                        new_x = old_x + sign * step * rail[k, 0]
                        new_y = old_y + sign * step * rail[k, 1]
                        along = (new_x - home[k, 0]) * rail[k, 0] + (new_y - home[k, 1]) * rail[
                            k, 1
                        ]
                        if along < -rail[k, 2] or along > rail[k, 3]:
                            continue
                    else:
                        new_x = old_x + step * np.cos(direction * np.pi / 4)
                        new_y = old_y + step * np.sin(direction * np.pi / 4)
                    if np.hypot(new_x - home[k, 0], new_y - home[k, 1]) > reach:
                        continue
                    after = 0.0
                    touched = 0
                    for i in range(degree):
                        e = mine[i]
                        first = start[e] == k
                        ox, oy = ends[i]
                        now = 0.5 * (new_x * oy - new_y * ox)
                        change = (now if first else -now) - old_area[i]
                        after += weight[e] * np.hypot(ox - new_x, oy - new_y) * cost
                        if left[e] >= 0:
                            delta[left[e]] += change
                            cells[touched] = left[e]
                            touched += 1
                        if right[e] >= 0:
                            delta[right[e]] -= change
                            cells[touched] = right[e]
                            touched += 1
                    gain = after - before
                    for i in range(touched):
                        c = cells[i]
                        if delta[c] != 0.0:
                            gain += _off(area[c] + delta[c], nominal) - _off(area[c], nominal)
                            delta[c] = 0.0
                    if gain >= best:
                        continue
                    if sharpest(new_x, new_y, ends) > old_sharp:
                        continue
                    if old_space < 0.0:
                        old_space = _BETWEEN_M
                        old_wall = _OFF_M
                        for i in range(degree):
                            ox, oy = ends[i]
                            if weight[mine[i]] > 0.0:
                                space = _room_but(
                                    old_x, old_y, ox, oy, table, others, k, start, end, _BETWEEN_M
                                )
                                old_space = max(0.0, min(old_space, space))
                                old_wall = min(
                                    old_wall, room(old_x, old_y, ox, oy, walls, houses, _OFF_M)
                                )
                    legal = True
                    for i in range(degree):
                        ox, oy = ends[i]
                        if np.hypot(ox - new_x, oy - new_y) < _BETWEEN_M:
                            legal = False
                            break
                        space = _room_but(
                            new_x, new_y, ox, oy, table, others, k, start, end, _BETWEEN_M
                        )
                        if space < old_space or space < 0.0:
                            legal = False
                            break
                        space = room(new_x, new_y, ox, oy, walls, houses, _OFF_M)
                        if space < max(0.0, old_wall):
                            legal = False
                            break
                    if legal:
                        best, best_x, best_y = gain, new_x, new_y
                if best_x == old_x and best_y == old_y:
                    continue
                moved = True
                xy[k, 0], xy[k, 1] = best_x, best_y
                for i in range(degree):
                    e = mine[i]
                    if start[e] == k:
                        table[e, 0], table[e, 1] = best_x, best_y
                    else:
                        table[e, 2], table[e, 3] = best_x, best_y
                    change = _edge_area(table, e) - old_area[i]
                    if left[e] >= 0:
                        area[left[e]] += change
                    if right[e] >= 0:
                        area[right[e]] -= change
        if not moved:
            break
    return xy


@njit(cache=True, nogil=True)
def _room_but(
    ax: float,
    ay: float,
    bx: float,
    by: float,
    table: Floats,
    others: Ints,
    k: int,
    start: Ints,
    end: Ints,
    enough: float,
) -> float:
    """Room of a new segment from vertex k among all edges that do not end at k."""
    least = enough
    one = np.empty(1, np.int64)
    for e in others:
        if start[e] == k or end[e] == k:
            continue
        one[0] = e
        least = min(least, room(ax, ay, bx, by, table, one, enough))
        if least < 0.0:
            return least
    return least
