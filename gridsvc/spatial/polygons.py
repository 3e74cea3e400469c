"""The polygons in a geometry: what overlays give has lines, points and collections in it too."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray


def simple_parts(geometry: Any) -> NDArray[np.object_]:
    """The points, lines and polygons of a geometry or an array of them, collections opened."""
    parts = shapely.get_parts(geometry)
    while (shapely.get_type_id(parts) > 3).any():
        parts = shapely.get_parts(parts)
    return np.asarray(parts, dtype=object)


def polygons_of(geometry: Any) -> NDArray[np.object_]:
    """The polygons that cover ground, collections opened."""
    parts = simple_parts(geometry)
    kept = (shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & (shapely.area(parts) > 0)
    return np.asarray(parts[kept], dtype=object)


def multipolygon_of(geometry: Any) -> shapely.MultiPolygon:
    """The polygons that cover ground as one MultiPolygon, empty where there are none."""
    return shapely.MultiPolygon(list(polygons_of(geometry)))
