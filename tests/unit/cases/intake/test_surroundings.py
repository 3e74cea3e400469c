"""Reports at one place come one after the other: whoever is close shares a lock."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from gridsvc.cases.intake.repository import box_around, surroundings
from gridsvc.city.classes import STANDARD, ClassKey

GEOD = Geod(ellps="WGS84")
BUILDING = ClassKey(STANDARD, "event", "06001")


def cells(lon, lat, key=BUILDING):
    return surroundings(lon, lat, 250.0, key)


@given(
    st.floats(-179, 179),
    st.floats(-80, 80),
    st.floats(0, 360),
    st.floats(0, 249.9),
)
def test_two_places_within_the_distance_share_a_cell(lon, lat, direction, metres):
    there = GEOD.fwd(lon, lat, direction, metres)[:2]
    assert set(cells(lon, lat)) & set(cells(*there))


@given(st.floats(-179, 179), st.floats(-80, 80))
def test_a_place_locks_few_cells_and_in_one_order(lon, lat):
    found = cells(lon, lat)
    assert len(found) <= 9
    assert found == sorted(set(found))


def test_places_a_kilometre_apart_and_other_classes_do_not_wait_for_each_other():
    here = set(cells(116.32, 39.885))
    assert not here & set(cells(116.332, 39.885))
    assert not here & set(cells(116.32, 39.885, ClassKey(STANDARD, "event", "06002")))


@given(
    st.floats(-179, 179),
    st.floats(-80, 80),
    st.floats(0, 360),
    st.floats(0, 2_000),
)
def test_the_box_around_a_place_holds_all_within_the_distance(lon, lat, direction, metres):
    west, south, east, north = box_around(lon, lat, 2_000.0)
    there = GEOD.fwd(lon, lat, direction, metres)
    assert west <= there[0] <= east or abs(there[0] - lon) > 180
    assert south <= there[1] <= north
