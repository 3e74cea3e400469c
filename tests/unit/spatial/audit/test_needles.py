"""Needles of no width are taken off a face, and points inside a face are not taken in them."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from gridsvc.spatial.audit.net import inner_points, without_needles

#: A square with a needle of no width, twice as long as the square, at its lower right corner.
PLAIN = shapely.Polygon([(116.4, 39.9), (116.401, 39.9), (116.401, 39.901), (116.4, 39.901)])
POINTED = shapely.Polygon(
    [(116.4, 39.9), (116.401, 39.898), (116.401, 39.9), (116.401, 39.901), (116.4, 39.901)]
)
NEEDLED = shapely.Polygon(
    [(116.4, 39.9), (116.401, 39.9), (116.401, 39.898), (116.401 + 1e-14, 39.901), (116.4, 39.901)]
)


def test_a_needle_is_taken_off_and_nothing_else():
    plain, pointed, needled = without_needles(np.array([PLAIN, POINTED, NEEDLED], dtype=object))
    assert plain is PLAIN
    assert pointed is POINTED
    assert needled.area == pytest.approx(PLAIN.area, rel=1e-9)
    assert needled.length == pytest.approx(PLAIN.length, rel=1e-9)


def test_no_polygons_have_no_needles():
    assert len(without_needles(np.empty(0, dtype=object))) == 0


def test_a_point_inside_is_not_in_a_needle():
    assert shapely.distance(shapely.boundary(NEEDLED), shapely.point_on_surface(NEEDLED)) < 1e-10
    (point,) = inner_points(np.array([NEEDLED], dtype=object))
    assert shapely.contains(PLAIN, point)
    assert shapely.distance(shapely.boundary(NEEDLED), point) > 1e-6
