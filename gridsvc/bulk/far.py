"""Where no border can be near: cells that are asked once, so that most points need no distance."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from gridsvc.spatial.border import BorderIndex

__all__ = ["FarCells"]

Floats = npt.NDArray[np.float64]

#: Sides of a cell in degrees: wide ones settle the open land, narrow ones the rest.
_SIDES = (0.032, 0.004, 0.001)
#: No degree of longitude or latitude is longer than this, in metres.
_DEGREE_M = 111_700.0
#: Distances are right to 0.1 %.
_SHORTEST = 0.998
_UNKNOWN, _FAR, _OPEN = 0, 1, 2
#: Beyond so many cells the narrower ones are not kept (a nation's worth of them).
_MOST_CELLS = 64_000_000


class FarCells:
    """Which points are farther than ``limit_m`` from every border of one level.

    A cell is far when its centre is farther from the border than the limit and half the cell's
    diagonal together. It is looked at when the first point falls into it, and kept as one byte.
    What a distance costs is then paid by points in the other cells only.
    """

    def __init__(self, borders: BorderIndex, limit_m: float) -> None:
        self._borders = borders
        self._limit_m = limit_m
        west, south, east, north = borders.arrays[0][1].tolist()
        self._corner = west, south
        self._cells: list[tuple[float, npt.NDArray[np.uint8]]] = []
        for side in _SIDES:
            shape = int((north - south) / side) + 1, int((east - west) / side) + 1
            if shape[0] * shape[1] <= _MOST_CELLS:
                self._cells.append((side, np.full(shape, _UNKNOWN, dtype=np.uint8)))

    def surely_far(self, lon: Floats, lat: Floats) -> npt.NDArray[np.bool_]:
        """True where a WGS84 point (shape (n,), finite) is surely beyond the limit; False: ask.

        Outside the frame of all borders it is False.
        """
        far = np.zeros(lon.shape, dtype=bool)
        rows = np.arange(lon.size)
        for side, cells in self._cells:
            x = np.floor((lon[rows] - self._corner[0]) / side)
            y = np.floor((lat[rows] - self._corner[1]) / side)
            inside = (x >= 0) & (x < cells.shape[1]) & (y >= 0) & (y < cells.shape[0])
            rows = rows[inside]
            cell = y[inside].astype(np.int64) * cells.shape[1] + x[inside].astype(np.int64)
            state = self._look(side, cells, cell)
            far[rows[state == _FAR]] = True
            rows = rows[state == _OPEN]
        return far

    def _look(
        self, side: float, cells: npt.NDArray[np.uint8], cell: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.uint8]:
        """The state of each cell (flat index), found out for those that nobody asked for yet.

        Two threads that find out the same cell write the same byte.
        """
        flat = cells.reshape(-1)
        state: npt.NDArray[np.uint8] = flat[cell]
        new = np.unique(cell[state == _UNKNOWN])
        if new.size:
            y, x = np.divmod(new, cells.shape[1])
            lon = self._corner[0] + (x + 0.5) * side
            lat = self._corner[1] + (y + 0.5) * side
            metres, _ = self._borders.distance(lon, lat, np.full(new.size, -1, dtype=np.int32))
            half_diagonal_m = side * _DEGREE_M * math.sqrt(0.5)
            least_m = (metres * _SHORTEST - half_diagonal_m) * _SHORTEST
            flat[new] = np.where(least_m > self._limit_m, _FAR, _OPEN)
            state = flat[cell]
        return state
