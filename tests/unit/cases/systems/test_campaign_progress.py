"""Progress of a campaign: lines sum to the whole, and a goal is judged without rounding."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.cases.systems.campaigns.progress import (
    Counts,
    Days,
    attained,
    progress_of,
    whole_of,
)
from gridsvc.cases.systems.campaigns.standing import share_of

pytestmark = pytest.mark.system(28)

#: The text's: 117 days.
DAYS = Days(dt.date(2026, 3, 1), dt.date(2026, 6, 25))
counts = st.integers(0, 10**6).flatmap(
    lambda found: st.integers(0, found).map(lambda settled: Counts(found, settled))
)
streets = st.lists(st.tuples(st.integers(0, 10**6), counts), min_size=1, max_size=40)


@given(streets, st.integers(-5, 125))
def test_every_number_of_the_streets_sums_to_the_whole(
    every: list[tuple[int, Counts]], n: int
) -> None:
    day = DAYS.first + dt.timedelta(days=n)
    lines = [progress_of(str(i), target, one, DAYS, day) for i, (target, one) in enumerate(every)]
    whole = whole_of(lines)

    target = sum(target for target, _ in every)
    assert (whole.target, whole.counts.found) == (target, sum(one.found for _, one in every))
    assert whole.reached == sum(min(one.settled, target) for target, one in every)
    assert whole.planned == Fraction(target * min(max(n + 1, 0), 117), 117), "no rounding drifts"
    assert whole.open == sum(line.open for line in lines)
    for line in lines:
        # By hand: the least whole number that, added to the settled, is the plan.
        assert (line.behind == 0) == (line.counts.settled >= line.planned)
        if line.behind:
            assert line.counts.settled + line.behind - 1 < line.planned
            assert line.counts.settled + line.behind >= line.planned


def test_ninety_percent_are_ninety_percent_on_the_last_of_117_days() -> None:
    assert DAYS.count == DAYS.gone(DAYS.last) == 117
    for settled, reached in ((899, False), (900, True)):
        line = progress_of("a", 1_000, Counts(2_000, settled), DAYS, DAYS.last)
        assert attained(whole_of([line]), Fraction(9, 10)) is reached
    assert share_of(899_999, 1_000_000) == "89.9"
    assert share_of(0, 0) == "–"


def test_no_street_makes_up_for_another() -> None:
    rich = progress_of("a", 100, Counts(1_000, 1_000), DAYS, DAYS.last)
    poor = progress_of("b", 100, Counts(100, 79), DAYS, DAYS.last)
    whole = whole_of([rich, poor])
    assert (whole.counts.settled, whole.reached, whole.behind) == (1_079, 179, 21)
    assert not attained(whole, Fraction(9, 10))
