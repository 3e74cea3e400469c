"""Needles: what is left of two edges that should be one and differ in their last digits.

A node that falls a hair beside an edge leaves a face with a needle of no width. It has no area,
but it makes the face's edge long, and a point that is taken inside it says nothing of the face.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

__all__ = ["inner_points", "point_in", "without_needles"]

Floats = NDArray[np.float64]
Shapes = NDArray[np.object_]

# Nearer than this two lines are one, and a point is on a line: 10 µm.
_HAIR_DEG = 1e-10


def without_needles(polygons: Shapes) -> Shapes:
    """The polygons (WGS84) without their needles; those that have none as they are.

    A vertex is the tip of a needle where the edge back runs along the edge there, within 10 µm.
    """
    if not len(polygons):
        return polygons
    rings, of_polygon = shapely.get_rings(polygons, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    begin = np.flatnonzero(np.diff(ring, prepend=-1))
    last = np.append(begin[1:], len(xy)) - 1
    before, after = np.arange(len(xy)) - 1, np.arange(len(xy)) + 1
    # A ring ends where it begins.
    before[begin] = last - 1
    after[last] = begin + 1
    pointed = np.unique(of_polygon[ring[_tips(xy[before], xy, xy[after])]])
    cleaned = polygons.copy()
    for n in pointed.tolist():
        cleaned[n] = _cleaned(polygons[n])
    return cleaned


def inner_points(polygons: Shapes) -> Shapes:
    """A point inside each polygon, more than 10 µm from its edge where that can be."""
    points = shapely.point_on_surface(polygons)
    on_edge = shapely.dwithin(shapely.boundary(polygons), points, _HAIR_DEG)
    random = np.random.default_rng(0)
    for n in np.flatnonzero(on_edge).tolist():
        points[n] = point_in(polygons[n], random)
    return np.asarray(points, dtype=object)


def point_in(polygon: Any, random: np.random.Generator) -> Any:
    """A random point in the largest triangle of a polygon."""
    triangles = shapely.get_parts(shapely.constrained_delaunay_triangles(polygon))
    if not len(triangles):
        return shapely.point_on_surface(polygon)
    largest = triangles[int(np.argmax(shapely.area(triangles)))]
    weights = random.dirichlet((2.0, 2.0, 2.0))
    return shapely.points(weights @ shapely.get_coordinates(largest)[:3])


def _tips(before: Floats, at: Floats, after: Floats) -> NDArray[np.bool_]:
    """Which of k vertices are tips; float64 (k, 2) each."""
    there, back = before - at, after - at
    same_way = (there * back).sum(axis=1) > 0
    across = np.abs(there[:, 0] * back[:, 1] - there[:, 1] * back[:, 0])
    longer = np.maximum(np.hypot(*there.T), np.hypot(*back.T))
    return np.asarray(same_way & (across <= _HAIR_DEG * longer), dtype=np.bool_)


def _cleaned(polygon: Any) -> Any:
    """The polygon without its needles; as it is where nothing else would be left of it."""
    rings = []
    for ring in shapely.get_rings(polygon):
        xy = shapely.get_coordinates(ring)[:-1]
        while len(xy) > 3:
            tips = _tips(np.roll(xy, 1, axis=0), xy, np.roll(xy, -1, axis=0))
            if not tips.any():
                break
            # One at a time: what is a tip may change with its neighbour.
            xy = np.delete(xy, int(np.argmax(tips)), axis=0)
        rings.append(xy)
    cleaned = shapely.Polygon(rings[0], rings[1:])
    return cleaned if shapely.is_valid(cleaned) and shapely.area(cleaned) > 0 else polygon
