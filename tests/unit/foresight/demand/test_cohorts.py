"""Forecasts of children: as counted by hand, and against a made-up decade."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest

from gridsvc.city.care import OLDEST
from gridsvc.foresight.demand.cohorts import History, backtest, expect, forecast
from tests.decade import decade

pytestmark = pytest.mark.system(31)

KINDERGARTEN, NURSERY = (3, 4, 5), (0, 1, 2)


def by_hand(years: int = 2, net: float = 0.0) -> History:
    """One street: 100 children of each age and year, ``net`` of each moving in a year."""
    shape = (years, 1, OLDEST + 1)
    return History(
        tuple(range(2020, 2020 + years)),
        ("110102001",),
        np.full(shape, 100.0),
        np.full(shape, net),
        np.full((years, 1), 100.0),
    )


def test_without_moves_those_who_are_1_to_3_now_come_in_two_years():
    history = by_hand()
    history.residents[-1, 0] = [70, 81, 92, 103, 114, 125, 136]
    # 3 to 5 then are 1, 2, 3 now: 81 + 92 + 103.
    assert expect(history, KINDERGARTEN, 2).children.tolist() == [276.0]
    assert forecast(history, 2)[0, 2:].tolist() == [70, 81, 92, 103, 114]


def test_net_moves_of_a_tenth_a_year_are_counted_by_hand():
    found = expect(by_hand(years=4, net=10.0), KINDERGARTEN, 2).children
    # 300 of 1 to 3 now, twice a tenth more: 300 × 1.1 × 1.1.
    assert found.tolist() == pytest.approx([363.0])


def test_births_that_halve_each_year_go_on_halving():
    history = by_hand(years=3)
    history.births[:, 0] = [400, 200, 100]
    history.residents[-1, 0, 0] = 100
    # Their mean is 700/3 in the middle year; a half each year after: 2 and 3 years later.
    born = [700 / 3 / 4, 700 / 3 / 8]
    assert forecast(history, 2)[0, :3].tolist() == pytest.approx([born[1], born[0], 100.0])


def test_a_small_street_leans_on_the_rate_of_its_district():
    """40 children a year over 200 of the whole: a rate of its own counts for a sixth, or so."""
    shape = (2, 2, OLDEST + 1)
    residents = np.empty(shape)
    residents[:, 0], residents[:, 1] = 40.0, 960.0
    moves = np.zeros(shape)
    moves[-1, 0] = 4.0
    history = History((2020, 2021), ("1", "2"), residents, moves, residents[:, :, 0])
    whole = 4 / 1_000
    small = (4 + 200 * whole) / (40 + 200)
    large = (0 + 200 * whole) / (960 + 200)
    assert forecast(history, 1)[:, 4].tolist() == pytest.approx(
        [40 * (1 + small), 960 * (1 + large)]
    )


def test_there_is_no_interval_without_enough_years():
    found = expect(by_hand(years=3), KINDERGARTEN, 2)
    assert (found.low, found.high) == (None, None)
    with pytest.raises(ValueError, match="too short"):
        backtest(by_hand(years=2), KINDERGARTEN, 2, first=1)


def test_the_interval_is_that_of_counts_where_nothing_else_varies():
    found = expect(by_hand(years=8), KINDERGARTEN, 2)
    assert found.low is not None
    assert found.high is not None
    margin = 1.645 * math.sqrt(300)
    assert (found.low[0], found.high[0]) == pytest.approx((300 - margin, 300 + margin))


@pytest.mark.parametrize("ages", [KINDERGARTEN, NURSERY])
def test_a_decade_is_forecast_better_than_by_the_last_count(ages, capsys):
    checked = [backtest(decade(seed), ages, 2, first=6) for seed in range(20)]
    mase = [one.mase for one in checked]
    naive = [one.naive_mase for one in checked]
    covered = float(np.mean([one.covered for one in checked]))
    with capsys.disabled():
        sys.stdout.write(
            f"\nages {ages[0]}-{ages[-1]}: MASE {np.mean(mase):.3f}"
            f" ({min(mase):.3f} to {max(mase):.3f}), naive {np.mean(naive):.3f},"
            f" 90 % intervals cover {covered:.1%} "
        )
    assert max(mase) < 1
    assert all(ours < theirs for ours, theirs in zip(mase, naive, strict=True))
    assert 0.85 <= covered <= 0.97


def test_a_forecast_of_the_past_knows_nothing_of_what_came():
    history = decade(3)
    known = expect(history.until(8), KINDERGARTEN, 2).children
    history.residents[8:] = 0
    history.births[8:] = 0
    history.moves[8:] = 0
    assert expect(history.until(8), KINDERGARTEN, 2).children.tolist() == known.tolist()
