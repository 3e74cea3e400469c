"""Disputed ground found in layers of areas, and ground that changes hands."""

from __future__ import annotations

import pytest
import shapely

from gridsvc.spatial.disputed import (
    DisputeKind,
    Layer,
    disputed_places,
    left_in,
    overlap_share,
    same_sides,
    width_m,
)
from tests.plane import PLANE

#: One degree of longitude and of latitude at 116.3, 39.9, in metres.
LON_M, LAT_M = 85_480.0, 111_030.0
WEST, EAST = "110102020", "110106002"


def box(west_m: float, south_m: float, east_m: float, north_m: float) -> shapely.Polygon:
    """A box by metres east and north of a corner of the city."""
    lon, lat = 116.3, 39.9
    return shapely.box(
        lon + west_m / LON_M, lat + south_m / LAT_M, lon + east_m / LON_M, lat + north_m / LAT_M
    )


def two(west_until_m: float, east_from_m: float) -> Layer:
    areas = [box(0, 0, west_until_m, 1000), box(east_from_m, 0, 2000, 1000)]
    return Layer([WEST, EAST], areas, 5.0)


DISTRICTS = Layer(["110102", "110106"], [box(0, 0, 1000, 1000), box(1000, 0, 2000, 1000)], 5.0)


def test_an_overlap_wider_than_the_accuracy_is_a_place_of_its_two_sides() -> None:
    (place,) = disputed_places(two(1000, 980), plane=PLANE)

    assert (place.kind, place.sides) == (DisputeKind.OVERLAP, (WEST, EAST))
    assert place.area_m2 == pytest.approx(20 * 1000, rel=2e-3)
    assert place.width_m == pytest.approx(20, rel=0.01)


def test_an_overlap_narrower_than_the_accuracy_is_two_drawings_of_one_line() -> None:
    assert disputed_places(two(1000, 996), plane=PLANE) == []


def test_a_gap_has_the_areas_around_it_as_sides_the_longest_border_first() -> None:
    hole = box(400, 400, 460, 600)
    around = [box(0, 0, 430, 1000).difference(hole), box(430, 0, 900, 500).difference(hole)]
    around.append(box(430, 500, 900, 1000).difference(hole))
    layer = Layer(["110102001", "110102002", "110102003"], around, 5.0)

    (place,) = disputed_places(layer, plane=PLANE)

    assert place.kind is DisputeKind.GAP
    assert place.sides[0] == "110102001"
    assert set(place.sides) == set(layer.codes)
    assert place.width_m == pytest.approx(60, rel=0.01)


def test_ground_that_nobody_claims_is_a_place_even_where_it_is_open_to_the_outside() -> None:
    areas = [box(0, 0, 1000, 1000), box(1000, 0, 2000, 1000).difference(box(1000, -1, 1015, 900))]

    (place,) = disputed_places(Layer([WEST, EAST], areas, 5.0), plane=PLANE)

    assert (place.kind, set(place.sides)) == (DisputeKind.GAP, {WEST, EAST})
    assert place.area_m2 == pytest.approx(15 * 900, rel=0.01)


def test_a_street_inside_another_district_is_a_conflict_with_the_street_beside_it() -> None:
    (place,) = disputed_places(two(1060, 1060), DISTRICTS, plane=PLANE)

    assert (place.kind, place.sides) == (DisputeKind.CONFLICT, (WEST, EAST))
    assert place.area_m2 == pytest.approx(60 * 1000, rel=2e-3)


def test_without_a_street_of_the_other_district_the_district_is_the_side() -> None:
    (place,) = disputed_places(Layer([WEST], [box(0, 0, 1060, 1000)], 5.0), DISTRICTS, plane=PLANE)

    assert place.sides == (WEST, "110106")


def test_two_levels_are_as_far_apart_as_both_are_inaccurate() -> None:
    assert disputed_places(two(1009, 1009), DISTRICTS, plane=PLANE) == []
    assert len(disputed_places(two(1011, 1011), DISTRICTS, plane=PLANE)) == 1


def test_ground_that_three_areas_claim_is_one_place_with_three_sides() -> None:
    codes = [WEST, EAST, "110106003"]
    areas = [box(0, 0, 1000, 100), box(900, 0, 2000, 100), box(900, 0, 1000, 100)]

    (place,) = disputed_places(Layer(codes, areas, 5.0), plane=PLANE)

    assert set(place.sides) == set(codes)


def test_an_overlap_of_two_districts_streets_is_not_listed_again_as_a_conflict() -> None:
    (place,) = disputed_places(two(1060, 1000), DISTRICTS, plane=PLANE)

    assert place.kind is DisputeKind.OVERLAP


def test_ground_is_left_until_one_area_alone_has_it() -> None:
    ground = box(980, 0, 1000, 1000)

    assert left_in(ground, two(1000, 1000), plane=PLANE) == []
    assert left_in(ground, two(980, 980), plane=PLANE) == []
    assert len(left_in(ground, two(1000, 980), plane=PLANE)) == 1
    assert len(left_in(ground, two(980, 1000), plane=PLANE)) == 1
    assert len(left_in(ground, two(960, 960), DISTRICTS, plane=PLANE)) == 1


def test_streets_are_sides_of_what_their_districts_are_sides_of() -> None:
    assert same_sides([WEST, EAST], ["110106", "110102"])
    assert same_sides([WEST, EAST], [WEST, EAST, "110106003"])
    assert not same_sides([WEST, EAST], [WEST, "110106003"])


def test_the_share_of_a_place_is_of_the_smaller_one() -> None:
    assert overlap_share(box(0, 0, 100, 100), box(50, 0, 1000, 1000)) == pytest.approx(0.5)


def test_a_width_is_that_of_the_widest_place() -> None:
    ground = shapely.union_all([box(0, 0, 1000, 4), box(500, 0, 530, 30)])
    assert width_m(ground, PLANE) == pytest.approx(30, rel=0.01)
