"""When something happened: never in the future, never before what it follows."""

from __future__ import annotations

import datetime as dt

import pytest

from gridsvc.cases.core.service import happened_at
from gridsvc.errors import BadInput

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
OPENED = NOW - dt.timedelta(hours=1)


def test_an_act_without_a_time_happens_now():
    assert happened_at(None, since=OPENED, now=NOW) == NOW


@pytest.mark.parametrize("seconds", [0, 59, 60])
def test_a_phones_clock_may_be_a_minute_off(seconds):
    skew = dt.timedelta(seconds=seconds)
    for given in (NOW + skew, OPENED - skew):
        assert happened_at(given, since=OPENED, now=NOW) == given


def test_a_time_is_kept_in_utc_whatever_its_offset():
    far = dt.timezone(dt.timedelta(hours=23))
    kept = happened_at(NOW.astimezone(far), since=OPENED, now=NOW)
    assert (kept, kept.utcoffset()) == (NOW, dt.timedelta())


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (NOW + dt.timedelta(seconds=61), "future"),
        (OPENED - dt.timedelta(seconds=61), "before the case was opened"),
        (dt.datetime.max.replace(tzinfo=dt.UTC), "future"),
        (dt.datetime.min.replace(tzinfo=dt.timezone(dt.timedelta(hours=14))), "before"),
        (NOW.replace(tzinfo=None), "time zone"),
    ],
)
def test_an_impossible_time_is_refused_and_named(given, says):
    with pytest.raises(BadInput, match=says) as refused:
        happened_at(given, since=OPENED, now=NOW)
    assert refused.value.field == "at"
