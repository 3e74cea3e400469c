"""Whistles per street, judged beside a brute-force sum and by hand."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridsvc.cases.systems.whistles.rates import Counts, Street, Terms, judged, percent


def street(code: str, cases: int, whistles: int) -> Street:
    return Street(code, code, cases, Counts(whistles, 0, {}))


def exactly(x: int, n: int, share: Fraction) -> Fraction:
    """Twice the smaller binomial tail, in exact fractions."""
    term = [comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(n + 1)]
    return min(Fraction(1), 2 * min(sum(term[: x + 1]), sum(term[x:])))


def test_a_share_is_shown_to_one_decimal_and_nothing_due_is_no_data():
    assert percent(4640, 4649) == 99.8
    assert percent(0, 0) is None
    assert percent(0, 5) == 0.0
    # 6.25: as the assessment rounds it, and people by hand.
    assert percent(1, 16) == 6.3


@settings(deadline=None)  # the first call imports scipy.stats
@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 40), st.integers(1, 40))
def test_the_p_of_two_streets_is_the_exact_binomial_tail(here, there, cases, others):
    if here + there == 0:
        return
    one = judged([street("a", cases, here), street("b", others, there)], Terms())[0]
    wanted = exactly(here, here + there, Fraction(cases, cases + others))
    assert one.p == pytest.approx(float(wanted), rel=1e-9)


def test_a_street_with_too_few_and_one_with_too_many_are_signs_and_the_others_are_none():
    streets = [street(code, 1000, 40) for code in "abcdefgh"]
    streets += [street("few", 1000, 5), street("many", 1000, 90)]
    signs = {one.street.code: one.sign for one in judged(streets, Terms())}
    assert signs["few"] == "too_few"
    assert signs["many"] == "too_many"
    assert {signs[code] for code in "abcdefgh"} == {None}


def test_where_there_are_no_cases_or_no_whistles_nothing_is_said():
    empty = judged([street("a", 0, 0), street("b", 10, 3), street("c", 10, 3)], Terms())[0]
    assert (empty.p, empty.q, empty.sign, empty.expected, empty.per_1000) == (None,) * 5
    for one in judged([street("a", 10, 0), street("b", 10, 0)], Terms()):
        assert (one.p, one.sign, one.per_1000) == (None, None, 0.0)


def test_a_city_of_one_street_is_compared_with_nobody():
    assert judged([street("a", 10, 3)], Terms())[0].sign is None
