"""The area of what is straight in degrees, against PROJ's equal-area plane and its geodesics."""

import numpy as np
import pytest
import shapely
from pyproj import Geod
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box
from shapely.ops import split

from gridsvc.registry.districts import read_districts
from gridsvc.spatial.ellipsoid import area_m2
from tests.plane import PLANE


def _by_proj(geometry: object, step_degrees: float) -> float:
    return float(shapely.area(PLANE.project(shapely.segmentize(geometry, step_degrees))))


def test_a_district_has_the_area_that_proj_finds_when_its_edges_are_cut_short() -> None:
    districts = [district.geometry for district in read_districts()]
    ours = area_m2(districts)
    proj = [_by_proj(district, 1e-4) for district in districts]
    np.testing.assert_allclose(ours, proj, rtol=2e-9)


def test_a_hundred_metre_square_has_ten_thousand_square_metres() -> None:
    lon, lat = 116.4, 39.9
    geod = Geod(ellps="WGS84")
    east = geod.fwd(lon, lat, 90, 100)[0]
    north = geod.fwd(lon, lat, 0, 100)[1]
    assert area_m2(box(lon, lat, east, north)) == pytest.approx(10_000, rel=2e-5)


def test_a_line_across_a_polygon_divides_its_area_without_rest() -> None:
    whole = Polygon([(116.1, 39.7), (116.9, 39.75), (116.7, 40.3), (116.2, 40.2)])
    halves = shapely.get_parts(split(whole, LineString([(116.0, 39.8), (117.0, 40.1)])))
    assert len(halves) == 2
    assert area_m2(halves).sum() == pytest.approx(float(area_m2(whole)), rel=1e-12)


def test_holes_are_taken_off_and_parts_are_added() -> None:
    shell, hole, island = (
        box(116, 39, 116.4, 39.4),
        box(116.1, 39.1, 116.2, 39.2),
        box(117, 39, 117.1, 39.1),
    )
    with_hole = shell.difference(hole)
    areas = area_m2([shell, hole, island, MultiPolygon([with_hole, island])])
    assert areas[3] == pytest.approx(areas[0] - areas[1] + areas[2], rel=1e-12)


def test_the_whole_earth_has_its_known_area() -> None:
    assert area_m2(box(-180, -90, 180, 90)) == pytest.approx(5.10065621724e14, rel=1e-11)


def test_what_is_no_polygon_has_no_area() -> None:
    assert area_m2([Point(1, 2), Polygon(), LineString([(0, 0), (1, 1)])]).tolist() == [
        0,
        0,
        0,
    ]
