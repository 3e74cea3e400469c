"""When recurring places are looked at again, as a calendar tells."""

from __future__ import annotations

import datetime as dt

import pytest

from gridsvc.cases.systems.looking_back.seasons import SEASONS, Season, season_of
from gridsvc.errors import BadFile
from gridsvc.settings import Settings
from tests import cities

pytestmark = pytest.mark.system(20)

JUNE = Season("漏雨", "", 6, 1, 45)


@pytest.mark.parametrize(
    ("day", "due"),
    [
        ("2026-04-16", None),
        ("2026-04-17", "2026-06-01"),
        ("2026-05-31", "2026-06-01"),
        ("2026-06-01", None),
        ("2026-12-31", None),
    ],
)
def test_roofs_are_looked_at_in_the_45_days_before_june(day, due):
    found = JUNE.due(dt.date.fromisoformat(day))
    assert found == (None if due is None else dt.date.fromisoformat(due))


def test_a_season_may_begin_in_the_year_before():
    january = Season("冰", "", 1, 10, 30)
    assert january.due(dt.date(2026, 12, 11)) == dt.date(2027, 1, 10)
    assert january.due(dt.date(2027, 1, 9)) == dt.date(2027, 1, 10)
    assert january.due(dt.date(2026, 12, 10)) is None


def test_every_day_of_a_year_is_due_as_counted_by_hand():
    days = [dt.date(2026, 1, 1) + dt.timedelta(days=n) for n in range(365)]
    assert sum(JUNE.due(day) is not None for day in days) == 45


def test_the_group_speaks_before_the_class_and_the_longest_class_before_shorter_ones():
    rules = [Season("", "06", 5, 1, 10), Season("", "06001", 4, 1, 10), JUNE]
    assert season_of(rules, ["漏雨"], "06001") is JUNE
    assert season_of(rules, ["异味"], "06001") is rules[1]
    assert season_of(rules, [], "06010") is rules[0]
    assert season_of(rules, [], "01002") is None


def test_the_shipped_rule_for_roofs_is_before_june():
    found = season_of(cities.city().table(SEASONS), ["漏雨"], "06001")
    assert found is not None
    assert (found.month, found.day) == (6, 1)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("漏雨,06,06-01,45,", "a group of words, or for a class"),
        (",,06-01,45,", "a group of words, or for a class"),
        (",ab,06-01,45,", "does not begin a class"),
        ("漏雨,,02-29,45,", "month and day"),
        ("漏雨,,June,45,", "month and day"),
        ("漏雨,,06-01,0,", "1 to 180"),
        ("漏雨,,06-01,200,", "1 to 180"),
        ("漏雨,,06-01,45,\n漏雨,,06-02,45,", "duplicated"),
    ],
)
def test_a_wrong_rule_is_told(tmp_path, row, said):
    text = f"group,class,before,lead_days,source\n{row}\n"
    (tmp_path / "seasons.csv").write_text(text, encoding="utf-8")
    with pytest.raises(BadFile, match=said):
        SEASONS.load(Settings(procedures_dir=tmp_path))
