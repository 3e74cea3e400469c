"""An area divided among seeds: whole, watertight, connected, and the same every time."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridsvc.errors import BadGeometry
from gridsvc.spatial.coverage import is_watertight
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.partition import partition
from tests.plane import PLANE

UNKNOWN = (np.nan, np.nan)
SQUARE = shapely.box(116.30, 39.80, 116.40, 39.88)
# A horseshoe: what is near across the gap is not connected.
HORSESHOE = shapely.Polygon(
    [
        (116.30, 39.80),
        (116.40, 39.80),
        (116.40, 39.88),
        (116.37, 39.88),
        (116.37, 39.82),
        (116.33, 39.82),
        (116.33, 39.88),
        (116.30, 39.88),
    ]
)
RING = shapely.difference(SQUARE, shapely.box(116.33, 39.82, 116.37, 39.86))


def drawn(parent, seeds, **limits):
    return partition(parent, seeds, plane=PLANE, **limits)


def shares(children):
    areas = area_m2(children)
    return areas / areas.sum()


def assert_divides(parent, children):
    assert all(shapely.is_valid(children))
    assert len(children) == 1 or shapely.coverage_is_valid(children)
    together = shapely.union_all(children)
    assert shapely.symmetric_difference(together, parent).area < 1e-13
    reach = shapely.buffer(parent, 1e-9)
    assert all(shapely.covers(reach, child) for child in children)


places = st.lists(
    st.one_of(st.just(UNKNOWN), st.tuples(st.floats(116.29, 116.41), st.floats(39.79, 39.89))),
    min_size=1,
    max_size=9,
)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from([SQUARE, HORSESHOE, RING]), places)
def test_children_are_connected_areas_that_make_up_the_parent(parent, seeds):
    children = drawn(parent, np.array(seeds))
    assert len(children) == len(seeds)
    assert_divides(parent, children)
    assert all(len(child.geoms) == 1 for child in children)
    assert all(area_m2(children) > 1000)


def test_the_parent_s_vertices_stay_bit_by_bit():
    children = drawn(HORSESHOE, np.array([(116.31, 39.86), (116.39, 39.86), UNKNOWN]))
    kept = {tuple(xy) for xy in shapely.get_coordinates(children)}
    assert {tuple(xy) for xy in shapely.get_coordinates(HORSESHOE)} <= kept


def test_the_same_seeds_give_the_same_children():
    seeds = np.array([(116.31, 39.86), UNKNOWN, (116.39, 39.86), UNKNOWN])
    first = [child.wkb for child in drawn(RING, seeds)]
    assert first == [child.wkb for child in drawn(RING, seeds)]


def test_a_lone_seed_gets_the_parent_as_it_is():
    (child,) = drawn(RING, np.array([UNKNOWN]))
    assert shapely.equals_exact(child, shapely.MultiPolygon([RING]))


def test_where_no_centre_is_known_the_shares_are_about_equal():
    children = drawn(SQUARE, np.full((7, 2), np.nan), least=0.95, most=1.05)
    assert shares(children) == pytest.approx(np.full(7, 1 / 7), rel=0.12)


def test_a_place_belongs_to_the_nearest_seed_where_areas_are_sane():
    seeds = np.array([(116.32, 39.84), (116.38, 39.84)])
    children = drawn(SQUARE, seeds)
    for seed, child in zip(seeds, children, strict=True):
        assert shapely.covers(child, shapely.Point(seed))
    assert shares(children) == pytest.approx([0.5, 0.5], abs=0.01)


def test_crowded_seeds_still_get_the_least_share():
    seeds = np.array([(116.34, 39.84), (116.35, 39.84), (116.36, 39.84)])
    assert shares(drawn(SQUARE, seeds, least=0.0, most=100.0)).min() < 0.15
    assert shares(drawn(SQUARE, seeds, least=0.75)).min() > 0.9 * 0.75 / 3


def test_seeds_in_one_place_all_get_an_area():
    children = drawn(SQUARE, np.array([(116.35, 39.84)] * 5))
    assert_divides(SQUARE, children)
    assert shares(children).min() > 0.05


def test_a_seed_whose_cell_misses_the_area_still_gets_a_child():
    seeds = np.array([(115.0, 39.84), (116.31, 39.84), (116.39, 39.84)])
    children = drawn(SQUARE, seeds, least=0.0, most=100.0)
    assert_divides(SQUARE, children)
    assert shares(children).min() > 0.2


def test_lines_that_should_meet_in_a_point_do():
    vertices = shapely.get_coordinates(drawn(SQUARE, np.full((40, 2), np.nan)))
    points = shapely.points(np.unique(vertices, axis=0))
    tree = shapely.STRtree(points)
    assert len(tree.query(points, predicate="dwithin", distance=1e-8)[0]) == len(points)


def test_an_exclave_without_a_seed_goes_whole_to_the_nearest_child():
    exclave = shapely.box(116.42, 39.83, 116.43, 39.84)
    parent = shapely.MultiPolygon([SQUARE, exclave])
    west, east = drawn(parent, np.array([(116.31, 39.84), (116.39, 39.84)]))
    assert len(west.geoms) == 1
    assert len(east.geoms) == 2
    assert shapely.covers(east, exclave)


def test_an_exclave_with_a_seed_is_that_child_alone():
    exclave = shapely.box(116.42, 39.83, 116.43, 39.84)
    parent = shapely.MultiPolygon([SQUARE, exclave])
    _, own = drawn(parent, np.array([(116.31, 39.84), (116.425, 39.835)]))
    assert shapely.equals(own, exclave)


def test_a_divided_square_is_watertight():
    assert is_watertight(drawn(SQUARE, np.full((20, 2), np.nan)))


@pytest.mark.parametrize(
    "parent", [shapely.Polygon(), shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])]
)
def test_an_empty_or_broken_parent_is_refused(parent):
    with pytest.raises(BadGeometry, match="repair it first"):
        drawn(parent, np.array([UNKNOWN, UNKNOWN]))


def test_nothing_to_divide_among_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="at least one seed"):
        drawn(SQUARE, np.empty((0, 2)))
