"""Where the vertices of cells may move while these settle, and what may come into their way."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.spatial.unit_grids.mosaic import BARRIER, WALL

__all__ = ["REACH_M", "rails_of", "segments_near"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# A vertex settles within this; it keeps so far from the next bend of its barrier.
REACH_M, _CORNER_M = 20.0, 4.0


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
