"""Whose ground lies on the other side of each edge of a fault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.spatial.audit.model import AuditFault, FaultKind

Floats = NDArray[np.float64]

#: The side of an edge that no member of the fault lies behind.
NOBODY = -1
# An edge within 0.1 mm of a border lies on it.
_ON_BORDER_DEG = 1e-9
# A vertex within 10 µm of a segment lies on it, and so near to another it is that one.
_ON_SEGMENT_DEG = 1e-10


@dataclass(frozen=True, slots=True)
class Ring:
    """A closed ring of a fault: float64 (n, 2) without its last vertex again, and int64 (n,).

    ``side[i]`` is the place of the area that lies behind the edge from vertex i to the next.
    """

    xy: Floats
    side: NDArray[np.int64]


def rings_of(fault: AuditFault, areas: NDArray[np.object_]) -> list[Ring]:
    """The rings of a gap, an inlet or an overlap of two, with what lies behind each edge.

    Behind an edge of a gap is the area that it bounds. Behind an edge of an overlap is the claimant
    that goes on there: not the one whose border the edge is.
    """
    rings = []
    for ring in shapely.get_rings(fault.geometry):
        xy = shapely.get_coordinates(ring)
        middle = shapely.points((xy[1:] + xy[:-1]) / 2)
        if fault.kind is FaultKind.OVERLAP:
            first, second = fault.members
            on_first = shapely.dwithin(shapely.boundary(areas[first]), middle, _ON_BORDER_DEG)
            on_second = shapely.dwithin(shapely.boundary(areas[second]), middle, _ON_BORDER_DEG)
            side = np.where(on_first, second, first)
            side[on_first == on_second] = NOBODY
        else:
            side = np.full(len(middle), NOBODY)
            for member in reversed(fault.members):
                side[shapely.dwithin(areas[member], middle, _ON_BORDER_DEG)] = member
        rings.append(Ring(xy[:-1], side.astype(np.int64)))
    return rings


def insert_vertices(area: Any, vertices: Floats) -> shapely.MultiPolygon:
    """An area with the vertices (degrees) that lie on its edges put into them; none moves.

    So that what is cut along them, or added, has its edges in common with the area bit by bit. One
    that is the area's own but for the last digits stays out: beside its twin the ring would turn
    back, cross itself, and be no area to GEOS.
    """
    polygons = []
    box = shapely.box(*vertices.min(axis=0), *vertices.max(axis=0))
    near = shapely.buffer(box, 10 * _ON_SEGMENT_DEG)
    for polygon in shapely.get_parts(area):
        if not shapely.intersects(polygon, near):
            polygons.append(polygon)
            continue
        shell, *holes = (_inserted(ring, vertices) for ring in shapely.get_rings(polygon))
        polygons.append(shapely.Polygon(shell, holes))
    return shapely.MultiPolygon(polygons)


def _inserted(ring: Any, vertices: Floats) -> Floats:
    xy = shapely.get_coordinates(ring)
    twins, _ = shapely.STRtree(shapely.points(xy)).query(
        shapely.points(vertices), predicate="dwithin", distance=_ON_SEGMENT_DEG
    )
    new = np.delete(vertices, np.unique(twins), axis=0)
    if not len(new):
        return np.asarray(xy)
    segments = shapely.linestrings(np.stack([xy[:-1], xy[1:]], axis=1))
    point, segment = shapely.STRtree(segments).query(
        shapely.points(new), predicate="dwithin", distance=_ON_SEGMENT_DEG
    )
    _, first = np.unique(point, return_index=True)
    point, segment = point[first], segment[first]
    along = ((new[point] - xy[segment]) * (xy[segment + 1] - xy[segment])).sum(axis=1)
    order = np.lexsort((along, segment))
    return np.insert(xy, segment[order] + 1, new[point[order]], axis=0)
