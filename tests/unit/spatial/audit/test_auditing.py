"""Faults inside one set of areas are found with size, width, areas and place."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from gridsvc.spatial.audit import FaultKind, audit_areas
from gridsvc.spatial.ellipsoid import area_m2
from tests.plane import PLANE
from tests.unit.spatial.audit.plan import box, placed, polygon

LEFT, RIGHT = box(0, 0, 100, 100), box(100, 0, 200, 100)


def _only(areas, kind, **how):
    found = audit_areas(areas, plane=PLANE, **how)
    assert {fault.kind for fault in found.faults} == {kind}
    return found.of(kind)


def test_areas_that_fit_have_no_faults():
    assert audit_areas([LEFT, RIGHT], plane=PLANE).faults == ()


def test_an_overlap_has_its_size_width_pair_and_a_place_inside():
    (overlap,) = _only([LEFT, box(98, 0, 200, 100)], FaultKind.OVERLAP)
    assert overlap.members == (0, 1)
    assert overlap.area_m2 == pytest.approx(200.0, rel=1e-3)
    assert overlap.width_m == pytest.approx(2 * 200 / 204, rel=1e-3)
    assert overlap.max_width_m == pytest.approx(2.0, rel=1e-2)
    assert shapely.contains(overlap.geometry, shapely.Point(overlap.place))
    assert not overlap.sliver


def test_the_accuracy_says_what_a_sliver_is():
    areas = [LEFT, box(98, 0, 200, 100)]
    assert audit_areas(areas, plane=PLANE, accuracy_m=2.1).slivers
    assert not audit_areas(areas, plane=PLANE, accuracy_m=1.9).slivers


def test_a_gap_names_the_areas_around_it_the_longest_border_first():
    around = [
        box(0, 0, 300, 100),
        polygon((0, 100), (100, 100), (100, 150), (0, 150)),
        polygon((110, 100), (300, 100), (300, 150), (110, 150)),
        box(0, 150, 300, 200),
    ]
    (gap,) = _only(around, FaultKind.GAP)
    assert gap.area_m2 == pytest.approx(500.0, rel=1e-3)
    assert gap.max_width_m == pytest.approx(10.0, rel=1e-2)
    assert gap.members == (1, 2, 0, 3)


def test_ground_of_three_claimants_is_not_counted_in_pairs():
    third = box(90, 40, 120, 60)
    faults = _only([LEFT, RIGHT, third, box(95, 40, 105, 60)], FaultKind.OVERLAP)
    sizes = {fault.members: round(fault.area_m2) for fault in faults}
    assert sizes == {(0, 2): 100, (0, 2, 3): 100, (1, 2, 3): 100, (1, 2): 300}


def test_an_area_over_the_border_of_two_others_overlaps_each():
    faults = _only([LEFT, RIGHT, box(90, 20, 130, 40)], FaultKind.OVERLAP)
    sizes = {fault.members: round(fault.area_m2) for fault in faults}
    assert sizes == {(0, 2): 200, (1, 2): 600}


def test_areas_of_one_shape_are_duplicates_and_no_overlap():
    turned = shapely.Polygon(shapely.get_coordinates(LEFT)[::-1])
    (duplicate,) = _only([LEFT, RIGHT, turned], FaultKind.DUPLICATE)
    assert duplicate.members == (0, 2)
    assert duplicate.area_m2 == pytest.approx(10_000, rel=1e-3)


def test_a_broken_ring_is_named_with_its_place_and_hides_nothing():
    bowtie = polygon((0, 0), (100, 100), (100, 0), (0, 100))
    found = audit_areas([bowtie, box(90, 0, 200, 100)], plane=PLANE, inlet_width_m=0)
    (invalid,) = found.of(FaultKind.INVALID)
    assert invalid.members == (0,)
    assert invalid.reason == "Self-intersection"
    centre = shapely.get_coordinates(placed(shapely.Point(50, 50)))[0]
    assert invalid.place == pytest.approx(tuple(centre), abs=1e-9)
    overlaps = found.of(FaultKind.OVERLAP)
    assert sum(fault.area_m2 for fault in overlaps) == pytest.approx(900.0, rel=1e-3)


def test_an_empty_area_is_broken():
    found = audit_areas([LEFT, None, shapely.Polygon()], plane=PLANE)
    assert [fault.members for fault in found.of(FaultKind.INVALID)] == [(1,), (2,)]
    assert len(found.faults) == 2


def test_a_straight_side_with_other_vertices_is_no_fault():
    """Along a parallel the two sides part by decimetres once they are projected."""
    south = shapely.box(116.0, 39.8, 116.6, 39.9)
    north = shapely.box(116.0, 39.9, 116.6, 40.0)
    cut = shapely.segmentize(north, 0.013)
    assert audit_areas([south, cut], plane=PLANE).faults == ()


def test_rounding_is_counted_and_not_listed():
    slanted = polygon((0, 0), (97, 31), (97, 131), (0, 100))
    x, y = shapely.get_coordinates(shapely.line_interpolate_point(slanted.exterior, 0.001))[0]
    below = polygon((0, 0), (97, 31), (97, -50), (0, -50))
    corners = shapely.get_coordinates(below)[:-1]
    between = shapely.Polygon(np.insert(corners, 1, (x, y), axis=0))
    found = audit_areas([slanted, between], plane=PLANE, inlet_width_m=0)
    assert found.faults == ()
    assert found.rounding_m2 < 1e-3


def test_work_in_tiles_finds_the_same(monkeypatch):
    areas = _broken(seed=3)
    whole = audit_areas(areas, plane=PLANE, inlet_width_m=15)
    monkeypatch.setattr("gridsvc.spatial.audit.net._EDGES_AT_ONCE", 20)
    monkeypatch.setattr("gridsvc.spatial.audit.net._AREAS_AT_ONCE", 4)
    tiled = audit_areas(areas, plane=PLANE, inlet_width_m=15)
    assert whole.of(FaultKind.GAP)
    assert whole.of(FaultKind.OVERLAP)
    assert [fault.members for fault in tiled.faults] == [fault.members for fault in whole.faults]
    sizes = [fault.area_m2 for fault in whole.faults]
    assert [fault.area_m2 for fault in tiled.faults] == pytest.approx(sizes, rel=1e-6)


def test_an_enclave_is_a_gap_of_the_one_area_around_it():
    ring = placed(shapely.difference(shapely.box(0, 0, 90, 90), shapely.box(30, 30, 60, 60)))
    (gap,) = _only([ring], FaultKind.GAP)
    assert gap.members == (0,)
    assert gap.area_m2 == pytest.approx(float(area_m2(box(30, 30, 60, 60))))


def _broken(seed):
    """A street plan of 49 blocks, some of them moved, grown or gone."""
    random = np.random.default_rng(seed)
    areas = []
    for row in range(7):
        for column in range(7):
            east, north = 100.0 * column, 100.0 * row
            if random.random() < 0.15:
                continue
            if random.random() < 0.3:
                east, north = east + random.uniform(-8, 8), north + random.uniform(-8, 8)
            grown = random.uniform(0, 5) if random.random() < 0.2 else 0.0
            areas.append(box(east - grown, north - grown, east + 100 + grown, north + 100 + grown))
    return areas
