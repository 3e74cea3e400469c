"""Areas against the level above: outside parts, shares, codes in conflict, borders side by side."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
import shapely

from gridsvc.spatial.audit import FaultKind, audit_against
from tests.plane import PLANE
from tests.unit.spatial.audit.plan import box, placed, polygon

WEST, EAST = box(0, 0, 500, 1000), box(500, 0, 1000, 1000)


def _audit(areas, own, parents=(WEST, EAST), **how):
    return audit_against(areas, parents, own, plane=PLANE, **how)


def test_areas_that_nest_have_no_faults_and_no_shares():
    areas = [box(0, 0, 500, 400), box(0, 400, 500, 1000), EAST]
    found = _audit(areas, [0, 0, 1])
    assert found.faults == ()
    assert found.shares == ()


def test_ground_outside_the_parent_is_told_apart_by_where_it_lies():
    found = _audit([box(300, 0, 540, 1010)], [0])
    outside = {fault.parents: fault for fault in found.of(FaultKind.OUTSIDE_PARENT)}
    assert outside[0, 1].area_m2 == pytest.approx(40 * 1000, rel=1e-3)
    assert outside[0, 1].max_width_m == pytest.approx(40.0, rel=1e-2)
    assert outside[0,].area_m2 == pytest.approx(240 * 10, rel=1e-3)
    assert {fault.members for fault in outside.values()} == {(0,)}


def test_shares_name_every_parent_and_nobody_and_sum_to_one():
    found = _audit([box(300, 0, 540, 1010)], [0])
    shares = {share.parent: share.share for share in found.shares}
    assert shares[0] == pytest.approx(200 * 1000 / (240 * 1010), rel=1e-3)
    assert shares[1] == pytest.approx(40 * 1000 / (240 * 1010), rel=1e-3)
    assert sum(shares.values()) == pytest.approx(1.0, abs=1e-9)
    assert set(shares) == {0, 1, None}


def test_an_area_that_lies_mostly_in_another_parent_is_a_conflict_of_codes():
    found = _audit([box(450, 0, 700, 100)], [0])
    (conflict,) = found.of(FaultKind.CODE_CONFLICT)
    assert conflict.parents == (0, 1)
    assert conflict.area_m2 == pytest.approx(25_000, rel=1e-3)


def test_an_area_whose_code_names_no_parent_is_a_conflict_of_codes():
    found = _audit([box(10, 10, 100, 100)], [None])
    (conflict,) = found.faults
    assert (conflict.kind, conflict.parents) == (FaultKind.CODE_CONFLICT, (0,))
    assert conflict.reason == "its code names no parent"


def test_a_border_fifty_metres_beside_the_border_above_is_measured():
    left, right = box(0, 0, 550, 1000), box(550, 0, 1000, 1000)
    (parallel,) = _audit([left, right], [0, 1]).of(FaultKind.PARALLEL_BORDER)
    assert (parallel.members, parallel.parents) == ((0, 1), (0, 1))
    assert parallel.width_m == pytest.approx(50.0, rel=2e-3)
    assert parallel.max_width_m == pytest.approx(50.0, rel=2e-3)
    assert parallel.length_m == pytest.approx(1000.0, abs=3.0)
    assert parallel.area_m2 == pytest.approx(50_000, rel=5e-3)


def test_median_and_maximum_of_a_border_that_runs_away_are_told_apart():
    """A straight line from 0 to 100 m off the border above: half as far in the middle."""
    left = polygon((0, 0), (500, 0), (600, 1000), (0, 1000))
    right = polygon((500, 0), (1000, 0), (1000, 1000), (600, 1000))
    (parallel,) = _audit([left, right], [0, 1]).of(FaultKind.PARALLEL_BORDER)
    assert parallel.width_m == pytest.approx(50.0, abs=1.0)
    assert parallel.max_width_m == pytest.approx(100.0, abs=1.0)
    farthest = placed(shapely.Point(600, 1000))
    off = np.array(parallel.place) - (farthest.x, farthest.y)
    assert np.abs(off).max() < 1e-4


def test_one_line_drawn_twice_with_other_vertices_is_no_parallel_border():
    left = shapely.segmentize(WEST, 0.001)
    right = shapely.segmentize(EAST, 0.0007)
    assert _audit([left, right], [0, 1]).faults == ()


def test_areas_of_one_parent_have_no_border_of_two_levels():
    areas = [box(0, 0, 250, 1000), box(250, 0, 500, 1000)]
    assert _audit(areas, [0, 0]).of(FaultKind.PARALLEL_BORDER) == ()


def test_shares_agree_with_intersections_of_everything():
    random = np.random.default_rng(5)
    parents = [box(x, y, x + 500, y + 500) for x in (0, 500) for y in (0, 500)]
    areas = [box(x, y, x + 200, y + 150) for x, y in random.uniform(-50, 850, (40, 2)).tolist()]
    found = _audit(areas, random.integers(0, 4, 40).tolist(), parents)
    shares = defaultdict(float, {(it.member, it.parent): it.share for it in found.shares})
    listed = {it.member for it in found.shares}
    assert len(listed) > 30
    for member in listed:
        area = areas[member]
        for parent, above in enumerate(parents):
            wanted = shapely.area(shapely.intersection(area, above)) / shapely.area(area)
            # Degrees of longitude shrink northwards by 1e-5 over such an area.
            assert shares[member, parent] == pytest.approx(wanted, abs=2e-5)
