"""The size, width and place of a fault."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import shapely

from gridsvc.spatial.audit.model import AuditFault, FaultKind
from gridsvc.spatial.ellipsoid import area_m2, length_m
from gridsvc.spatial.plane import MetricPlane

#: Thinner in the mean than this, a place is the rounding of coordinates: 10 µm.
ROUNDING_M = 1e-5
#: Smaller than this, a place is the rounding of coordinates.
ROUNDING_M2 = 1e-3
# The widest width is found to this part of itself.
_FINENESS = 0.005


def fault_at(
    kind: FaultKind,
    members: tuple[int, ...],
    geometry: Any,
    accuracy_m: float,
    plane: MetricPlane,
    *,
    parents: tuple[int, ...] = (),
    mouth_m: float = 0.0,
    reason: str = "",
) -> AuditFault:
    """Measure the ground of a fault: one polygon in WGS84.

    ``mouth_m`` is the width of an inlet's mouth.
    """
    size = float(area_m2(geometry))
    flat = plane.project(geometry)
    half_perimeter_m = float(shapely.length(flat)) / 2
    widest = max(max_width_m(flat), mouth_m)
    point = shapely.point_on_surface(geometry)
    return AuditFault(
        kind=kind,
        members=members,
        area_m2=size,
        width_m=size / half_perimeter_m if half_perimeter_m else 0.0,
        max_width_m=widest,
        length_m=half_perimeter_m,
        place=(float(shapely.get_x(point)), float(shapely.get_y(point))),
        geometry=geometry,
        sliver=widest <= accuracy_m,
        parents=parents,
        reason=reason,
    )


def is_rounding(geometry: Any) -> bool:
    """Whether a polygon (WGS84) is too small or too thin to be geometry."""
    size = float(area_m2(geometry))
    if size < ROUNDING_M2:
        return True
    return size < ROUNDING_M * float(length_m(shapely.boundary(geometry))) / 2


def max_width_m(polygon: Any) -> float:
    """The diameter of the largest circle in a polygon of a metric plane, to half a percent.

    By halving: a circle fits as long as the polygon, shrunk by its radius, is not empty. (The
    usual search by squares needs a square for each width along a sliver.)
    """
    size, perimeter = float(shapely.area(polygon)), float(shapely.length(polygon))
    if not size or not perimeter:
        return 0.0
    west, south, _, _ = shapely.bounds(polygon)
    near = shapely.transform(polygon, lambda xy: xy - np.array([west, south]))
    # A circle of radius area / perimeter always fits; one larger than the polygon never does.
    least, most = size / perimeter, math.sqrt(size / math.pi)
    while most > least * (1 + _FINENESS):
        middle = math.sqrt(least * most)
        if shapely.is_empty(shapely.buffer(near, -middle, quad_segs=2, join_style="mitre")):
            most = middle
        else:
            least = middle
    return 2 * least
