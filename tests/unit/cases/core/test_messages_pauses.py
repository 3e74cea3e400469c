from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from gridsvc.cases.core.messages.model import LONGEST_S, pause_after
from gridsvc.settings import Settings

chances = st.floats(0.0, 1.0, exclude_max=True)


@given(st.integers(1, 10_000), st.floats(0.01, 3600.0), chances, chances)
def test_every_pause_is_longer_than_the_one_before_until_it_is_a_day(
    tries: int, base_s: float, chance: float, other: float
) -> None:
    this = pause_after(tries, base_s=base_s, chance=chance)
    following = pause_after(tries + 1, base_s=base_s, chance=other)
    assert this < following or following == dt.timedelta(seconds=LONGEST_S)


@given(st.integers(1, 10_000), st.floats(0.01, 3600.0), chances)
def test_a_pause_is_positive_and_never_longer_than_a_day(
    tries: int, base_s: float, chance: float
) -> None:
    assert dt.timedelta() < pause_after(tries, base_s=base_s, chance=chance) <= dt.timedelta(days=1)


@given(st.floats(0.01, 3600.0), chances)
def test_the_first_pause_is_the_setting_give_or_take_a_quarter(
    base_s: float, chance: float
) -> None:
    pause = pause_after(1, base_s=base_s, chance=chance).total_seconds()
    assert 0.75 * base_s - 1e-6 <= pause <= 1.25 * base_s + 1e-6


def test_the_default_tries_of_a_message_span_most_of_a_day() -> None:
    settings = Settings.model_construct()
    pauses = [
        pause_after(tries, base_s=settings.retry_pause_s, chance=0.5)
        for tries in range(1, settings.max_attempts)
    ]
    assert len(pauses) == 7
    assert dt.timedelta(hours=20) < sum(pauses, dt.timedelta()) < dt.timedelta(hours=24)
