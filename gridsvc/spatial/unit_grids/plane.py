"""A flat metric plane for one community: an affine image of degrees, true to scale at its centre.

Straight lines in WGS84 stay straight in it, as in ``outline``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.spatial.outline import metres_per_degree

__all__ = ["Plane", "plane_at"]


@dataclass(frozen=True, slots=True)
class Plane:
    """``lon``, ``lat``: the centre; ``east``, ``north``: metres per degree there."""

    lon: float
    lat: float
    east: float
    north: float

    def flat(self, shapes: NDArray[np.object_]) -> NDArray[np.object_]:
        """Bring WGS84 shapes into the plane."""
        return np.asarray(
            shapely.transform(
                shapes, lambda xy: (xy - [self.lon, self.lat]) * [self.east, self.north]
            )
        )

    def lonlat(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bring points of the plane, float64 (n, 2), to degrees."""
        return np.asarray(xy / [self.east, self.north] + [self.lon, self.lat])


def plane_at(bounds: Sequence[float]) -> Plane:
    """Give the plane at the middle of west, south, east, north (degrees)."""
    west, south, east, north = (float(bound) for bound in bounds)
    middle = (south + north) / 2
    return Plane((west + east) / 2, middle, *metres_per_degree(middle))
