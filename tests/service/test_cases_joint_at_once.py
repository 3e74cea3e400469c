"""A joint case for several at the same moment, and for those who may see it."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from gridsvc.callers import Role
from tests.service import joint_city as city
from tests.service.conftest import Person, refusal, token_of
from tests.service.joint_case import CGJ, JointCase, at_once


@pytest.fixture
def case(client):
    return JointCase(client)


def test_of_two_who_take_one_step_at_the_same_moment_one_wins_and_the_other_is_told(case):
    meeting = {"step": "receiving_meeting", "evidence": {"minutes": "x"}}
    answers = at_once(*[lambda: case.lead.send("POST", case.steps, json=meeting)] * 4)
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    told = next(answer for answer in answers if answer.status_code == 409)
    assert "has already been taken" in refusal(told, 409)["detail"]
    entries = case.lead.get(f"/v1/cases/{case.id}/trace")["entries"]
    assert [e["action"] for e in entries].count("receiving_meeting") == 1
    assert case.lead.get(f"/v1/cases/{case.id}/trace/verify")["intact"] is True


def test_both_sides_may_agree_at_the_same_moment(case):
    case.meet()
    answers = at_once(
        *(
            lambda w=who: w.send("POST", case.steps, json=case.plan())
            for who in (case.lead, case.other)
        )
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    assert case.lead.get(f"/v1/cases/{case.id}")["step"] == "joint_action"


def test_a_step_under_a_key_is_taken_once_by_two_at_the_same_moment(case):
    meeting = {"step": "receiving_meeting", "evidence": {"minutes": "x"}}
    answers = at_once(
        *[
            lambda: case.lead.send(
                "POST", case.steps, json=meeting, headers={"Idempotency-Key": "m"}
            )
        ]
        * 3
    )
    assert [answer.status_code for answer in answers] == [200] * 3
    first, *others = (answer.json() for answer in answers)
    assert others == [first] * 2
    assert [answer.headers.get("Idempotency-Replayed") for answer in answers].count("true") == 2


def test_a_called_body_sees_the_joint_case_whatever_its_prefix(case):
    case.meet()
    far = case.person(Role.DEPARTMENT, "110108", CGJ)
    assert far.get(f"/v1/cases/{case.id}")["id"] == case.id
    assert far.get(f"/v1/cases/{case.id}/trace")["entries"]
    uncalled = case.person(Role.DEPARTMENT, "110108", f"{city.WEST}-GZ")
    refusal(uncalled.send("GET", f"/v1/cases/{case.id}"), 403)
    refusal(case.person(Role.DISTRICT, "110108").send("GET", f"/v1/cases/{case.id}"), 403)


def test_both_districts_list_the_joint_case_and_its_whistle(case):
    for district in (city.WEST, city.EAST):
        cases = case.person(Role.DISTRICT, district).get("/v1/cases")["cases"]
        assert [found["id"] for found in cases] == [case.id]
        found = case.lead.get("/v1/whistles", district=district, joint=True, state="open")
        assert len(found["whistles"]) == 1
    assert case.person(Role.DISTRICT, "110108").get("/v1/cases")["cases"] == []


def test_lists_page_by_key(client):
    citizen = Person(client, token_of(Role.CITIZEN))
    filed = [citizen.report(-1500 + 300 * n)["case_id"] for n in range(3)]
    district = Person(client, token_of(Role.DISTRICT, city.WEST))
    first = district.get("/v1/cases", limit=2)
    assert [found["id"] for found in first["cases"]] == filed[:2]
    second = district.get("/v1/cases", limit=2, cursor=first["next"])
    assert [found["id"] for found in second["cases"]] == filed[2:]
    assert second["next"] is None


def test_the_case_lock_is_no_table_lock(case, city_engine):
    # A step in another case goes on while this one is held.
    second = case.person(Role.CITIZEN).report(-900)["case_id"]
    with city_engine.begin() as holding:
        holding.execute(text("select 1 from case_file where id = :id for update"), {"id": case.id})
        case.lead.post(f"/v1/cases/{second}/steps", {"step": "handle", "note": "gone"})
