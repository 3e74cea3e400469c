"""Two persons: what a leader agreed to goes out, and nothing else, by nobody alone."""

from __future__ import annotations

import pytest

from gridsvc.callers import Role
from tests.service import joint_city as city
from tests.service.procedures_world import CGJ, GZ, Clock, World
from tests.service.whistles_world import newest, register_departments, with_departments

LETTER = {"demand": {"task": "Come.", "tasks": {CGJ: "Clear it."}}, "bodies": [CGJ, GZ]}


@pytest.fixture
def world(client, city_engine, monkeypatch):
    register_departments(city_engine)
    return with_departments(World(client, Clock.held(monkeypatch)))


@pytest.fixture
def case(world):
    opened = world.open(city.LEAD, "whistle_3")
    opened.take(city.LEAD, "classify", kind="everyday", ground="enforcement")
    return opened


def lacks(case, name, **given):
    problem = case.refused(city.LEAD, "publish", **LETTER | given)
    assert problem["missing"] == [name]
    assert "/approvals" in problem["detail"]


def test_a_name_in_a_field_is_no_approval(case):
    lacks(case, "confirmed_by", confirmed_by="the main leader", approved_by="everybody")


def test_nobody_confirms_what_they_blow_themselves(case):
    case.approve(**LETTER, by=city.LEAD)
    lacks(case, "confirmed_by")
    case.approve(**LETTER, by="leader")
    case.take(city.LEAD, "publish", **LETTER)
    assert newest(case).seen()["demand"]["confirmed_by"] == "the main leader"
    assert case.intact()


@pytest.mark.parametrize(
    "changed",
    [
        {"bodies": [CGJ]},
        {"demand": {"task": "Come.", "tasks": {CGJ: "Measure it."}}},
        {"demand": {"task": "Come.", "tasks": {CGJ: "Clear it."}, "place": "the gate"}},
    ],
)
def test_an_approval_is_of_one_letter_and_of_no_other(case, changed):
    case.approve(**LETTER)
    lacks(case, "confirmed_by", **changed)
    case.take(city.LEAD, "publish", **LETTER | {"bodies": [GZ, CGJ]})


def test_two_approvals_need_two_persons_beside_the_one_who_blows(world):
    case = world.open(city.LEAD, "whistle_3")
    case.take(city.LEAD, "classify", kind="tough", ground="enforcement")
    for name in ("confirmed_by", "approved_by"):
        case.approve(**LETTER, by="command", name=name)
    lacks(case, "approved_by")
    case.approve(**LETTER, by="supervision", name="approved_by")
    case.take(city.LEAD, "publish", **LETTER)
    agreed = newest(case).seen()["demand"]
    assert agreed["confirmed_by"] == "command of the west"
    assert agreed["approved_by"] == "supervision of the west"
    given = world["supervision"].get(f"/v1/cases/{case.id}/approvals")["approvals"]
    assert [(one["approval"], one["by"]) for one in given] == [
        ("confirmed_by", "command of the west"),
        ("approved_by", "command of the west"),
        ("approved_by", "supervision of the west"),
    ]
    assert len({one["letter_sha256"] for one in given}) == 1


def test_only_leaders_of_the_street_and_of_its_district_agree(world, case, as_):
    address = f"/v1/cases/{case.id}/approvals"
    confirmed = {"approval": "confirmed_by", **LETTER}
    approved = {"approval": "approved_by", **LETTER}
    for who in (city.OTHER, "citizen", "worker"):
        world[who].refused(address, confirmed, status=403)
    world[CGJ].refused(address, confirmed, status=409)
    world["leader"].refused(address, approved, status=403)
    as_(Role.DISTRICT, city.EAST).refused(address, approved, status=403)
    assert [one["action"] for one in case.trace()].count("whistle_approved") == 0


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"approval": "liked_by"}, 422),
        ({"bodies": []}, 422),
        ({"bodies": ["nobody"]}, 404),
        ({"demand": {"place": "the gate"}}, 422),
        ({"demand": {"task": "Come.", "tasks": {"nobody": "Come."}}}, 422),
    ],
)
def test_an_approval_of_nothing_is_refused(world, case, given, status):
    whole = {"approval": "confirmed_by", **LETTER} | given
    world["leader"].refused(f"/v1/cases/{case.id}/approvals", whole, status=status)


def test_a_further_whistle_needs_its_own_approval(world, case):
    case.approve(**LETTER)
    case.take(city.LEAD, "publish", **LETTER)
    address = f"/v1/cases/{case.id}/whistles"
    further = {"bodies": [city.WATER], "demand": "Close the main."}
    problem = world[city.LEAD].refused(address, further, status=409)
    assert problem["missing"] == ["confirmed_by"]
    case.approve(further["demand"], further["bodies"])
    assert world[city.LEAD].post(address, further)["demand"]["confirmed_by"] == "the main leader"
