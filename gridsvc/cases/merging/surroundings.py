"""The names that a report locks, so that two about one thing come one after the other."""

from __future__ import annotations

import math

from gridsvc.registry.classes.model import ClassKey

__all__ = ["surroundings"]

#: Metres of a degree of latitude at the equator, the shortest: cells are never too small.
_DEGREE_M = 110_574.0


def surroundings(lon: float, lat: float, within_m: float, key: ClassKey) -> list[str]:
    """The cells that a WGS84 place reaches, sorted.

    Two places less than ``within_m`` metres apart share one: the cell of the middle between them.
    """
    reach = within_m / _DEGREE_M
    cells = []
    for row in range(math.floor((lat - reach) / (2 * reach)), _last(lat, reach) + 1):
        # The pole-ward edge of the row: there a metre is most degrees.
        edge = max(abs(2 * row * reach), abs(2 * (row + 1) * reach))
        wide = reach / max(math.cos(math.radians(edge)), 0.01)
        for column in range(math.floor((lon - wide) / (2 * wide)), _last(lon, wide) + 1):
            cells.append(f"{key.standard}|{key.kind}|{key.code}|{row}|{column}")
    return sorted(cells)


def _last(value: float, reach: float) -> int:
    return math.floor((value + reach) / (2 * reach))
