"""Working days: the published calendar, a city's own table, and years that nobody knows yet."""

from __future__ import annotations

import datetime as dt

import pytest
from structlog.testing import capture_logs

from gridsvc.city.calendar import Clock, deadline, read_working_days
from gridsvc.errors import BadFile
from tests.cities import calendar, city

TABLE = "date,kind,name\n2027-01-01,holiday,元旦\n2027-01-02,workday,元旦调休\n"


def test_a_holiday_is_free_and_its_make_up_day_is_worked():
    days = calendar()
    assert not days.is_working(dt.date(2026, 10, 1))
    assert days.is_working(dt.date(2026, 10, 10))  # a Saturday


def test_a_year_that_is_not_published_has_weekends_fixed_holidays_and_one_warning():
    days = calendar()
    with capture_logs() as logs:
        assert not days.is_working(dt.date(2027, 1, 1))
        assert not days.is_working(dt.date(2029, 5, 2))
        assert not days.is_working(dt.date(2027, 10, 1))
        assert days.is_working(dt.date(2027, 10, 4))
        assert not days.is_working(dt.date(2027, 1, 2))
    assert [(entry["log_level"], entry["year"]) for entry in logs] == [
        ("warning", 2027),
        ("warning", 2029),
    ]


def test_a_limit_runs_over_the_end_of_the_published_years():
    since = dt.datetime(2026, 12, 31, 14, tzinfo=calendar().zone)
    end = deadline(since, dt.timedelta(hours=8), Clock.WORKING, calendar())
    # Four hours are left on the Monday behind New Year's Day and its weekend.
    assert end == dt.datetime(2027, 1, 4, 12, tzinfo=calendar().zone)


def test_the_citys_own_table_is_taken_and_silences_the_warning(tmp_path):
    path = tmp_path / "days.csv"
    path.write_text(TABLE, encoding="utf-8")
    days = calendar(read_working_days(path))
    with capture_logs() as logs:
        assert not days.is_working(dt.date(2027, 1, 1))
        assert days.is_working(dt.date(2027, 1, 2))  # a Saturday
        assert days.is_working(dt.date(2027, 1, 4))
        assert not days.is_working(dt.date(2027, 1, 3))
    assert logs == []


def test_the_table_is_named_by_a_setting(tmp_path, monkeypatch):
    path = tmp_path / "days.csv"
    path.write_text(TABLE, encoding="utf-8")
    monkeypatch.setenv("GRIDSVC_WORKING_DAYS", str(path))
    assert not city().calendar.is_working(dt.date(2027, 1, 1))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("day,kind\n", "line 1: the columns"),
        ("date,kind,name\n1 January,holiday,x\n", "line 2: '1 January' is not a day"),
        ("date,kind,name\n2027-01-01,party,x\n", "line 2: the kind 'party'"),
        ("date,kind,name\n2027-01-01,holiday,x\n2027-01-01,workday,x\n", "line 3: .* duplicated"),
        ("date,kind,name\n2027-01-01\n", "line 2: the line has 1 fields, the header 3"),
    ],
)
def test_a_fault_in_the_table_is_told_with_its_line(tmp_path, text, says):
    path = tmp_path / "days.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadFile, match=says):
        read_working_days(path)


def test_a_table_that_is_missing_or_no_text_is_told(tmp_path):
    with pytest.raises(BadFile, match="not at"):
        read_working_days(tmp_path / "none.csv")
    (tmp_path / "gbk.csv").write_bytes("date,kind,name\n2027-01-01,holiday,元旦\n".encode("gbk"))
    with pytest.raises(BadFile, match="UTF-8"):
        read_working_days(tmp_path / "gbk.csv")


def test_the_holidays_of_a_fixed_date_are_the_countrys_unless_the_city_has_its_own(tmp_path):
    path = tmp_path / "statutory_holidays.csv"
    path.write_text("month_day,name\n12-25,of the city\n", encoding="utf-8")
    days = city(procedures_dir=tmp_path).calendar
    assert not days.is_working(dt.date(2028, 12, 25))
    assert days.is_working(dt.date(2029, 1, 1))
    path.write_text("month_day,name\n12-32,x\n", encoding="utf-8")
    with pytest.raises(BadFile, match=r"statutory_holidays.csv, line 2: '12-32' is not a day"):
        city(procedures_dir=tmp_path)


@pytest.mark.parametrize(
    ("zone", "moment", "day", "shown"),
    [
        ("Asia/Shanghai", "2026-06-30T16:00:00+00:00", "2026-07-01", "(UTC+08:00)"),
        ("Asia/Shanghai", "2026-06-30T15:59:59+00:00", "2026-06-30", "(UTC+08:00)"),
        ("Asia/Urumqi", "2026-06-30T16:00:00+00:00", "2026-06-30", "(UTC+06:00)"),
        ("America/Los_Angeles", "2026-07-01T06:59:59+00:00", "2026-06-30", "(UTC-07:00)"),
        ("America/Los_Angeles", "2026-01-01T07:59:59+00:00", "2025-12-31", "(UTC-08:00)"),
    ],
)
def test_a_moment_falls_on_the_day_of_its_city(zone, moment, day, shown):
    days, at = calendar(zone=zone), dt.datetime.fromisoformat(moment)
    assert days.day(at) == dt.date.fromisoformat(day)
    assert days.name(at) == f"{zone} {shown}"


def test_a_day_begins_and_ends_by_the_clocks_of_the_city_also_when_they_change():
    madrid = calendar(zone="Europe/Madrid")
    short = dt.date(2026, 3, 29)
    assert madrid.begins(short).astimezone(dt.UTC).isoformat() == "2026-03-28T23:00:00+00:00"
    assert madrid.ends(short).astimezone(dt.UTC).isoformat() == "2026-03-29T21:59:59+00:00"
    assert madrid.day(madrid.begins(short)) == madrid.day(madrid.ends(short)) == short
