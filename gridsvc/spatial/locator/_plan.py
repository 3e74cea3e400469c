"""How large the cells of a raster are, and whether plain arithmetic is exact in it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gridsvc.spatial.locator._raster import (
    BLOCK,
    H_COLUMNS,
    H_PER_LAT,
    H_PER_LON,
    H_ROWS,
    H_X0,
    H_X1,
    H_Y0,
    H_Y1,
)

__all__ = ["expected_words", "is_tame", "plan"]

Floats = NDArray[np.float64]

_WORDS_A_CROSSING = 5  # of an area in a cell: itself, its shape, an edge, its part of the rest
_SMALLEST_CELL = 1e-7  # degrees, about a centimetre: still millions of times a double's step


def is_tame(edges: Floats, header: Floats) -> bool:
    """Whether all differences of coordinates that a look-up makes are doubles, without rounding.

    Then the arithmetic of `crossing` is exact, the direction of an edge makes no difference, and
    what two areas share may be stored once.
    """
    for low, high, a, b in ((H_X0, H_X1, 0, 2), (H_Y0, H_Y1, 1, 3)):
        nearest = (
            0.0 if header[low] <= 0.0 <= header[high] else min(abs(header[low]), abs(header[high]))
        )
        widest = float(np.abs(edges[:, a] - edges[:, b]).max())
        cell = 1.0 / header[H_PER_LON if a == 0 else H_PER_LAT]
        if widest + 2.0 * cell >= float(np.spacing(nearest)) * 2.0**53:
            return False
    return True


def expected_words(edges: Floats, number: NDArray[np.int32], header: Floats) -> int:
    """How many words an index will hardly exceed: the cells, and records where edges cross them.

    `edges`: the different edges, (m, 4) in degrees; `number`: which of them each ring edge is.
    """
    cells = (int(header[H_COLUMNS]) + BLOCK) * (int(header[H_ROWS]) + BLOCK)
    crossed = np.abs(edges[:, 2] - edges[:, 0]) * header[H_PER_LON]
    crossed += np.abs(edges[:, 3] - edges[:, 1]) * header[H_PER_LAT]
    times = np.bincount(number, minlength=len(edges))
    return cells + int(_WORDS_A_CROSSING * (crossed @ times + len(number)))


def plan(edges: Floats, enclosed: float, areas: int) -> Floats:
    """The header of the raster, float64[16], for `areas` areas.

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
    header = np.zeros(16)
    header[H_X0], header[H_Y0], header[H_X1], header[H_Y1] = x0, y0, x1, y1
    header[H_PER_LON], header[H_PER_LAT] = 1.0 / lon_side, 1.0 / lat_side
    header[H_COLUMNS] = int((x1 - x0) / lon_side) + 1
    header[H_ROWS] = int((y1 - y0) / lat_side) + 1
    return header
