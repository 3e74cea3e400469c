"""The land along the borders: stretches of border between two areas, and what lies near them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.ops import substring

from gridsvc.spatial.plane import MetricPlane

# A line shorter than so many seams is where two areas touch at a corner, and no border.
_CORNER = 4.0
# Borders this close are drawn as one: vertices of one side lie so far off the other's edges.
_SAME_M = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Stretches:
    """Stretches of the borders between two areas.

    ``lines``: WGS84 LineStrings (n,). ``sides``: int32 (n, 2), the indexes of the two areas, the
    smaller first. ``metres``: float64 (n,), lengths in the city's metric plane.
    """

    lines: NDArray[np.object_]
    sides: NDArray[np.int32]
    metres: NDArray[np.float64]
    _projected: NDArray[np.object_]
    _plane: MetricPlane

    def nearest(
        self,
        lon: NDArray[np.float64],
        lat: NDArray[np.float64],
        own: NDArray[np.int32],
        reach_m: float,
    ) -> NDArray[np.int64]:
        """The stretch that each WGS84 point is near, int64 (m,); -1 where there is none.

        That is the nearest within ``reach_m`` metres that parts the point's ``own`` area (its
        index) from another; for a point in no area (``own`` -1) the nearest of all. Of two as
        near, the first.
        """
        found = np.full(len(lon), -1, dtype=np.int64)
        if not len(self.lines) or not len(lon):
            return found
        points = self._plane.project(shapely.points(lon, lat))
        tree = shapely.STRtree(self._projected)
        point, stretch = tree.query(points, predicate="dwithin", distance=reach_m)
        concerned = (own[point] < 0) | (self.sides[stretch] == own[point][:, None]).any(axis=1)
        point, stretch = point[concerned], stretch[concerned]
        metres = shapely.distance(points[point], self._projected[stretch])
        order = np.lexsort((stretch, metres, point))
        point, stretch = point[order], stretch[order]
        first = np.ones(len(point), dtype=bool)
        first[1:] = point[1:] != point[:-1]
        found[point[first]] = stretch[first]
        return found


def stretches_of(
    areas: Sequence[Any], *, plane: MetricPlane, longest_m: float, seam_m: float
) -> Stretches:
    """Cut the borders between areas of one level into stretches of equal length.

    ``areas``: valid WGS84 polygons or multipolygons. ``longest_m``: the length that no stretch
    exceeds. ``seam_m``: borders of two areas no farther apart than this are one border, so that a
    small gap hides none; a border shorter than four times that is a corner and left out. Where two
    areas overlap, the border is that of the first. The city's outer edge is not a border here.
    """
    shapes = np.asarray(plane.project(np.asarray(list(areas), dtype=object)), dtype=object)
    lines: list[Any] = []
    sides: list[tuple[int, int]] = []
    for one, other, line in _borders(shapes, seam_m):
        pieces = math.ceil(line.length / longest_m)
        for k in range(pieces):
            lines.append(substring(line, k / pieces, (k + 1) / pieces, normalized=True))
            sides.append((one, other))
    projected = np.array(lines, dtype=object)
    return Stretches(
        lines=np.asarray(plane.unproject(projected), dtype=object),
        sides=np.array(sides, dtype=np.int32).reshape(-1, 2),
        metres=np.asarray(shapely.length(projected), dtype=np.float64),
        _projected=projected,
        _plane=plane,
    )


def _borders(shapes: NDArray[np.object_], seam_m: float) -> Iterator[tuple[int, int, Any]]:
    """Pairs of areas and each unbroken line of their border, by their indexes."""
    if len(shapes) < 2:
        return
    one, other = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=seam_m)
    pairs = sorted({(i, j) for i, j in zip(one.tolist(), other.tolist(), strict=True) if i < j})
    boundaries = shapely.boundary(shapes)
    drawn_as_one, seams = shapely.buffer(shapes, [[_SAME_M], [seam_m]], quad_segs=2)
    for i, j in pairs:
        common = shapely.intersection(boundaries[i], seams[j])
        # A seam runs on where a third area begins; the border itself, where it has no gap, stops.
        exact = shapely.intersection(boundaries[i], drawn_as_one[j])
        if exact.length >= common.length - _CORNER * seam_m:
            # To a decimetre, which takes off the hooks that the buffer leaves at corners.
            common = shapely.simplify(shapely.line_merge(exact), 2.0 * _SAME_M)
        for line in shapely.get_parts(shapely.line_merge(common)):
            if line.geom_type == "LineString" and line.length >= _CORNER * seam_m:
                yield i, j, line
