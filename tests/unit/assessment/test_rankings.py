"""Who is named first and last, and the year before a period."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.assessment.period import parse_period
from gridsvc.assessment.rankings import named, year_before
from gridsvc.assessment.rates import ranked
from tests.cities import calendar

pytestmark = pytest.mark.system(30)

values = st.dictionaries(
    st.text("0123456789", min_size=9, max_size=9),
    st.none() | st.integers(0, 30).map(lambda n: Fraction(n, 30)),
    max_size=60,
)


@given(values, st.randoms())
def test_the_first_and_the_last_ten_as_a_plain_look_at_every_line_has_them(
    scores: dict[str, Fraction | None], rng: object
) -> None:
    order = ranked(scores.items())
    found = named(order)

    known = {key: value for key, value in scores.items() if value is not None}
    higher = {key: sum(other > value for other in known.values()) for key, value in known.items()}
    first = {key for key in known if higher[key] < 10}
    rest = {key: known[key] for key in known if key not in first}
    lower = {key: sum(other < value for other in rest.values()) for key, value in rest.items()}
    last = {key for key in rest if lower[key] < 10}
    assert set(found.first) == first
    assert set(found.last) == last
    assert found.tied == (len(first) > 10, len(last) > 10)
    assert list(found.first) == sorted(first, key=lambda key: (-known[key], key))
    assert list(found.last) == sorted(last, key=lambda key: (known[key], key))
    shuffled = list(scores.items())
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert named(ranked(shuffled)) == found


@pytest.mark.parametrize(
    ("period", "before"),
    [
        ("2026", "2025"),
        ("2026-11", "2025-11"),
        ("2026-Q4", "2025-Q4"),
        ("2026-11-01/2026-11-15", "2025-11-01/2025-11-15"),
        ("2024-02-29", "2023-02-28/2023-02-28"),
        ("2026-11-30", "2025-11-30/2025-11-30"),
    ],
)
def test_a_year_before_is_the_same_time(period: str, before: str) -> None:
    assert year_before(parse_period(period, calendar())).name == before
