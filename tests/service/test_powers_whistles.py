"""A whistle asks nobody for what the street may do itself, and its letter names the power."""

from __future__ import annotations

import pytest

from tests.service import joint_city as city
from tests.service.powers_world import delegation, enter_delegations, enter_powers, power
from tests.service.procedures_world import CGJ, GZ, Clock, World
from tests.service.test_whistle_letter import letter, words
from tests.service.whistles_world import newest, published, register_departments

#: Rubbish (06010), which the cases of these tests are about.
ABOUT = {"classes": "event:0601"}


@pytest.fixture
def world(client, city_engine, monkeypatch):
    register_departments(city_engine)
    return World(client, Clock.held(monkeypatch))


@pytest.fixture
def enter(city_session, tmp_path):
    def call(powers, delegations=()):
        told = [enter_powers(city_session, tmp_path, *powers)]
        if delegations:
            told.append(enter_delegations(city_session, tmp_path, *delegations))
        city_session.commit()
        assert [one.refused for one in told] == [()] * len(told)

    return call


def classified(world, kind="everyday"):
    case = world.open(city.LEAD, "whistle_3")
    case.take(city.LEAD, "classify", kind=kind, ground="enforcement")
    return case


def asks_for(code, body=CGJ, **more):
    return {"task": "Come.", "powers": {body: code}, **more}


def refused(case, demand, bodies=(CGJ,), status=409):
    problem = case.refused(city.LEAD, "publish", status=status, demand=demand, bodies=list(bodies))
    assert case.seen()["whistles"] == []
    return problem


@pytest.mark.system(10)
def test_a_power_that_the_street_has_is_refused_with_the_clause_before_anybody_signs(world, enter):
    enter([power("C1")], [delegation("C1")])
    case, demand = classified(world), asks_for("C1")
    given = {"approval": "confirmed_by", "demand": demand, "bodies": [CGJ]}
    first = world["leader"].refused(f"/v1/cases/{case.id}/approvals", given, status=409)
    assert first["detail"].startswith(
        "You may act yourself: 赋权决定〔2021〕1号第C1项 delegates C1"
    )
    assert first["powers"] == [
        {"code": "C1", "name": "对C1的行政处罚", "document": "赋权决定〔2021〕1号第C1项"}
    ]


@pytest.mark.system(10)
def test_a_letter_without_a_power_means_those_of_the_body_for_the_class(world, enter):
    enter([power("C1", **ABOUT)], [delegation("C1")])
    case = classified(world)
    case.approve("Come.", [CGJ])
    told = refused(case, "Come.")
    assert told["field"] == "evidence.demand.powers"
    assert "You may act yourself" in told["detail"]
    # Planning, whose list says nothing of the class, may be called.
    case.publish("Come.", [GZ])
    assert list(newest(case).called()) == [GZ]


def test_a_body_that_keeps_a_power_for_the_class_may_be_called(world, enter):
    enter([power("C1", **ABOUT), power("C2", **ABOUT)], [delegation("C1")])
    assert list(published(world, (CGJ,)).called()) == [CGJ]


def test_a_power_about_another_class_hinders_no_whistle(world, enter):
    enter([power("C1", classes="event:0602 part:0100")], [delegation("C1")])
    assert list(published(world, (CGJ,)).called()) == [CGJ]


def test_in_an_emergency_people_are_called_and_only_a_named_power_is_refused(world, enter):
    enter([power("C1", **ABOUT)], [delegation("C1")])
    assert list(published(world, (CGJ,), kind="emergency").called()) == [CGJ]
    assert "act yourself" in refused(classified(world, "emergency"), asks_for("C1"))["detail"]


@pytest.mark.parametrize(
    ("valid_from", "valid_to"),
    [("2026-11-24", ""), ("2021-07-01", "2026-11-23")],
    ids=["tomorrow", "until yesterday"],
)
def test_a_delegation_of_another_day_or_street_hinders_no_whistle(
    world, enter, valid_from, valid_to
):
    enter(
        [power("C1", **ABOUT)],
        [
            delegation("C1", valid_from=valid_from, valid_to=valid_to),
            delegation("C1", city.LEAD_NORTH),
        ],
    )
    assert list(published(world, (CGJ,), demand=asks_for("C1")).called()) == [CGJ]


@pytest.mark.system(10)
def test_the_letter_names_the_power_its_basis_and_what_lies_beyond_the_streets_own(
    client, world, enter
):
    conditions = {"conditions": "面积不足一百平方米"}
    enter([power("C1"), power("P1", GZ)], [delegation("C1", **conditions)])
    case = classified(world)
    unsaid = asks_for("C1") | {"powers": {CGJ: "C1", GZ: "P1"}}
    told = world["leader"].refused(
        f"/v1/cases/{case.id}/approvals",
        {"approval": "confirmed_by", "demand": unsaid, "bodies": [CGJ, GZ]},
        status=409,
    )
    assert "under conditions" in told["detail"]
    assert "面积不足一百平方米" in told["detail"]
    case.publish(unsaid | {"beyond": {CGJ: "It covers 300 m²."}}, [CGJ, GZ])
    blown = newest(case)
    said = words(letter(client, blown.id))
    for word in (
        *("C1 对C1的行政处罚", "行政处罚 penalty", "某条例第C1条", "It covers 300 m²."),
        *("P1 对P1的行政处罚", "某条例第P1条"),
    ):
        assert word in said, word
    assert blown.seen()["demand"]["powers"] == {CGJ: "C1", GZ: "P1"}
    # What the list becomes later does not change a letter that went out.
    enter([power("C1", name="另一名称")])
    assert "C1 对C1的行政处罚" in words(letter(client, blown.id))


def test_the_power_of_another_body_is_refused_with_the_one_to_call(world, enter):
    enter([power("C1", GZ)])
    case = classified(world, "emergency")
    told = refused(case, asks_for("C1"), status=422)
    assert f"({GZ}), not" in told["detail"]
    assert "no list" in refused(case, asks_for("C9"), status=422)["detail"]
    assert "not called" in refused(case, asks_for("C1", GZ), status=422)["detail"]


def test_a_further_whistle_is_refused_like_the_first(world, enter):
    enter([power("P1", GZ, **ABOUT)], [delegation("P1")])
    blown = published(world, (CGJ,))
    given = {"bodies": [GZ], "demand": "Measure it.", "found": "a wall"}
    address = f"/v1/cases/{blown.case.id}/whistles"
    world["leader"].post(
        f"/v1/cases/{blown.case.id}/approvals",
        {"approval": "confirmed_by", "demand": "Measure it.", "bodies": [GZ]},
    )
    told = world[city.LEAD].refused(address, given, status=409)
    assert told["field"] == "demand.powers"
    assert len(blown.case.seen()["whistles"]) == 1
