"""Which case a report joins: the same part, the same place text, the nearest."""

from __future__ import annotations

import uuid
from dataclasses import replace

from gridsvc.cases.intake.match import Candidate, MatchCriteria, judged, ranked, reason_not_joined
from gridsvc.city.classes import STANDARD, ClassKey
from tests.cities import city

CITY = city()
ORDINARY = CITY.procedures.newest("ordinary")
COVER = ClassKey(STANDARD, "event", "01002")
LAMP = ClassKey(STANDARD, "event", "01037")
RAIN_COVER = ClassKey(STANDARD, "event", "01003")
HERE, NEXT_DOOR = "110102020:长安里8楼", "110102020:长安里9楼"
REPORT = MatchCriteria(
    key=COVER,
    kinds=("event", "part"),
    lon=116.3,
    lat=39.9,
    kin=("01002", "01003"),
    exact=False,
    within_m=50.0,
    exact_within_m=15.0,
    widest_m=75.0,
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
    place_key=None,
    place_learnt=False,
    exact=False,
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


SAID = replace(REPORT, part_code=None, place_key=HERE)
UNSAID = replace(REPORT, part_code=None)


def test_one_address_joins_up_to_its_own_distance():
    assert apart(case(place_key=HERE, distance_m=999.0), SAID) is None
    assert apart(case(place_key=HERE, distance_m=1_001.0), SAID) is not None


def test_an_address_that_came_later_draws_no_report_from_farther_than_its_class():
    learnt = case(place_key=HERE, place_learnt=True)
    assert apart(replace(learnt, distance_m=49.0), SAID) is None
    assert apart(replace(learnt, distance_m=51.0), SAID) == "it lies 51 m away"


def test_two_addresses_are_two_things_however_close():
    assert apart(case(place_key=NEXT_DOOR, distance_m=1.0), SAID) == "it names another address"


def test_the_part_decides_before_the_address():
    there = case(place_key=NEXT_DOOR, part_code="02010001")
    assert apart(there, replace(SAID, part_code="02010001")) is None


def test_the_distance_decides_where_one_gives_no_address():
    assert apart(case(place_key=HERE, distance_m=49.0), UNSAID) is None
    assert apart(case(distance_m=51.0), SAID) == "it lies 51 m away"


def test_kindred_classes_join_at_one_address_and_where_somebody_could_touch_both():
    kindred = case(key=RAIN_COVER, place_key=HERE, distance_m=300.0)
    assert apart(kindred, SAID) is None
    assert apart(replace(kindred, distance_m=15.0), UNSAID) is None
    assert apart(replace(kindred, distance_m=16.0), UNSAID) == "it is about class 01003"
    assert apart(case(key=LAMP, place_key=HERE), SAID) == "it is about class 01037"


def test_a_name_without_a_door_lies_half_as_far_again():
    estate = case(place_key="110102020:长安里", distance_m=74.0)
    assert apart(estate, SAID) is None
    assert apart(replace(estate, distance_m=76.0), SAID) == "it lies 76 m away"


def test_two_grid_workers_stood_at_the_place_and_one_of_them_does_not_help_a_pin():
    worker = replace(UNSAID, exact=True)
    assert apart(case(exact=True, distance_m=20.0), worker) == "it lies 20 m away"
    assert apart(case(distance_m=20.0), worker) is None


def test_between_two_addresses_a_report_that_names_neither_joins_the_clearly_nearer_or_none():
    here = case(id=uuid.UUID(int=2), place_key=HERE, distance_m=10.0)
    there = case(id=uuid.UUID(int=3), place_key=NEXT_DOOR, distance_m=19.0)
    reasons = [reason for _, reason in judged(CITY, [here, there], UNSAID)]
    assert reasons == ["another address lies about as near; a person decides"] * 2
    farther = replace(there, distance_m=20.0)
    assert judged(CITY, [here, farther], UNSAID)[0] == (here, None)
    unnamed = replace(there, place_key=None)
    assert judged(CITY, [here, unnamed], UNSAID)[0] == (here, None)


def test_the_surest_comes_first_then_the_nearest():
    part = case(id=uuid.UUID(int=2), part_code="02010001", distance_m=90.0)
    said = case(id=uuid.UUID(int=3), place_key=HERE, distance_m=300.0)
    estate = case(id=uuid.UUID(int=6), place_key="110102020:长安里", distance_m=30.0)
    near, nearer = (
        case(id=uuid.UUID(int=4), distance_m=9.0),
        case(id=uuid.UUID(int=5), distance_m=3),
    )
    report = replace(REPORT, place_key=HERE)
    found = ranked([near, estate, said, nearer, part], report)
    assert found == [part, said, estate, nearer, near]
