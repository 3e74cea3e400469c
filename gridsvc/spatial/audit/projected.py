"""Overlaps as tools count them that project every area by itself before they compare two.

The audit nodes first, because two sides with different vertices on one straight line part when each
is projected, and overlap where no overlap is. Other tools and older reports did not, so their
figures are larger; this counts in their way, to hold both side by side. It is not a finding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.errors import BadInput
from gridsvc.spatial.audit.within import sound_areas
from gridsvc.spatial.crs import from_wgs84, parse_crs


@dataclass(frozen=True, slots=True)
class ProjectedOverlaps:
    """The pairs of areas (n, 2; places in the list, first < second) that overlap in a plane.

    ``area_m2`` (n,) are planar, the largest first; ``crs`` is the plane.
    """

    crs: str
    pairs: NDArray[np.int64]
    area_m2: NDArray[np.float64]


def overlaps_when_projected(geometries: Sequence[Any], crs: str) -> ProjectedOverlaps:
    """Project each area to ``crs``, vertex by vertex, and intersect all pairs there.

    ``geometries`` are WGS84; broken ones are repaired first. Raises UnknownCrs, and BadInput when
    the system has no plane in metres.
    """
    plane = parse_crs(crs)
    units = [] if plane.definition is None else plane.definition.axis_info
    if plane.in_degrees or any(axis.unit_conversion_factor != 1.0 for axis in units):
        raise BadInput(
            f"{plane.name} is not a plane in metres; name a projected system, such as EPSG:4548.",
            field="projected",
        )
    areas, _ = sound_areas(geometries)
    flat = shapely.transform(
        areas, lambda xy: np.column_stack(from_wgs84(xy[:, 0], xy[:, 1], plane))
    )
    flat = shapely.make_valid(flat)
    first, second = shapely.STRtree(flat).query(flat, predicate="intersects")
    once = first < second
    pairs = np.column_stack([first[once], second[once]]).astype(np.int64)
    sizes = shapely.area(shapely.intersection(flat[pairs[:, 0]], flat[pairs[:, 1]]))
    order = np.lexsort((pairs[:, 1], pairs[:, 0], -sizes))
    order = order[sizes[order] > 0]
    return ProjectedOverlaps(plane.name, pairs[order], sizes[order])
