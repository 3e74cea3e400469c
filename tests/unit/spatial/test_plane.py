"""The flat planes: true areas, the way back, and boxes with a margin in metres."""

from __future__ import annotations

import pickle

import pyproj
import pytest
import shapely

from gridsvc.errors import BadCoordinate
from gridsvc.spatial.ellipsoid import area_m2, distance_m
from gridsvc.spatial.plane import LocalPlane, MetricPlane, extent_m, surroundings
from tests.plane import PLANE


def test_areas_in_the_metric_plane_are_true_on_the_ellipsoid() -> None:
    boxes = [shapely.box(x, 39.5, x + 0.01, 39.51) for x in (115.5, 116.4, 117.4)]
    geod = pyproj.Geod(ellps="WGS84")
    true = [abs(geod.geometry_area_perimeter(box.segmentize(1e-5))[0]) for box in boxes]
    fine = [box.segmentize(1e-4) for box in boxes]
    assert shapely.area(PLANE.project(fine)) == pytest.approx(true, rel=1e-7)
    assert area_m2(boxes) == pytest.approx(true, rel=1e-7)


def test_projecting_and_coming_back_ends_within_a_millimetre() -> None:
    point = shapely.Point(116.357, 39.916)
    back = PLANE.unproject(PLANE.project(point))
    assert distance_m(back.x, back.y, point.x, point.y) < 1e-3


def test_two_cities_have_planes_of_their_own() -> None:
    other = MetricPlane.at(121.47, 31.23)
    here = shapely.Point(121.47, 31.23)
    assert shapely.distance(other.project(here), shapely.Point(0, 0)) < 1e-6
    assert shapely.distance(PLANE.project(here), shapely.Point(0, 0)) > 1e6
    assert pickle.loads(pickle.dumps(other)) == other != PLANE


def test_a_centre_that_is_no_place_is_refused() -> None:
    with pytest.raises(BadCoordinate, match="swapped"):
        MetricPlane.at(40.2, 116.4)


def test_straight_lines_stay_straight_in_a_local_plane() -> None:
    line = shapely.LineString([(116.30, 39.90), (116.31, 39.93)])
    middle = line.interpolate(0.5, normalized=True)
    plane = LocalPlane.amid(line.bounds)
    assert shapely.distance(plane.project(line), plane.project(middle)) < 1e-9
    assert plane.project(line).length == pytest.approx(
        distance_m(116.30, 39.90, 116.31, 39.93), rel=1e-3
    )


def test_surroundings_have_their_margin_on_every_side() -> None:
    ground = shapely.box(116.30, 39.90, 116.31, 39.92)
    west, south, east, north = surroundings(ground, 100.0).bounds
    assert distance_m(west, 39.91, 116.30, 39.91) == pytest.approx(100.0, rel=1e-3)
    assert distance_m(116.305, north, 116.305, 39.92) == pytest.approx(100.0, rel=1e-3)
    assert extent_m(ground) == pytest.approx(
        (distance_m(116.30, 39.91, 116.31, 39.91), distance_m(116.3, 39.90, 116.3, 39.92)), rel=1e-3
    )
    assert (east, south) > (116.31, 39.0)
