from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridsvc.cases.systems.no_mans_land.statistics import (
    OutcomeSums,
    false_discovery_rates,
    longer_p,
    median_duration,
    more_often_p,
    outlasting,
    tally,
)

TABLE = st.tuples(st.integers(0, 8), st.integers(0, 12), st.integers(0, 8), st.integers(0, 12)).map(
    lambda t: (t[0], min(t[2], t[0]), t[1], min(t[3], t[1]))
)


def _tallies(tables: list[tuple[int, int, int, int]]) -> tuple[OutcomeSums, OutcomeSums]:
    nothing = np.zeros((1, len(tables)))
    columns = [np.array([[table[k] for table in tables]]) for k in range(4)]
    return (
        OutcomeSums(columns[0], columns[1], nothing, nothing),
        OutcomeSums(columns[2], columns[3], nothing, nothing),
    )


def _exact(tables: list[tuple[int, int, int, int]]) -> Fraction:
    """The chance by fractions, class by class, with every way counted."""
    sums = {0: Fraction(1)}
    for n, x, m, y in tables:
        if not n or not m:
            continue
        together = x + y
        ways = math.comb(n + m, together)
        one = {
            k: Fraction(math.comb(n, k) * math.comb(m, together - k), ways)
            for k in range(max(0, together - m), min(n, together) + 1)
        }
        joined: dict[int, Fraction] = {}
        for (a, p), (b, q) in itertools.product(sums.items(), one.items()):
            joined[a + b] = joined.get(a + b, Fraction(0)) + p * q
        sums = joined
    observed = sum(x for n, x, m, _ in tables if n and m)
    return sum((p for k, p in sums.items() if k >= observed), Fraction(0))


@given(st.lists(TABLE, min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_the_exact_test_agrees_with_fractions(tables: list[tuple[int, int, int, int]]) -> None:
    near, inside = _tallies(tables)
    assert more_often_p(near, inside)[0] == pytest.approx(float(_exact(tables)), rel=1e-9)


def test_the_lady_tasting_tea_is_right_by_chance_once_in_seventy() -> None:
    near, inside = _tallies([(4, 4, 4, 0)])
    assert more_often_p(near, inside)[0] == pytest.approx(1 / 70)


def test_without_open_cases_the_score_is_that_of_mann_and_whitney() -> None:
    rng = np.random.default_rng(1)
    days = rng.integers(0, 20, 60).astype(float)
    scores = outlasting(days, np.ones(60, bool), np.zeros(60, int)) * 59
    brute = [sum(np.sign(mine - other) for other in days) for mine in days]
    assert scores.tolist() == pytest.approx(brute)


def test_nothing_outlasts_a_case_that_is_still_open() -> None:
    days = np.array([3.0, 5.0, 5.0, 9.0])
    closed = np.array([True, False, True, True])
    # Of the other three: 0 - 3, 1 (the one of 3 days) + 1 (closed on its day), 1 - 2, 2 - 0.
    expected = np.array([-3, 2, -1, 2]) / 3
    assert outlasting(days, closed, np.zeros(4, int)).tolist() == pytest.approx(expected.tolist())


@given(
    st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=30),
)
def test_scores_are_the_comparisons_of_all_pairs(cases: list[tuple[int, bool]]) -> None:
    days = np.array([float(case[0]) for case in cases])
    closed = np.array([case[1] for case in cases])

    def surely_outlasts(i: int, j: int) -> bool:
        if not closed[j]:
            return False
        return bool(days[i] > days[j] or (not closed[i] and days[i] >= days[j]))

    every = range(len(cases))
    brute = [
        sum(surely_outlasts(i, j) - surely_outlasts(j, i) for j in every if j != i) for i in every
    ]
    scores = outlasting(days, closed, np.zeros(len(cases), int)) * (len(cases) - 1)
    assert scores.tolist() == pytest.approx(brute)


def _both(
    near: np.ndarray, days: np.ndarray, closed: np.ndarray, case_class: np.ndarray
) -> tuple[OutcomeSums, OutcomeSums]:
    score = outlasting(days, closed, case_class)
    counted = tally(
        np.where(near, 0, 1), case_class, ~closed, score, groups=2, classes=case_class.max() + 1
    )
    return counted.of(np.array([0])), counted.of(np.array([1]))


def test_the_rank_test_agrees_with_all_permutations() -> None:
    rng = np.random.default_rng(3)
    days, closed = rng.exponential(5.0, 14), rng.random(14) < 0.8
    near = np.arange(14) < 6
    one, other = _both(near, days, closed, np.zeros(14, int))
    score = outlasting(days, closed, np.zeros(14, int))
    observed = score[:6].sum()
    ways = [score[list(of)].sum() for of in itertools.combinations(range(14), 6)]
    exact = np.mean(np.array(ways) >= observed - 1e-12)
    assert longer_p(one, other)[0] == pytest.approx(exact, abs=0.03)


def test_chances_are_even_when_the_place_does_not_matter() -> None:
    rng = np.random.default_rng(4)
    case_class = rng.integers(0, 4, 600)
    slow, often = [], []
    for _ in range(2000):
        days = rng.exponential(5.0, 600) * (1 + case_class)
        one, other = _both(rng.random(600) < 0.05, days, rng.random(600) < 0.85, case_class)
        slow.append(longer_p(one, other)[0])
        often.append(more_often_p(one, other)[0])
    # A normal test of 2000 draws at 0.05 has a standard error of 0.005.
    assert np.mean(np.array(slow) <= 0.05) == pytest.approx(0.05, abs=0.015)
    assert np.mean(np.array(slow) <= 0.01) == pytest.approx(0.01, abs=0.007)
    assert 0.015 < np.mean(np.array(often) <= 0.05) <= 0.055


def test_a_class_seen_on_one_side_only_says_nothing() -> None:
    near, inside = _tallies([(5, 5, 0, 0)])
    assert more_often_p(near, inside)[0] == 1.0
    assert longer_p(near, inside)[0] == 1.0


def test_false_discovery_rates_are_those_of_benjamini_and_hochberg() -> None:
    # By hand: 0.01 * 5 / 1, 0.04 * 5 / 4 (smaller than 0.03 * 5 / 2 and 0.035 * 5 / 3), 0.9.
    p = np.array([0.04, 0.01, 0.9, 0.03, 0.035])
    assert false_discovery_rates(p).tolist() == pytest.approx([0.05, 0.05, 0.9, 0.05, 0.05])
    assert false_discovery_rates(np.empty(0)).tolist() == []


def test_the_median_counts_open_cases_as_not_yet_ended() -> None:
    days = np.array([1.0, 2.0, 3.0, 4.0])
    assert median_duration(days, np.ones(4, bool)) == 2.0
    assert median_duration(days, np.array([True, False, True, True])) == 3.0
    assert median_duration(days, np.array([True, False, False, False])) is None
    assert median_duration(np.empty(0), np.empty(0, bool)) is None
