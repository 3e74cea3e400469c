from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.assessment.rates import percent, ranked, rate, rounded


def test_4640_of_4649_is_printed_as_people_print_it() -> None:
    assert percent(rate(4640, 4649)) == "99.8"


def test_nothing_below_the_line_is_no_data_and_neither_0_nor_100() -> None:
    assert rate(0, 0) is None
    assert percent(rate(0, 0)) == "–"
    assert percent(rate(0, 7)) == "0.0"
    assert percent(rate(7, 7)) == "100.0"


def test_half_is_rounded_up_from_the_exact_fraction() -> None:
    assert percent(Fraction(1, 8), 0) == "13"
    assert percent(Fraction(1, 2000)) == "0.1"
    assert rounded(Fraction(1, 8), 2) == Decimal("0.13")


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.integers(0, 4))
def test_rounding_is_that_of_the_decimal_library(above: int, below: int, places: int) -> None:
    exact = Decimal(above) / Decimal(below)
    step = Decimal(1).scaleb(-places)
    got = rounded(Fraction(above, below), places)
    assert got is not None
    assert abs(got - exact) <= step / 2
    if above * 10**places * 2 % below == 0:  # the decimal library sees the same number exactly
        assert got == (Decimal(above * 10**places * 2 // below) / 2 * step).quantize(
            step, ROUND_HALF_UP
        )


def test_a_negative_count_is_a_fault() -> None:
    with pytest.raises(ValueError, match="not negative"):
        rate(-1, 3)


@pytest.mark.system(14)
def test_equal_scores_share_a_rank_and_stand_by_their_code() -> None:
    third = Fraction(1, 3)
    lines = [("c", third), ("a", Fraction(1)), ("d", None), ("b", Fraction(2, 6)), ("e", third / 2)]
    got = [(line.rank, line.key) for line in ranked(lines)]
    assert got == [(1, "a"), (2, "b"), (2, "c"), (4, "e"), (None, "d")]


@pytest.mark.system(14)
@given(st.permutations([("a", 1), ("b", 2), ("c", 2), ("d", None), ("e", 1), ("f", None)]))
def test_a_ranking_does_not_depend_on_the_order_of_what_is_ranked(
    lines: list[tuple[str, int | None]],
) -> None:
    values = [(key, None if value is None else Fraction(value)) for key, value in lines]
    assert [(line.rank, line.key) for line in ranked(values)] == [
        (1, "b"),
        (1, "c"),
        (3, "a"),
        (3, "e"),
        (None, "d"),
        (None, "f"),
    ]


def test_scores_that_only_look_equal_do_not_share_a_rank() -> None:
    lines = ranked([("a", Fraction(33333, 100000)), ("b", Fraction(1, 3))])
    assert [(line.rank, line.key) for line in lines] == [(1, "b"), (2, "a")]
