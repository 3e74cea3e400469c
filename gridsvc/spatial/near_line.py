"""How far a place lies from lines, exactly: on the ellipsoid, to each line's nearest point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely

from gridsvc.spatial.ellipsoid import Floats, distance_m
from gridsvc.spatial.plane import metres_per_degree

#: The nearest point is found in a plane whose scale is that half way to it: it moves no more then.
_TIMES = 3


def metres_to_lines(lon: float, lat: float, lines: Sequence[Any]) -> Floats:
    """Metres from a point to each line (WGS84, edges straight in degrees): float64 (n,)."""
    if not len(lines):
        return np.zeros(0)
    shapes = np.asarray(lines, dtype=object)
    middle = np.full(len(shapes), lat)
    for _ in range(_TIMES):
        nearest = np.array(
            [_nearest(lon, lat, shape, at) for shape, at in zip(shapes, middle, strict=True)]
        )
        middle = (nearest[:, 1] + lat) / 2
    start = np.full(len(shapes), lon), np.full(len(shapes), lat)
    return np.asarray(distance_m(*start, nearest[:, 0], nearest[:, 1]), dtype=np.float64)


def _nearest(lon: float, lat: float, line: Any, scale_lat: float) -> tuple[float, float]:
    east, north = metres_per_degree(scale_lat)
    flat = shapely.transform(line, lambda xy: (xy - [lon, lat]) * [east, north])
    place = shapely.get_point(shapely.shortest_line(flat, shapely.Point(0, 0)), 0)
    return lon + place.x / east, lat + place.y / north
