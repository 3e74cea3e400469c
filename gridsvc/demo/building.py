"""A building astride a border: where it stands, and a point on either side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import LineString, MultiPolygon, Point, Polygon

from gridsvc.errors import NotFound
from gridsvc.spatial.plane import MetricPlane

#: Ground plan in metres, across the border and along it.
_ACROSS_M, _ALONG_M = 26.0, 14.0
#: The border does not halve it: the lead's side has a little more.
_SHIFT_M = 1.5
_STREET_DOOR_M = 9.0


@dataclass(frozen=True, slots=True)
class Building:
    """Footprint, and a point inside on the lead's and on the other side, all in WGS84."""

    footprint: Polygon
    lead_point: Point
    other_point: Point


def building_astride(lead: MultiPolygon, other: MultiPolygon, plane: MetricPlane) -> Building:
    """A building on the middle of the longest straight piece of the two areas' common border.

    ``lead`` and ``other`` are in WGS84. Raises NotFound when they share no border.
    """
    shared = shapely.intersection(lead.boundary, other.boundary)
    lines = [part for part in shapely.get_parts(shared) if isinstance(part, LineString)]
    pieces = [
        LineString(pair)
        for line in map(plane.project, lines)
        for pair in zip(line.coords, line.coords[1:], strict=False)
    ]
    if not pieces:
        raise NotFound("The two areas share no border, so no building can straddle it.")
    piece = max(pieces, key=lambda line: line.length)
    middle = np.array(piece.interpolate(0.5, normalized=True).coords[0])
    start, end = np.array(piece.coords[0]), np.array(piece.coords[1])
    along = (end - start) / np.hypot(*(end - start))
    across = np.array([-along[1], along[0]])
    if not plane.unproject(Point(middle + across * _STREET_DOOR_M)).within(lead):
        across = -across
    centre = middle + across * _SHIFT_M
    corners = [
        centre + a * across * _ACROSS_M / 2 + b * along * _ALONG_M / 2
        for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]
    return Building(
        footprint=plane.unproject(Polygon(corners)),
        lead_point=plane.unproject(Point(middle + across * _STREET_DOOR_M)),
        other_point=plane.unproject(Point(middle - across * _STREET_DOOR_M)),
    )
