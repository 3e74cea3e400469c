"""The stated rates, on fewer years than `python -m benchmarks.alarms`, from fixed seeds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from benchmarks.alarms import covered, planted, quiet
from gridsvc.foresight.alarms.chronic import chronic
from gridsvc.foresight.alarms.effect import effect, match_controls
from gridsvc.foresight.alarms.scan import BASELINE_DAYS
from gridsvc.foresight.alarms.threshold import calibrate, upper_quantile
from gridsvc.spatial.neighbourhoods import neighbourhoods

#: A test that is true fails by chance in one of a thousand.
_CHANCE = 1e-3


@pytest.mark.system(18)
@pytest.mark.slow
def test_a_year_without_a_hot_place_alarms_in_alpha_at_most() -> None:
    alpha, years = 0.2, 120
    alarmed = quiet(
        worlds=4, years=years // 4, alpha=alpha, side=8, per_day=15.0, seed=0, shuffles=59
    )
    assert alarmed <= binom.ppf(1 - _CHANCE, years, alpha)
    # A threshold beyond all years would keep that too.
    assert alarmed >= binom.ppf(_CHANCE, years, alpha / 3)


@pytest.mark.system(18)
@pytest.mark.slow
def test_a_doubling_is_found_within_seven_days_in_nine_of_ten() -> None:
    days = planted(runs=40, base=10.7, side=8, per_day=60.0, seed=100)
    soon = sum(one is not None and one <= 7 for one in days)
    assert soon >= binom.ppf(_CHANCE, len(days), 0.9)
    assert planted(runs=1, base=0.1, side=8, per_day=60.0, seed=100) == [None]


@pytest.mark.system(18)
@pytest.mark.parametrize(("ratio", "dispersion"), [(0.4, 1.0), (0.7, 2.0)])
def test_the_interval_of_a_measure_holds_its_true_effect(ratio: float, dispersion: float) -> None:
    runs = 120
    inside, found = covered(runs=runs, ratio=ratio, dispersion=dispersion, seed=7)
    assert binom.ppf(_CHANCE, runs, 0.93) <= inside
    assert found == pytest.approx(ratio, rel=0.1)


def test_the_quantile_of_gumbel_s_maxima_is_theirs_and_its_limit_lies_above() -> None:
    drawn = np.random.default_rng(3).gumbel(10.0, 2.0, 200_000)
    true = 10.0 - 2.0 * np.log(-np.log(0.95))
    assert true < upper_quantile(drawn, 0.05) < true * 1.01
    limits = [upper_quantile(drawn[n * 199 : (n + 1) * 199], 0.05) for n in range(1_000)]
    assert np.mean(np.array(limits) > true) == pytest.approx(0.95, abs=0.03)


def test_the_same_seed_gives_the_same_threshold() -> None:
    rng = np.random.default_rng(1)
    around = neighbourhoods(np.argwhere(np.ones((5, 5))) * 100.0, 21)
    place = rng.integers(0, 25, 2_000, dtype=np.int32)
    day = rng.integers(0, BASELINE_DAYS, 2_000, dtype=np.int32)
    found = [calibrate(place, day, around, alpha=0.05, seed=4, years=19) for _ in range(2)]
    assert found[0] == found[1]
    nothing = np.empty(0, dtype=np.int32)
    assert calibrate(nothing, nothing, around, alpha=0.05, seed=4).value == np.inf


def test_an_effect_by_hand() -> None:
    """20 controls of 10 before and 10 after each vary less than anything real does."""
    same = np.full(20, 10)
    told = effect(40, 20, same, same)
    assert told.ratio == pytest.approx(20.5 / 40.5)
    least = 2.093 * np.sqrt(0.75 * (1 / 40.5 + 1 / 20.5 + 2 / 200.5))
    assert np.log(told.high / told.ratio) == pytest.approx(least, rel=1e-3)
    assert told.low * told.high == pytest.approx(told.ratio**2)
    uneven = np.where(np.arange(20) % 2 == 0, 14, 6)
    wide = effect(40, 20, uneven, uneven[::-1])
    # Pearson's statistic is 20 * (4^2 / 5) over 19; Student's quantile of 19 is 2.093.
    pearson = 20 * 16 / 5 / 19
    width = 2.093 * np.sqrt(pearson * (1 / 40.5 + 1 / 20.5 + 2 / 200.5))
    assert np.log(wide.high / wide.ratio) == pytest.approx(width, rel=1e-3)


def test_fewer_than_twenty_places_or_none_with_reports_tell_no_effect() -> None:
    for controls in (np.full(19, 5), np.zeros(20, dtype=int)):
        with pytest.raises(ValueError, match="tell nothing"):
            effect(5, 5, controls, controls)


def test_controls_share_no_place_with_the_hot_one_or_each_other_and_are_its_like() -> None:
    around = neighbourhoods(np.argwhere(np.ones((20, 20))) * 100.0, 21)
    yearly = np.random.default_rng(2).integers(1, 100, 400)
    zone, barred = set(around[210, :4].tolist()), {0, 1, 2}
    found = match_controls(yearly, zone, barred, around)
    assert 20 <= len(found) <= 40
    every = [one for members in found for one in members.tolist()]
    assert len(every) == len(set(every))
    assert not set(every) & (zone | barred)
    usual = yearly[list(zone)].sum()
    assert all(0.5 < yearly[members].sum() / usual < 2 for members in found[:10])
    assert match_controls(yearly[:25], {0}, set(range(10)), around[:25, :1] % 25) == []


def test_a_place_is_chronic_that_is_busy_in_nine_blocks_of_twelve() -> None:
    """40 places with a report a block, one with ten in eight blocks, one with ten in nine."""
    blocks = np.arange(5, 365, 30)
    usual = [(place, day) for place in range(40) for day in blocks]
    busy = [(40, day) for day in blocks[:8] for _ in range(10)]
    chronics = [(41, day) for day in blocks[:9] for _ in range(10)]
    place, day = np.array(usual + busy + chronics, dtype=np.int32).T
    found = chronic(place, day, places=50)
    assert [(one.place, one.count, one.blocks) for one in found] == [(41, 90, 9)]
