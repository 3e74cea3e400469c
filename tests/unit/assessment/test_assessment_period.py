from __future__ import annotations

import datetime as dt

import pytest

from gridsvc.assessment.period import parse_period
from gridsvc.errors import BadInput
from tests.cities import calendar


def test_a_month_is_the_citys_own_and_not_that_of_greenwich() -> None:
    november = parse_period("2026-11", calendar())
    assert november.start == dt.datetime(2026, 10, 31, 16, tzinfo=dt.UTC)
    assert november.end == dt.datetime(2026, 11, 30, 16, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2026-Q4", "2026-10-01", "2026-12-31"),
        ("2026", "2026-01-01", "2026-12-31"),
        ("2026-11-03", "2026-11-03", "2026-11-03"),
        ("2026-11-03/2026-11-09", "2026-11-03", "2026-11-09"),
    ],
)
def test_every_form_names_its_days(text: str, first: str, last: str) -> None:
    period = parse_period(text, calendar())
    assert (period.first, period.last) == (
        dt.date.fromisoformat(first),
        dt.date.fromisoformat(last),
    )


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("2026-01", "2025-12"),
        ("2026-Q1", "2025-Q4"),
        ("2026", "2025"),
        ("2026-11-08/2026-11-14", "2026-11-01/2026-11-07"),
    ],
)
def test_every_form_knows_the_one_before(text: str, before: str) -> None:
    assert parse_period(text, calendar()).before() == parse_period(before, calendar())


def test_a_year_has_twelve_months() -> None:
    months = parse_period("2026", calendar()).months()
    assert (len(months), months[0], months[-1]) == (12, "2026-01", "2026-12")


@pytest.mark.parametrize(
    "text",
    [
        *("", "2026-13", "2026-Q5", "26-11", "2026-11-31", "2026-11-09/2026-11-03", "1999"),
        *("9999-01", "9999-12", "9999-Q4", "2026/2027", "2026-11/", "٢٠٢٦"),
        *("2020-01-01/2026-01-01", "2026-11-01/2026-11-02/", "x" * 99),
    ],
)
def test_what_is_no_period_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_period(text, calendar())
    assert caught.value.field == "period"
