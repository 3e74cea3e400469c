"""Whether a border is near, told cell by cell where a whole cell has one answer."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from gridsvc.registry.placement.service import SAME_BORDER_M
from gridsvc.registry.placement.store import AreaLevel, Atlas
from gridsvc.spatial.border import BorderIndex

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: Sides of a cell in degrees: wide ones settle the open land, narrow ones the rest.
_SIDES = (0.032, 0.004, 0.001, 0.00025)
#: No degree of longitude or latitude is longer than this, in metres.
_DEGREE_M = 111_700.0
#: Distances are right to 0.1 %; twice that is allowed for.
_SLACK = 1.002
_UNKNOWN, _FAR, _NEAR, _OPEN = 0, 1, 2, 3
#: Beyond so many cells the narrower ones are not kept (a nation's worth of them).
_MOST_CELLS = 64_000_000


class NearCells:
    """What ``place_many`` says of near borders, measured only where a cell has no one answer.

    A cell is looked at when the first point falls into it, by the distances of its centre: nothing
    in it is nearer or farther from a border by more than half its diagonal. Its answer is kept as
    one byte. Threads that look at the same cell write the same byte.
    """

    def __init__(self, atlas: Atlas, accuracy_m: float) -> None:
        self._accuracy_m = accuracy_m
        self._levels = [level for level in atlas.areas.values() if level.borders is not None]
        self._own: list[BorderIndex] = []
        for level in self._levels:
            if level.borders is None:
                raise AssertionError("only levels with borders are looked at")
            self._own.append(level.borders.apart_from(self._own))
        self._cells: list[tuple[float, npt.NDArray[np.uint8]]] = []
        if not self._levels:
            return
        frames = np.array([_frame(level) for level in self._levels])
        west, south = frames[:, :2].min(axis=0)
        east, north = frames[:, 2:].max(axis=0)
        self._corner = west, south
        # Zero is unknown: memory is taken only where points fall.
        for side in _SIDES:
            shape = int((north - south) / side) + 1, int((east - west) / side) + 1
            if shape[0] * shape[1] <= _MOST_CELLS:
                self._cells.append((side, np.zeros(shape, dtype=np.uint8)))

    def near_border(self, lon: Floats, lat: Floats) -> Bools:
        """For WGS84 points of shape (n,), finite: whether a border is near."""
        near = np.zeros(lon.shape, dtype=bool)
        rows = np.arange(lon.size)
        asked = []
        for side, cells in self._cells:
            x = np.floor((lon[rows] - self._corner[0]) / side)
            y = np.floor((lat[rows] - self._corner[1]) / side)
            inside = (x >= 0) & (x < cells.shape[1]) & (y >= 0) & (y < cells.shape[0])
            asked.append(rows[~inside])
            rows = rows[inside]
            cell = y[inside].astype(np.int64) * cells.shape[1] + x[inside].astype(np.int64)
            state = self._look(side, cells, cell)
            near[rows[state == _NEAR]] = True
            rows = rows[state == _OPEN]
        rows = np.concatenate([rows, *asked])
        if rows.size:
            near[rows] = self._measured(lon[rows], lat[rows])
        return near

    def _measured(self, lon: Floats, lat: Floats) -> Bools:
        """The answer by the distances of the points themselves."""
        nobody = np.full(lon.shape, -1, dtype=np.int32)
        near = np.zeros(lon.shape, dtype=bool)
        nearest = np.full(lon.shape, np.inf)
        for level, own in zip(self._levels, self._own, strict=True):
            metres, _ = own.distance(lon, lat, nobody)
            nearer = metres < nearest - SAME_BORDER_M
            near = np.where(nearer, metres <= self._accuracy_m + level.edition.accuracy_m, near)
            nearest = np.where(nearer, metres, nearest)
        return near

    def _look(
        self, side: float, cells: npt.NDArray[np.uint8], cell: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.uint8]:
        flat = cells.reshape(-1)
        state: npt.NDArray[np.uint8] = flat[cell]
        new = np.unique(cell[state == _UNKNOWN])
        if new.size:
            y, x = np.divmod(new, cells.shape[1])
            lon = self._corner[0] + (x + 0.5) * side
            lat = self._corner[1] + (y + 0.5) * side
            flat[new] = self._state(lon, lat, side * _DEGREE_M * math.sqrt(0.5))
            state = flat[cell]
        return state

    def _state(self, lon: Floats, lat: Floats, reach_m: float) -> npt.NDArray[np.uint8]:
        """The one answer of everything within ``reach_m`` of each point, or that there is none.

        It follows ``place_many``: a level decides unless a later one is nearer, which only its own
        borders can be, not those that it has in common with an earlier one.
        """
        none = np.full(lon.shape, -1, dtype=np.int32)
        least_so_far = np.full(lon.shape, np.inf)
        most_so_far = np.full(lon.shape, np.inf)
        may_be_near = np.zeros(lon.shape, dtype=bool)
        may_be_far = np.ones(lon.shape, dtype=bool)
        for level, own in zip(self._levels, self._own, strict=True):
            limit = self._accuracy_m + level.edition.accuracy_m
            metres, _ = own.distance(lon, lat, none)
            least = np.maximum(metres / _SLACK - reach_m * _SLACK, 0.0)
            most = metres * _SLACK + reach_m * _SLACK
            may_decide = least < most_so_far - SAME_BORDER_M
            must_decide = most < least_so_far - SAME_BORDER_M
            kept_near, kept_far = may_be_near & ~must_decide, may_be_far & ~must_decide
            may_be_near = kept_near | (may_decide & (least <= limit))
            may_be_far = kept_far | (may_decide & (most > limit))
            least_so_far = np.minimum(least_so_far, least)
            most_so_far = np.minimum(most_so_far, most)
        state = np.full(lon.shape, _OPEN, dtype=np.uint8)
        state[may_be_near & ~may_be_far] = _NEAR
        state[may_be_far & ~may_be_near] = _FAR
        return state


def _frame(level: AreaLevel) -> list[float]:
    if level.borders is None:
        raise AssertionError("only levels with borders are looked at")
    west, south, east, north = level.borders.arrays[0][1].tolist()
    return [west, south, east, north]
