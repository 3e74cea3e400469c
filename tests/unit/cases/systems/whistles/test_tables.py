"""The tables of kinds and facts: what is wrong in them is told with file, line and reason."""

from __future__ import annotations

import datetime as dt

import pytest

from gridsvc.cases.systems.whistles.facts import FACTS, read_facts, suggested
from gridsvc.cases.systems.whistles.kinds import KINDS, WhistleKind, read_kinds
from gridsvc.city.classes import STANDARD, ClassKey
from gridsvc.errors import BadFile
from tests.cities import calendar, city

KIND_COLUMNS = "kind,title,title_zh,accept_hours,report_in_minutes,done_hours,clock,approvals\n"
FACT_COLUMNS = "by,match,unless,bodies,fact,fact_zh\n"
NOON = dt.datetime(2026, 11, 23, 4, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("loud,L,响,1,,1,calendar,", "line 2: .*loud"),
        ("everyday,E,日,soon,,1,calendar,", "line 2: .*soon"),
        ("everyday,E,日,1,,0,calendar,", "line 2: a limit"),
        ("everyday,E,日,1,,1,lunar,", "line 2: .*lunar"),
        ("everyday,E,日,1,,1,calendar,the_mayor", "line 2: .*the_mayor"),
        ("everyday,E,日,1,,1,calendar", "line 2: .*fields"),
        ("everyday,E,日,1,,1,calendar,\neveryday,E,日,1,,1,calendar,", "line 3: .*duplicated"),
        ("everyday,E,日,1,,1,calendar,", "line 1: .*'tough' is missing"),
    ],
)
def test_a_fault_in_the_kinds_is_told_with_its_line(tmp_path, row, reason):
    file = tmp_path / "kinds.csv"
    file.write_text(KIND_COLUMNS + row + "\n", encoding="utf-8")
    with pytest.raises(BadFile, match=f"kinds.csv, {reason}"):
        read_kinds(file)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("smell,gas,,燃气,gas,燃气", "'smell' is not one of"),
        ("word,,,燃气,gas,燃气", "must not be empty"),
        ("word,Gas,,燃气,gas,燃气", "lower case"),
        ("class,06025,,水务,water,水", "'event 0602'"),
        ("part,event 01,,水务,water,水", "'01069'"),
    ],
)
def test_a_fault_in_the_facts_is_told_with_its_line(tmp_path, row, reason):
    file = tmp_path / "facts.csv"
    file.write_text(FACT_COLUMNS + row + "\n", encoding="utf-8")
    with pytest.raises(BadFile, match=f"facts.csv, line 2: .*{reason}"):
        read_facts(file)


def test_the_meeting_starts_the_clock_to_report_in_and_accepting_ends_with_it():
    tough = city().table(KINDS)[WhistleKind.TOUGH]
    at_once, later = (
        tough.limits(NOON, meeting=meeting, report_in_minutes=30).by(calendar())
        for meeting in (None, NOON + dt.timedelta(days=1))
    )
    assert at_once.report_in_by - NOON == dt.timedelta(minutes=30)
    assert at_once.accept_by == at_once.report_in_by
    assert later.accept_by - NOON == dt.timedelta(hours=2)
    assert later.report_in_by - NOON == dt.timedelta(days=1, minutes=30)
    assert later.done_by - NOON == dt.timedelta(days=31)


@pytest.mark.parametrize(
    ("said", "body"),
    [
        ("A gas pipe leaks", "燃气"),
        ("燃气泄漏", "燃气"),
        ("The fire lane is blocked", "消防"),
        ("消防通道被占", "消防"),
        ("A power line hangs down", "电力"),
        ("变压器冒烟", "电力"),
        ("by the River.", "水务"),
        ("林地被占", "园林绿化"),
    ],
)
def test_the_words_of_the_table_speak_for_their_bodies(said, body):
    key = ClassKey(STANDARD, "event", "06036")
    found = [
        one.fact.bodies for one in suggested(city().table(FACTS), said=[said], key=key, parts=[])
    ]
    assert (body,) in found
