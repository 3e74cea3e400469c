from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridsvc.spatial.coverage import is_watertight
from gridsvc.spatial.grid_matching import (
    ground_to_cut,
    overlaps,
    same_ground,
    with_common_vertices,
)

#: A square of 10 x 10 cells of about 85 by 111 m.
STEP = 0.001
WEST, SOUTH = 116.3, 39.9


def box(x0: float, y0: float, x1: float, y1: float) -> Any:
    return shapely.box(*(round(v, 9) for v in (WEST + x0, SOUTH + y0, WEST + x1, SOUTH + y1)))


CELLS = [
    box(c * STEP, r * STEP, (c + 1) * STEP, (r + 1) * STEP) for r in range(10) for c in range(10)
]


@given(st.integers(-9, 9).filter(bool), st.integers(0, 9), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_what_stays_and_what_is_cut_are_one_coverage(east: int, low: int, high: int) -> None:
    """The east side moves by tenths of two cells, between two rows."""
    low, high = min(low, high), max(low, high) + 1
    strip = box(10 * STEP, low * STEP, 10 * STEP + abs(east) * STEP / 5, high * STEP)
    if east < 0:
        strip = box(10 * STEP + east * STEP / 5, low * STEP, 10 * STEP, high * STEP)
    whole = box(0, 0, 10 * STEP, 10 * STEP)
    outline = whole.union(strip) if east > 0 else whole.difference(strip)

    stays, ground = ground_to_cut(outline, CELLS, 9_500.0)

    kept = [cell for cell, stay in zip(CELLS, stays, strict=True) if stay]
    assert stays.sum() >= 70
    pieces = [*kept, *shapely.get_parts(ground)]
    assert is_watertight(with_common_vertices(pieces, []))
    assert shapely.union_all(pieces).symmetric_difference(outline).area < 1e-14
    # No splinter is left to become a cell.
    assert all(part.area >= 0.5 * STEP * STEP for part in shapely.get_parts(ground))


def test_cells_that_touch_nothing_that_changed_stay() -> None:
    stays, ground = ground_to_cut(box(0, 0, 10.3 * STEP, 10 * STEP), CELLS, 9_500.0)
    assert stays.sum() == 90
    assert ground.area == pytest.approx(1.3 * 10 * STEP * STEP, rel=1e-6)


def test_when_nothing_changed_everything_stays() -> None:
    stays, ground = ground_to_cut(box(0, 0, 10 * STEP, 10 * STEP), CELLS, 9_500.0)
    assert stays.all()
    assert ground.is_empty


def test_without_old_cells_the_whole_is_cut() -> None:
    outline = box(0, 0, STEP, STEP)
    stays, ground = ground_to_cut(outline, [], 9_500.0)
    assert len(stays) == 0
    assert shapely.equals(ground, outline)


def test_the_shares_of_an_old_cell_sum_to_one() -> None:
    new = [box(0, 0, 0.7 * STEP, STEP), box(0.7 * STEP, 0, 2 * STEP, STEP)]
    found = overlaps(CELLS[:2], new)
    assert [(it.old, it.new) for it in found] == [(0, 0), (0, 1), (1, 1)]
    assert [it.of_old for it in found] == pytest.approx([0.7, 0.3, 1.0], rel=1e-6)
    assert [it.of_new for it in found] == pytest.approx([1.0, 0.3 / 1.3, 1.0 / 1.3], rel=1e-6)
    assert overlaps([], new) == overlaps(new, []) == []


def test_cells_that_only_touch_do_not_overlap() -> None:
    assert overlaps(CELLS[:1], CELLS[1:2]) == []


def test_a_line_drawn_with_more_vertices_is_the_same_ground() -> None:
    square = box(0, 0, STEP, STEP)
    assert same_ground(square, shapely.segmentize(square, STEP / 7))
    assert not same_ground(square, box(0, 0, STEP, 1.00001 * STEP))


def test_neighbours_lend_vertices_and_stay_as_they_are() -> None:
    left, right = CELLS[0], shapely.segmentize(CELLS[1], STEP / 2.5)
    (lent,) = with_common_vertices([left], [right])
    assert shapely.get_num_coordinates(lent) == shapely.get_num_coordinates(left) + 2
    assert is_watertight([lent, right])
    assert with_common_vertices([left], [CELLS[1]])[0] is left


def test_a_vertex_that_is_one_s_own_but_for_the_last_digits_is_not_lent() -> None:
    left = shapely.segmentize(CELLS[0], STEP / 2)
    moved = shapely.get_coordinates(shapely.segmentize(CELLS[1], STEP / 2))
    moved[:, 1] = np.nextafter(moved[:, 1], 90.0)
    (kept,) = with_common_vertices([left], [shapely.Polygon(moved)])
    assert kept is left
