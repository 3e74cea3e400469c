"""Disputed ground found in layers of areas, and ground that changes hands."""

from __future__ import annotations

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.spatial.disputed import (
    DisputeKind,
    Layer,
    disputed_places,
    left_in,
    overlap_share,
    same_sides,
    width_m,
)
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.reassigned import holder_at, reassigned
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


def test_a_moved_border_takes_ground_from_one_and_gives_it_to_the_other() -> None:
    before = {WEST: box(0, 0, 1000, 1000), EAST: box(1000, 0, 2000, 1000)}
    after = {WEST: box(0, 0, 970, 1000), EAST: box(970, 0, 2000, 1000)}

    moved = reassigned(before, after)

    (transfer,) = moved.transfers
    assert (transfer.giver, transfer.taker) == (WEST, EAST)
    assert transfer.area_m2 == pytest.approx(30 * 1000, rel=2e-3)
    assert (moved.overlapping_m2, moved.unclaimed_m2) == (0.0, 0.0)


def test_ground_given_away_without_a_taker_is_unclaimed() -> None:
    before = {WEST: box(0, 0, 1000, 1000), EAST: box(1000, 0, 2000, 1000)}

    moved = reassigned(before, before | {WEST: box(0, 0, 970, 1000)})

    assert [(it.giver, it.taker) for it in moved.transfers] == [(WEST, None)]
    assert moved.unclaimed_m2 == pytest.approx(30 * 1000, rel=2e-3)


@given(
    st.lists(
        st.tuples(st.integers(0, 800), st.integers(0, 800), st.integers(20, 900)),
        min_size=2,
        max_size=5,
    ),
    st.integers(20, 900),
)
def test_what_each_area_holds_changes_by_what_it_takes_and_gives(
    drawn: list[tuple[int, int, int]], size: int
) -> None:
    """Whatever is drawn: the smallest code has what several cover, and the sums agree."""
    before = {f"11010200{n}": box(x, y, x + s, y + s) for n, (x, y, s) in enumerate(drawn)}
    after = before | {"110102001": box(100, 100, 100 + size, 100 + size)}

    moved = reassigned(before, after)

    for code in before:
        gained = sum(it.area_m2 for it in moved.transfers if it.taker == code)
        lost = sum(it.area_m2 for it in moved.transfers if it.giver == code)
        assert held_m2(after, code) - held_m2(before, code) == pytest.approx(
            gained - lost, abs=0.05
        )
    for it in moved.transfers:
        point = it.geometry.representative_point()
        assert holder_at(before, point) == it.giver
        assert holder_at(after, point) == it.taker


def held_m2(areas: dict[str, shapely.Polygon], code: str) -> float:
    smaller = shapely.union_all([area for it, area in areas.items() if it < code])
    held = [it for it in shapely.get_parts(areas[code].difference(smaller)) if it.area]
    return float(area_m2(held).sum())
