"""Which case a report joins: the same part, the same place text, the nearest."""

from __future__ import annotations

import uuid
from dataclasses import replace

from gridsvc.cases.intake.match import Candidate, MatchCriteria, ranked, reason_not_joined
from gridsvc.city.classes import STANDARD, ClassKey
from tests.cities import city

ORDINARY = city().procedures.newest("ordinary")
COVER = ClassKey(STANDARD, "event", "01002")
LAMP = ClassKey(STANDARD, "event", "01037")
REPORT = MatchCriteria(
    key=COVER,
    kinds=("event", "part"),
    lon=116.3,
    lat=39.9,
    within_m=50.0,
    widest_m=50.0,
    text_within_m=1_000.0,
    district="110102",
    districts=("110102", "110106"),
    part_code="02010001",
    place_key=None,
    responsible="BJ-WATER",
)
CASE = Candidate(
    district_code="110102",
    id=uuid.UUID(int=1),
    key=replace(COVER, kind="part"),
    state="open",
    lead_body="110102020",
    part_code=None,
    lon=116.3,
    lat=39.9,
    distance_m=20.0,
    same_text=False,
    procedure="ordinary",
    procedure_version=2,
)


def apart(candidate, criteria):
    return reason_not_joined(candidate, criteria, ORDINARY)


def case(**more):
    return replace(CASE, **more)


def test_a_case_without_a_part_takes_the_report_of_one_close_by():
    assert apart(CASE, REPORT) is None
    assert apart(case(distance_m=51.0), REPORT) == "it lies 51 m away"


def test_two_parts_are_two_things_however_close():
    assert "02010002" in apart(case(part_code="02010002"), REPORT)


def test_one_code_in_two_districts_is_two_parts():
    assert apart(case(part_code="02010001"), REPORT) is None
    there = case(part_code="02010001", district_code="110106")
    assert "110106" in apart(there, REPORT)


def test_one_part_is_one_thing_though_its_point_is_far_away():
    assert apart(case(part_code="02010001", distance_m=90.0), REPORT) is None


def test_one_part_with_two_faults_goes_once_to_the_body_that_answers_for_both():
    lamp = case(part_code="02010001", key=LAMP)
    assert "110102020 answers" in apart(lamp, REPORT)
    assert apart(replace(lamp, lead_body="BJ-WATER"), REPORT) is None


def test_another_class_without_a_part_is_another_thing():
    assert apart(case(key=LAMP), replace(REPORT, part_code=None)) == "it is about class 01037"


def test_one_place_text_joins_up_to_its_own_distance():
    report = replace(REPORT, part_code=None)
    assert apart(case(same_text=True, distance_m=999.0), report) is None
    assert apart(case(same_text=True, distance_m=1_001.0), report) is not None


def test_the_surest_comes_first_then_the_nearest():
    part = case(id=uuid.UUID(int=2), part_code="02010001", distance_m=90.0)
    said = case(id=uuid.UUID(int=3), same_text=True, distance_m=300.0)
    near, nearer = (
        case(id=uuid.UUID(int=4), distance_m=9.0),
        case(id=uuid.UUID(int=5), distance_m=3),
    )
    assert ranked([near, said, nearer, part], REPORT) == [part, said, nearer, near]
