"""The ragged borders between cells of pieces become straight ones that end at stations.

A border is followed from one meeting of cells to the next. What lies on a barrier or a wall stays
there; the rest is replaced by straight lines as long as these stay near it, cross nothing and keep
off the buildings.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.spatial.unit_grids.clearance import room
from gridsvc.spatial.unit_grids.mosaic import BARRIER, FREE, WALL

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Objects = NDArray[np.object_]

# A border keeps so far from other borders and from buildings where there is room.
KEEP_OFF_M, _HOUSE_OFF_M = 0.5, 2.5
# Barriers lose only what is straight already; a shorter run along one is not a run.
_STRAIGHT_M, _RUN_M = 0.03, 5.0
# Edges shorter than this are contracted.
_SHORTEST_M, _NOTHING_M = 1.0, 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Borders:
    """Edges between cells: float64 (v, 2) ``xy``, int64 ``start`` and ``end``, int8 ``kind``."""

    xy: Floats
    start: Ints
    end: Ints
    kind: NDArray[np.int8]


def segments_of(shapes: Objects) -> Floats:
    """Give the segments of lines and of the rings of polygons: float64 (n, 4)."""
    xy, of = shapely.get_coordinates(
        shapely.get_rings(shapes) if _polygons(shapes) else shapes, return_index=True
    )
    if not len(xy):
        return np.empty((0, 4))
    same = of[1:] == of[:-1]
    return np.concatenate([xy[:-1][same], xy[1:][same]], axis=1)


def _polygons(shapes: Objects) -> bool:
    return bool(len(shapes)) and bool((shapely.get_dimensions(shapes) == 2).all())


def contracted(borders: Borders, ends: Ints, houses: Floats) -> Borders:
    """Give the same borders without their shortest edges, which noding leaves where lines meet.

    ``ends``: vertices that keep their place; after them those on walls and on barriers do. Near
    ``houses`` (segments) only the very shortest go.
    """
    run = borders.xy[borders.end] - borders.xy[borders.start]
    long = np.hypot(*run.T)
    short = long < _SHORTEST_M
    for edge in np.flatnonzero(short & (long > _NOTHING_M)).tolist():
        a, b = borders.xy[borders.start[edge]], borders.xy[borders.end[edge]]
        near = _around(a, b, houses, 2 * _SHORTEST_M)
        every = np.arange(len(near))
        short[edge] = space_between(a, b, near, every, 2 * _SHORTEST_M) >= 1.5 * _SHORTEST_M
    if not short.any():
        return borders
    rank = np.zeros(len(borders.xy), dtype=np.int64)
    for kind, value in ((BARRIER, 1), (WALL, 2)):
        own = borders.kind == kind
        for vertex in (borders.start[own], borders.end[own]):
            rank[vertex] = np.maximum(rank[vertex], value)
    rank[ends] = 3
    place = np.arange(len(borders.xy))
    for edge in np.flatnonzero(short).tolist():
        a, b = int(borders.start[edge]), int(borders.end[edge])
        while place[a] != a:
            a = int(place[a])
        while place[b] != b:
            b = int(place[b])
        if a != b and min(rank[a], rank[b]) < 3:
            if (rank[b], -b) > (rank[a], -a):
                a, b = b, a
            place[b] = a
    while (place[place] != place).any():
        place = place[place]
    start, end = place[borders.start], place[borders.end]
    kept = start != end
    start, end, kinds = start[kept], end[kept], borders.kind[kept]
    low, high = np.minimum(start, end), np.maximum(start, end)
    _, first = np.unique(low * len(place) + high, return_index=True)
    first.sort()
    return Borders(borders.xy, start[first], end[first], kinds[first])


def _runs(borders: Borders, stops: set[int]) -> list[tuple[list[int], int]]:
    """Follow edges of one kind from stop to stop: vertices in order, and the kind."""
    at: dict[int, list[int]] = defaultdict(list)
    a, b = borders.start.tolist(), borders.end.tolist()
    kind = borders.kind.tolist()
    for edge in range(len(a)):
        at[a[edge]].append(edge)
        at[b[edge]].append(edge)

    def stop(vertex: int) -> bool:
        edges = at[vertex]
        return vertex in stops or len(edges) != 2 or kind[edges[0]] != kind[edges[1]]

    done = [False] * len(a)
    runs: list[tuple[list[int], int]] = []

    def follow(vertex: int, edge: int) -> None:
        run = [vertex]
        while True:
            done[edge] = True
            vertex = b[edge] if a[edge] == vertex else a[edge]
            run.append(vertex)
            if stop(vertex):
                break
            ahead = [other for other in at[vertex] if not done[other]]
            if not ahead:
                break
            edge = ahead[0]
        runs.append((run, kind[edge]))

    for vertex in sorted(at):
        if stop(vertex):
            for edge in at[vertex]:
                if not done[edge]:
                    follow(vertex, edge)
    # A border around one cell inside another meets no third one: it is followed in two halves.
    for edge in range(len(a)):
        if not done[edge]:
            follow(a[edge], edge)
            ring, of_kind = runs.pop()
            half = len(ring) // 2
            runs += [(ring[: half + 1], of_kind), (ring[half:], of_kind)]
    return runs


def _without_short_runs(borders: Borders, stops: set[int]) -> Borders:
    kind = borders.kind.copy()
    edge_of = {
        (min(a, b), max(a, b)): edge
        for edge, (a, b) in enumerate(
            zip(borders.start.tolist(), borders.end.tolist(), strict=True)
        )
    }
    for run, of_kind in _runs(borders, stops):
        xy = borders.xy[run]
        if of_kind == BARRIER and np.hypot(*np.diff(xy, axis=0).T).sum() < _RUN_M:
            for a, b in pairwise(run):
                kind[edge_of[min(a, b), max(a, b)]] = FREE
    return Borders(borders.xy, borders.start, borders.end, kind)


def straightened(
    borders: Borders, stops: set[int], outline: Floats, buildings: Floats, off_m: float
) -> Borders:
    """Give the same borders with as few vertices as may be.

    ``stops``: vertices that stay whatever happens. ``outline``, ``buildings``: segments, float64
    (n, 4), that no border may cross. ``off_m``: how far a free border may move.
    """
    borders = _without_short_runs(borders, stops)
    xy = borders.xy
    runs = _runs(borders, stops)
    segments: list[tuple[float, ...]] = [tuple(row) for row in outline.tolist()]
    spans: list[list[int]] = []
    for run, _ in runs:
        first = len(segments)
        points = xy[run].tolist()
        segments += [(*a, *b) for a, b in pairwise(points)]
        spans.append(list(range(first, len(segments))))
    table = np.array(segments, dtype=np.float64).reshape(-1, 4)
    alive = np.ones(len(table), dtype=bool)
    start, end, kinds = [], [], []
    for (run, kind), span in zip(runs, spans, strict=True):
        points = xy[run]
        kept = [0]
        waiting = [(0, len(run) - 1)]
        while waiting:
            i, j = waiting.pop()
            if j - i == 1:
                kept.append(j)
                continue
            off = _offsets(points, i, j)
            limit = off_m if kind == FREE else _STRAIGHT_M
            if off.max() <= limit and run[i] != run[j]:
                alive[span[i:j]] = False
                if kind != FREE or _clear(points[i : j + 1], table, alive, buildings):
                    table[span[i]] = (*points[i], *points[j])
                    alive[span[i]] = True
                    kept.append(j)
                    continue
                alive[span[i:j]] = True
            middle = i + 1 + int(np.argmax(off))
            waiting += [(middle, j), (i, middle)]
        start += [run[k] for k in kept[:-1]]
        end += [run[k] for k in kept[1:]]
        kinds += [kind] * (len(kept) - 1)
    return Borders(xy, np.array(start, np.int64), np.array(end, np.int64), np.array(kinds, np.int8))


def _offsets(points: Floats, i: int, j: int) -> Floats:
    a, b = points[i], points[j]
    run = b - a
    far = float(run @ run)
    inner = points[i + 1 : j] - a
    t = np.clip(inner @ run / far, 0.0, 1.0) if far > 0 else np.zeros(len(inner))
    return np.asarray(np.hypot(*(inner - t[:, None] * run).T))


def _clear(points: Floats, table: Floats, alive: NDArray[np.bool_], houses: Floats) -> bool:
    """Whether the first point may be joined straight to the last of those in between."""
    a, b = points[0], points[-1]
    if space_between(a, b, table, np.flatnonzero(alive), KEEP_OFF_M) < KEEP_OFF_M:
        return False
    near = _around(a, b, houses, _HOUSE_OFF_M)
    if not len(near):
        return True
    every = np.arange(len(near))
    space = space_between(a, b, near, every, _HOUSE_OFF_M)
    if space >= _HOUSE_OFF_M:
        return True
    before = [
        space_between(here, there, near, every, _HOUSE_OFF_M) for here, there in pairwise(points)
    ]
    return space >= 0.0 and space >= 0.8 * min(before)


def space_between(
    a: Floats, b: Floats, segments: Floats, chosen: Ints, enough: float, beside: float = 0.966
) -> float:
    """Give how far the way from a to b, float64 (2,), keeps from segments: see ``room``."""
    return float(room(a[0], a[1], b[0], b[1], segments, chosen, enough, beside))


def _around(a: Floats, b: Floats, houses: Floats, off_m: float) -> Floats:
    """The building edges whose boxes come near to that of a segment."""
    west, south = np.minimum(a, b) - off_m
    east, north = np.maximum(a, b) + off_m
    return np.asarray(
        houses[
            (np.maximum(houses[:, 0], houses[:, 2]) >= west)
            & (np.minimum(houses[:, 0], houses[:, 2]) <= east)
            & (np.maximum(houses[:, 1], houses[:, 3]) >= south)
            & (np.minimum(houses[:, 1], houses[:, 3]) <= north)
        ]
    )


def off_buildings(a: Floats, b: Floats, houses: Floats, off_m: float) -> bool:
    """Whether a segment keeps off buildings, but for those that its ends are near to already."""
    near = _around(a, b, houses, off_m)
    if not len(near):
        return True
    every = np.arange(len(near))
    space = space_between(a, b, near, every, off_m)
    ends = min(space_between(a, a, near, every, off_m), space_between(b, b, near, every, off_m))
    return space >= 0.0 and space >= ends - 1e-6
