"""Shifts: hours of the week and of single days, by the clocks of the city."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.city.calendar import Calendar
from gridsvc.errors import BadInput
from gridsvc.registry.staff.shifts import Shifts
from gridsvc.settings import Settings

CALENDAR = Calendar.load(Settings())
MONDAY = dt.date(2026, 11, 23)


def on(text: str, day: dt.date, clock: str) -> bool:
    moment = dt.datetime.combine(day, dt.time.fromisoformat(clock), tzinfo=CALENDAR.zone)
    return Shifts.read(text).hold(moment, CALENDAR)


@pytest.mark.parametrize(
    ("text", "day", "clock", "there"),
    [
        ("", MONDAY, "03:00", True),
        ("mon-fri 08:00-12:00,14:00-18:00", MONDAY, "08:00", True),
        ("mon-fri 08:00-12:00,14:00-18:00", MONDAY, "12:00", False),
        ("mon-fri 08:00-12:00,14:00-18:00", MONDAY, "17:59", True),
        ("mon-fri 08:00-12:00,14:00-18:00", MONDAY + dt.timedelta(5), "09:00", False),
        ("SAT,sun 08:00-24:00", MONDAY + dt.timedelta(6), "23:59", True),
        ("sat,sun 08:00-24:00", MONDAY, "00:00", False),
        ("sun 22:00-06:00", MONDAY, "05:59", True),
        ("sun 22:00-06:00", MONDAY, "06:00", False),
        ("sun 22:00-06:00", MONDAY, "22:30", False),
        ("workday 08:00-18:00", dt.date(2026, 10, 1), "09:00", False),
        ("holiday 08:00-18:00", dt.date(2026, 10, 1), "09:00", True),
        ("daily 08:00-18:00; 2026-11-23 off", MONDAY, "09:00", False),
        ("daily 08:00-18:00; 2026-11-20..2026-11-23 19:00-20:00", MONDAY, "19:30", True),
        ("daily 08:00-18:00; 2026-11-20..2026-11-22 off", MONDAY, "09:00", True),
    ],
)
def test_hours_hold_as_they_are_written(text: str, day: dt.date, clock: str, there: bool) -> None:
    assert on(text, day, clock) is there


@pytest.mark.parametrize(
    "text",
    [
        *("mon", "mon off", "monday 08:00-12:00", "fri-mon 08:00-12:00", "daily 8:00-12:00"),
        *("daily 08:00-08:00", "daily 24:00-06:00", "daily 08:00-24:30", "daily 08:60-09:00"),
        *(
            "2026-02-30 08:00-12:00",
            "2026-10-07..2026-10-01 off",
            "daily 08:00-12:00,",
            "x" * 2_001,
        ),
    ],
)
def test_what_is_no_shift_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        Shifts.read(text)
    assert refused.value.field == "shifts"


@given(begins=st.integers(0, 1439), length=st.integers(1, 1440), asked=st.integers(0, 2879))
def test_daily_hours_hold_on_each_day_alike_also_past_midnight(
    begins: int, length: int, asked: int
) -> None:
    ends = (begins + length) % 1440
    if ends == begins:
        return
    text = f"daily {begins // 60:02}:{begins % 60:02}-{ends // 60:02}:{ends % 60:02}"
    moment = dt.datetime.combine(MONDAY, dt.time(), tzinfo=CALENDAR.zone)
    there = Shifts.read(text).hold(moment + dt.timedelta(minutes=asked), CALENDAR)
    assert there is ((asked - begins) % 1440 < length)
