"""Seats shared among children within reach: by hand, and against the best that there can be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from gridsvc.foresight.demand.filling import Seats, without_seat

pytestmark = pytest.mark.system(31)


def places(*rows: tuple[float, float, float]) -> Seats:
    """Places on a line: metres east, seats, reach."""
    east, seats, reach = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    return Seats(np.column_stack([east, np.zeros(len(east))]), seats, reach)


def at(*east: float) -> np.ndarray:
    return np.column_stack([np.array(east, dtype=float), np.zeros(len(east))])


@pytest.mark.parametrize(
    ("children", "east", "rows", "left"),
    [
        ([100], [0], [(100, 60, 300)], [40]),
        ([100], [0], [(400, 60, 300)], [100]),
        # Both reach it: it is shared by their numbers.
        ([100, 50], [0, 200], [(100, 90, 300)], [40, 20]),
        # The first has one of its own; what it does not need there goes to the other.
        ([100, 50], [0, 500], [(0, 100, 100), (300, 60, 350)], [0, 0]),
        ([100, 50], [0, 2_000], [(0, 200, 300)], [0, 50]),
        ([0, 0], [0, 10], [(0, 10, 300)], [0, 0]),
    ],
)
def test_seats_are_shared_as_counted_by_hand(children, east, rows, left):
    found = without_seat(np.array(children, dtype=float), at(*east), places(*rows))
    assert found.tolist() == pytest.approx(left, abs=0.01)


def test_nobody_has_a_seat_where_there_is_none():
    none = Seats(np.empty((0, 2)), np.empty(0), np.empty(0))
    assert without_seat(np.array([7.0]), at(0), none).tolist() == [7.0]
    assert without_seat(np.empty(0), np.empty((0, 2)), places((0, 5, 100))).tolist() == []


def best(children: np.ndarray, xy: np.ndarray, seats: Seats) -> float:
    """The fewest who can be without a seat, whoever shares them out (linear programme)."""
    far = np.hypot(*(xy[:, None, :] - seats.xy[None, :, :]).transpose(2, 0, 1))
    child, place = np.nonzero(far <= seats.reach_m[None, :])
    if not len(child):
        return float(children.sum())
    bounds = np.zeros((len(children) + len(seats.seats), len(child)))
    bounds[child, np.arange(len(child))] = 1
    bounds[len(children) + place, np.arange(len(child))] = 1
    most = np.concatenate([children, seats.seats])
    solved = linprog(-np.ones(len(child)), A_ub=bounds, b_ub=most)
    return float(children.sum() + solved.fun)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_no_sharing_out_leaves_fewer_children_without_a_seat(seed):
    rng = np.random.default_rng(seed)
    children = rng.integers(0, 60, 30).astype(float)
    xy = rng.uniform(0, 2_000, (30, 2))
    seats = Seats(
        rng.uniform(0, 2_000, (8, 2)),
        rng.integers(0, 200, 8).astype(float),
        rng.uniform(200, 900, 8),
    )
    left = without_seat(children, xy, seats)
    assert (left >= 0).all()
    assert (left <= children).all()
    fewest = best(children, xy, seats)
    assert left.sum() >= fewest - 0.01
    assert left.sum() <= fewest + 0.05
    # The order of the children counts for nothing.
    order = rng.permutation(30)
    again = without_seat(children[order], xy[order], seats)
    assert again == pytest.approx(left[order], abs=0.05)
