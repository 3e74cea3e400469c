"""Borders of two levels that should be one line, and run beside each other.

Where two areas of different parents meet, their border is by definition that of the parents. Its
distance from the parents' border is measured every five metres.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.ops import substring

from gridsvc.spatial.audit.model import AuditFault, FaultKind
from gridsvc.spatial.plane import MetricPlane

Shapes = NDArray[np.object_]
Floats = NDArray[np.float64]

_STEP_M = 5.0
# Two drawings of one border are one border where they are this near.
_SAME_LINE_M = 1.0
# A stretch shorter than this is a corner that two areas share.
_SHORTEST_M = 5.0


def parallel_borders(
    areas: Shapes,
    parents: Shapes,
    own: Sequence[int | None],
    accuracy_m: float,
    plane: MetricPlane,
) -> list[AuditFault]:
    """The borders between areas of different parents that are off the border of these parents.

    ``areas``, ``parents`` (valid, WGS84) and ``own`` as in ``faults_above``. Distances are to the
    nearest place of the line where the two parents meet; parents that do not meet have none, and
    their areas' border is left to ``faults_above``.
    """
    first, second = shapely.STRtree(areas).query(areas, predicate="intersects")
    lines: dict[tuple[int, int], Any] = {}
    flat: dict[int, Any] = {}
    found = []
    for one, other in sorted(zip(first.tolist(), second.tolist(), strict=True)):
        above = own[one], own[other]
        if one >= other or above[0] is None or above[1] is None or above[0] == above[1]:
            continue
        key = (min(above[0], above[1]), max(above[0], above[1]))
        if key not in lines:
            lines[key] = _common_line(*plane.project(parents[list(key)]))
        if shapely.is_empty(lines[key]):
            continue
        for n in (one, other):
            flat.setdefault(n, plane.project(areas[n]))
        stretch = _common_line(flat[one], flat[other])
        fault = _measured((one, other), above, stretch, lines[key], accuracy_m, plane)
        found += [] if fault is None else [fault]
    return found


def _common_line(one: Any, other: Any) -> Any:
    """The border of one area along another, in the metric plane; it may be drawn twice."""
    low = np.maximum(shapely.bounds(one)[:2], shapely.bounds(other)[:2]) - 2 * _SAME_LINE_M
    high = np.minimum(shapely.bounds(one)[2:], shapely.bounds(other)[2:]) + 2 * _SAME_LINE_M
    if (low >= high).any():
        return shapely.MultiLineString()
    first, second = (
        shapely.clip_by_rect(shapely.boundary(area), *low, *high) for area in (one, other)
    )
    near = shapely.buffer(second, _SAME_LINE_M, quad_segs=4)
    line = shapely.intersection(first, near)
    parts = shapely.get_parts(line)
    line = shapely.MultiLineString(list(parts[shapely.get_dimensions(parts) == 1]))
    merged = shapely.get_parts(shapely.line_merge(line))
    lengths = shapely.length(merged)
    # The buffer reaches past the ends of the border, into the next ones.
    kept = [
        substring(part, _SAME_LINE_M, length - _SAME_LINE_M)
        for part, length in zip(merged, lengths.tolist(), strict=True)
        if length > _SHORTEST_M
    ]
    return shapely.MultiLineString(kept)


def _measured(
    members: tuple[int, ...],
    parents: tuple[int, ...],
    stretch: Any,
    line: Any,
    accuracy_m: float,
    plane: MetricPlane,
) -> AuditFault | None:
    points, weights = _stations(stretch)
    if not len(points):
        return None
    shapely.prepare(line)
    distances = shapely.distance(points, line)
    widest = float(distances.max())
    if widest <= _SAME_LINE_M:
        return None
    at = plane.unproject(points[int(distances.argmax())])
    order = np.argsort(distances)
    passed = np.cumsum(weights[order])
    median = float(distances[order][int(np.searchsorted(passed, passed[-1] / 2))])
    return AuditFault(
        kind=FaultKind.PARALLEL_BORDER,
        members=members,
        area_m2=float((distances * weights).sum()),
        width_m=median,
        max_width_m=widest,
        length_m=float(shapely.length(stretch)),
        place=(float(shapely.get_x(at)), float(shapely.get_y(at))),
        geometry=plane.unproject(stretch),
        sliver=widest <= accuracy_m,
        parents=parents,
    )


def _stations(stretch: Any) -> tuple[Shapes, Floats]:
    """Points in the middle of equal steps along the parts of a line, and the metres of each."""
    points, weights = [np.empty(0, dtype=object)], [np.empty(0)]
    for part in shapely.get_parts(stretch):
        length = float(shapely.length(part))
        steps = max(1, round(length / _STEP_M))
        at = (np.arange(steps) + 0.5) * length / steps
        points.append(shapely.line_interpolate_point(part, at))
        weights.append(np.full(steps, length / steps))
    return np.concatenate(points), np.concatenate(weights)
