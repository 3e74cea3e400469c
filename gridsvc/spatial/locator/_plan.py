"""How large the cells of a raster are, and whether plain arithmetic is exact in it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gridsvc.spatial.locator._raster import (
    BLOCK,
    F_COLUMNS,
    F_PER_LAT,
    F_PER_LON,
    F_ROWS,
    F_X0,
    F_X1,
    F_Y0,
    F_Y1,
)

__all__ = ["expected_words", "is_tame", "plan"]

Floats = NDArray[np.float64]

_WORDS_A_CROSSING = 5  # of an area in a cell: itself, its shape, an edge, its part of the rest
_SMALLEST_CELL = 1e-7  # degrees, about a centimetre: still millions of times a double's step


def is_tame(edges: Floats, frame: Floats) -> bool:
    """Whether all differences of coordinates that a look-up makes are doubles, without rounding.

    Then the arithmetic of `crossing` is exact, the direction of an edge makes no difference, and
    what two areas share may be stored once.
    """
    for low, high, a, b in ((F_X0, F_X1, 0, 2), (F_Y0, F_Y1, 1, 3)):
        nearest = (
            0.0 if frame[low] <= 0.0 <= frame[high] else min(abs(frame[low]), abs(frame[high]))
        )
        widest = float(np.abs(edges[:, a] - edges[:, b]).max())
        cell = 1.0 / frame[F_PER_LON if a == 0 else F_PER_LAT]
        if widest + 2.0 * cell >= float(np.spacing(nearest)) * 2.0**53:
            return False
    return True


def expected_words(edges: Floats, number: NDArray[np.int32], frame: Floats) -> int:
    """How many words an index will hardly exceed: the cells, and records where edges cross them.

    `edges`: the different edges, (m, 4) in degrees; `number`: which of them each ring edge is.
    """
    cells = (int(frame[F_COLUMNS]) + BLOCK) * (int(frame[F_ROWS]) + BLOCK)
    crossed = np.abs(edges[:, 2] - edges[:, 0]) * frame[F_PER_LON]
    crossed += np.abs(edges[:, 3] - edges[:, 1]) * frame[F_PER_LAT]
    times = np.bincount(number, minlength=len(edges))
    return cells + int(_WORDS_A_CROSSING * (crossed @ times + len(number)))


def plan(edges: Floats, enclosed: float, areas: int) -> Floats:
    """The frame of the raster, float64[16], for `areas` areas.

    `edges`: the different edges, (m, 4) in degrees; `enclosed`: what the areas cover, in square
    degrees. Cells are as small as the memory for them allows: about 4 bytes for each cell of a
    block that a border crosses and 40 for each cell that a border crosses; but not smaller than is
    of use: with few edges there are few cells, and 1 point in 100 may need its record.
    """
    x0, y0 = float(edges[:, [0, 2]].min()), float(edges[:, [1, 3]].min())
    x1, y1 = float(edges[:, [0, 2]].max()), float(edges[:, [1, 3]].max())
    narrowing = max(math.cos(math.radians((y0 + y1) / 2.0)), 0.01)
    length = float(
        np.hypot((edges[:, 2] - edges[:, 0]) * narrowing, edges[:, 3] - edges[:, 1]).sum()
    )
    enclosed = max(enclosed * narrowing, 1e-12)
    box = max((x1 - x0) * narrowing * (y1 - y0), enclosed)
    cells = min(max(24e6, 24.0 * areas), 65_536.0 + 512.0 * len(edges))
    records = max(4.5e6, 15.0 * areas)
    side = max(
        0.01 * enclosed / (1.3 * length),
        min(math.sqrt(box / cells), 40.0 * length / cells),
        1.3 * length / records,
        math.sqrt(box / (4.0 * cells)),
        _SMALLEST_CELL,
    )
    lon_side = max(side / narrowing, (x1 - x0) / 200_000.0)
    lat_side = max(side, (y1 - y0) / 200_000.0)
    frame = np.zeros(16)
    frame[F_X0], frame[F_Y0], frame[F_X1], frame[F_Y1] = x0, y0, x1, y1
    frame[F_PER_LON], frame[F_PER_LAT] = 1.0 / lon_side, 1.0 / lat_side
    frame[F_COLUMNS] = int((x1 - x0) / lon_side) + 1
    frame[F_ROWS] = int((y1 - y0) / lat_side) + 1
    return frame
