"""Ends of borders on the community's own border move to its stations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gridsvc.spatial.unit_grids.borders import (
    KEEP_OFF_M,
    Borders,
    off_buildings,
    space_between,
)
from gridsvc.spatial.unit_grids.mosaic import FREE

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Stations are looked for as far as this, in metres, and taken if no angle there is less than this
# (its cosine): first about 15 degrees and half a metre off buildings, then next to none.
_WAYS_TO_STATIONS = ((15.0, 0.966, 0.5), (60.0, 0.99999, 0.0))
# So often a border that finds no station is tried again without its last bend.
_SHORTENINGS = 4
# The share of a way that is left out at an end that has no station yet.
_SHORT = 0.02


def anchored(
    borders: Borders, ends: Ints, outline: Floats, stations: Floats, buildings: Floats
) -> Borders | None:
    """Move the vertices ``ends``, which lie on the community's border, to stations.

    ``stations``: float64 (s, 2); a place that comes twice (where the border touches itself) is not
    taken. ``outline``: the segments between stations. None if there is no way for some of them.
    """
    moved = Borders(borders.xy.copy(), borders.start, borders.end, borders.kind)
    places, times = np.unique(stations, axis=0, return_counts=True)
    places = places[times == 1]
    free = np.ones(len(places), dtype=bool)
    waiting = set(ends.tolist())
    for vertex in ends.tolist():
        waiting.discard(vertex)
        far = np.hypot(*(places - moved.xy[vertex]).T)
        order = [k for k in np.argsort(far, kind="stable").tolist() if free[k]]
        tried = moved
        for reach, beside, off_m in _WAYS_TO_STATIONS * _SHORTENINGS:
            near = [k for k in order if far[k] <= reach]
            found = _station(
                tried, vertex, waiting, places[near], outline, buildings, beside, off_m
            )
            if found is not None:
                moved = tried
                moved.xy[vertex] = places[near[found]]
                free[near[found]] = False
                break
            if (reach, beside, off_m) == _WAYS_TO_STATIONS[-1]:
                shorter = _without_last_bend(tried, vertex, ends)
                if shorter is None:
                    return None
                tried = shorter
        else:
            return None
    return moved


def _without_last_bend(borders: Borders, vertex: int, ends: Ints) -> Borders | None:
    """Join an end straight to the second bend of its border, None where that is not to be."""
    [mine] = np.nonzero((borders.start == vertex) | (borders.end == vertex))
    if len(mine) != 1:
        return None
    bend = int(borders.start[mine[0]] + borders.end[mine[0]]) - vertex
    [there] = np.nonzero((borders.start == bend) | (borders.end == bend))
    if len(there) != 2 or bend in ends:
        return None
    last = int(there[there != mine[0]][0])
    beyond = int(borders.start[last] + borders.end[last]) - bend
    start, end, kind = borders.start.copy(), borders.end.copy(), borders.kind.copy()
    start[last], end[last], kind[last] = vertex, beyond, FREE
    kept = np.arange(len(start)) != mine[0]
    return Borders(borders.xy, start[kept], end[kept], kind[kept])


def _station(
    borders: Borders,
    vertex: int,
    waiting: set[int],
    places: Floats,
    outline: Floats,
    houses: Floats,
    beside: float,
    off_m: float,
) -> int | None:
    """The first of some places to which a vertex can move without crossing anything."""
    xy, start, end = borders.xy, borders.start, borders.end
    mine = np.flatnonzero((start == vertex) | (end == vertex))
    others = np.where(start[mine] == vertex, end[mine], start[mine]).tolist()
    rest = np.setdiff1d(np.arange(len(start)), mine)
    table = np.concatenate([outline, np.concatenate([xy[start[rest]], xy[end[rest]]], axis=1)])
    every = np.arange(len(table))
    for number, spot in enumerate(places):
        far = float(np.hypot(*(spot - xy[vertex])))
        for other in others:
            # An end that waits for its station lies on the border: the way stops short of it.
            aim = xy[other] + (_SHORT * (spot - xy[other]) if other in waiting else 0.0)
            before = space_between(xy[vertex], aim, table, every, KEEP_OFF_M, beside)
            least = max(min(before, far), 0.0)
            if space_between(spot, aim, table, every, KEEP_OFF_M, beside) < least:
                break
            if far > 0.01 and not off_buildings(spot, aim, houses, off_m):
                break
        else:
            return number
    return None
