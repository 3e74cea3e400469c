"""Small plans in metres, as WGS84 areas."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

# Metres per degree at 116.4, 39.9 on the ellipsoid (pyproj.Geod, rounded).
_LON_M, _LAT_M = 85_521.0, 111_042.0


def placed(geometry: Any) -> Any:
    """A geometry in metres east and north of a corner in Beijing, in degrees."""
    return shapely.transform(geometry, lambda xy: xy / (_LON_M, _LAT_M) + (116.4, 39.9))


def box(west: float, south: float, east: float, north: float) -> Any:
    """A rectangle in metres, in degrees."""
    return placed(shapely.box(west, south, east, north))


def polygon(*corners: tuple[float, float]) -> Any:
    """A polygon in metres, in degrees."""
    return placed(shapely.Polygon(np.array(corners, dtype=float)))
