"""The clocks against an oracle that counts minute by minute."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gridsvc.city.calendar import Clock, deadline, elapsed
from tests.cities import calendar

DAYS = calendar()
MINUTE = dt.timedelta(minutes=1)
#: The days around New Year, Spring Festival, May Day and National Day 2026 as the State Council
#: announced them: free days that are no weekends, and worked weekends. Copied here by hand.
FREE = {
    *(dt.date(2026, 1, d) for d in (1, 2)),
    *(dt.date(2026, 2, d) for d in (16, 17, 18, 19, 20, 23)),
    dt.date(2026, 4, 6),
    *(dt.date(2026, 5, d) for d in (1, 4, 5)),
    dt.date(2026, 6, 19),
    dt.date(2026, 9, 25),
    *(dt.date(2026, 10, d) for d in (1, 2, 5, 6, 7)),
}
WORKED = {
    dt.date(2026, 1, 4),
    dt.date(2026, 2, 14),
    dt.date(2026, 2, 28),
    dt.date(2026, 5, 9),
    dt.date(2026, 9, 20),
    dt.date(2026, 10, 10),
}


def works(moment: dt.datetime) -> bool:
    """Whether the minute that begins at a moment of the city is a working one, by hand."""
    day = moment.date()
    worked = day in WORKED or (day.weekday() < 5 and day not in FREE)
    return worked and (8 <= moment.hour < 12 or 14 <= moment.hour < 18)


def here(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=calendar().zone)


minutes_of_2026 = st.integers(0, 330 * 24 * 60).map(lambda n: here(2026, 1, 1) + n * MINUTE)


@settings(max_examples=150, deadline=None)
@given(minutes_of_2026, st.integers(1, 40 * 60))
@example(here(2026, 2, 13, 17, 59), 2)
@example(here(2026, 9, 30, 18), 480)
@example(here(2026, 10, 10, 12), 1)
def test_a_working_limit_ends_where_counting_minutes_ends(since, minutes):
    moment, counted = since, 0
    while counted < minutes:
        counted += works(moment)
        moment += MINUTE
    assert deadline(since, minutes * MINUTE, Clock.WORKING, DAYS) == moment


@settings(max_examples=100, deadline=None)
@given(minutes_of_2026, st.integers(0, 20 * 24 * 60))
def test_the_working_time_between_two_moments_is_that_of_its_minutes(since, minutes):
    counted = sum(works(since + n * MINUTE) for n in range(minutes))
    assert elapsed(since, since + minutes * MINUTE, Clock.WORKING, DAYS) == counted * MINUTE


@settings(max_examples=150, deadline=None)
@given(
    minutes_of_2026,
    st.timedeltas(dt.timedelta(microseconds=1), dt.timedelta(hours=100)),
    st.sampled_from(Clock),
)
def test_what_has_elapsed_at_the_deadline_is_the_limit(since, span, clock):
    end = deadline(since, span, clock, DAYS)
    assert elapsed(since, end, clock, DAYS) == span
    assert elapsed(since, end - dt.timedelta(microseconds=1), clock, DAYS) < span


@settings(max_examples=100, deadline=None)
@given(minutes_of_2026, st.integers(0, 3000), st.integers(0, 3000), st.sampled_from(Clock))
def test_two_limits_after_each_other_are_one_of_their_sum(since, first, second, clock):
    half = deadline(since, first * MINUTE, clock, DAYS)
    whole = deadline(since, (first + second) * MINUTE, clock, DAYS)
    assert deadline(half, second * MINUTE, clock, DAYS) == whole


@pytest.mark.parametrize("clock", [Clock.EMERGENCY, Clock.CALENDAR])
def test_emergency_and_calendar_hours_run_through_nights_and_holidays(clock):
    eve = here(2026, 2, 16, 23, 30)
    assert deadline(eve, dt.timedelta(hours=2), clock, DAYS) == here(2026, 2, 17, 1, 30)


def test_one_working_day_is_eight_working_hours():
    assert deadline(here(2026, 11, 23, 8), dt.timedelta(hours=8), Clock.WORKING, DAYS) == here(
        2026, 11, 23, 18
    )
    assert deadline(here(2026, 11, 20, 16), dt.timedelta(hours=8), Clock.WORKING, DAYS) == here(
        2026, 11, 23, 16
    )


def test_a_moment_in_another_zone_means_the_same_working_hours():
    monday = dt.datetime(2026, 11, 23, 0, tzinfo=dt.UTC)  # 08:00 in the city
    end = deadline(monday, dt.timedelta(hours=4), Clock.WORKING, DAYS)
    assert end == here(2026, 11, 23, 12)
    assert end.tzinfo is dt.UTC


def test_the_day_of_the_city_begins_at_its_own_midnight():
    assert calendar().day(dt.datetime(2026, 11, 22, 15, 59, tzinfo=dt.UTC)) == dt.date(2026, 11, 22)
    assert calendar().day(dt.datetime(2026, 11, 22, 16, tzinfo=dt.UTC)) == dt.date(2026, 11, 23)
