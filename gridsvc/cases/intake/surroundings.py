"""What lies around a report: the box in which its case is sought, the cells that it locks."""

from __future__ import annotations

import math

from gridsvc.city.classes import ClassKey

__all__ = ["box_around", "surroundings"]

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


def box_around(lon: float, lat: float, within_m: float) -> tuple[float, float, float, float]:
    """West, south, east and north of a box that holds all within a distance of a WGS84 place.

    Made here and not in PostGIS, which would buffer on the spheroid for every report, and whose
    planner could not count what lies inside.
    """
    high = within_m / _DEGREE_M
    wide = high / max(math.cos(math.radians(min(abs(lat) + high, 90.0))), 0.01)
    return lon - wide, lat - high, lon + wide, lat + high


def _last(value: float, reach: float) -> int:
    return math.floor((value + reach) / (2 * reach))
