"""Refusals: who, why, and who is responsible now; when each side names the other."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from gridsvc.callers import Role
from tests.service import joint_city as city


def refuse(now: str, why: str = "It stands across the border.") -> dict[str, object]:
    return {"step": "refuse", "note": why, "evidence": {"responsible_now": now}}


@pytest.fixture
def filed(citizen):
    return citizen.report(-100)


@pytest.fixture
def steps(filed):
    return f"/v1/cases/{filed['case_id']}/steps"


def test_a_refusal_names_who_refused_why_and_who_answers_now(filed, steps, lead, other):
    case = lead.post(steps, refuse(city.OTHER))
    assert (case["lead_body"], case["step"]) == (city.OTHER, "handle")
    assert case["refused_by"] == [city.LEAD]
    assert case["participant_district"] == city.EAST
    refused, sent = lead.get(f"/v1/cases/{filed['case_id']}/trace")["entries"][-2:]
    assert (refused["action"], refused["body_code"]) == ("refuse", city.LEAD)
    assert refused["content"]["note"] == "It stands across the border."
    assert refused["content"]["responsible_now"] == city.OTHER
    assert (sent["action"], sent["content"]["from"], sent["content"]["to"]) == (
        "send_on",
        city.LEAD,
        city.OTHER,
    )
    told = other.get(f"/v1/bodies/{city.OTHER}/inbox")["messages"]
    assert told[-1]["content"]["reason"] == "It stands across the border."


def test_when_each_side_names_the_other_both_are_called_and_the_receiver_leads(
    filed, steps, lead, other
):
    lead.post(steps, refuse(city.OTHER))
    case = other.post(steps, refuse(city.LEAD))
    assert (case["procedure"]["name"], case["step"]) == ("joint", "receiving_meeting")
    assert case["lead_body"] == city.LEAD
    assert case["refused_by"] == [city.LEAD, city.OTHER]
    whistle = lead.get(f"/v1/whistles/{case['whistles'][0]['id']}")
    assert (whistle["ground"], whistle["areas"]) == ("refusal", [city.LEAD, city.OTHER])
    assert whistle["facts"]["refused_by"] == [city.LEAD, city.OTHER]
    assert "each say" in whistle["facts"]["explanation"]
    assert whistle["participant_district"] == city.EAST


def test_a_case_kept_by_the_district_of_the_second_side_names_the_first_as_its_partner(
    citizen, lead, other, as_
):
    # Reported east of the border, confirmed as west: the east keeps the case, the west received it.
    filed = citizen.report(8)
    citizen.post(f"/v1/reports/{filed['id']}/confirm", {"street": city.LEAD})
    steps = f"/v1/cases/{filed['case_id']}/steps"
    lead.post(steps, refuse(city.OTHER))
    case = other.post(steps, refuse(city.LEAD))
    assert (case["district_code"], case["lead_body"]) == (city.EAST, city.LEAD)
    assert case["participant_district"] == city.WEST
    found = lead.get("/v1/whistles", district=city.WEST)["whistles"]
    assert [w["participant_district"] for w in found] == [city.WEST]
    assert as_(Role.DISTRICT, city.WEST).get("/v1/cases")["cases"]


def test_a_third_body_may_still_be_named(filed, steps, lead, other, as_):
    lead.post(steps, refuse(city.OTHER))
    case = other.post(steps, refuse(f"{city.EAST}-GZ"))
    assert (case["lead_body"], case["procedure"]["name"]) == (f"{city.EAST}-GZ", "ordinary")
    department = as_(Role.DEPARTMENT, city.EAST, f"{city.EAST}-GZ")
    department.post(steps, {"step": "handle", "note": "gone"})


def test_when_two_name_each_other_after_a_third_those_two_are_called(
    filed, steps, lead, other, as_
):
    north = as_(Role.STREET, city.OTHER_NORTH)
    lead.post(steps, refuse(city.OTHER))
    other.post(steps, refuse(city.OTHER_NORTH))
    case = north.post(steps, refuse(city.OTHER))
    whistle = lead.get(f"/v1/whistles/{case['whistles'][0]['id']}")
    assert whistle["areas"] == [city.OTHER, city.OTHER_NORTH]
    assert case["refused_by"] == [city.LEAD, city.OTHER, city.OTHER_NORTH]


@pytest.mark.parametrize(
    ("now", "status", "says"),
    [("nobody", 404, "nobody"), (city.LEAD, 409, "itself"), ("", 409, "responsible_now")],
)
def test_a_refusal_must_name_another_body_that_exists(
    filed, steps, lead, city_session, now, status, says
):
    before = city.counts(city_session)
    assert says in lead.refused(steps, refuse(now), status=status)["detail"]
    assert city.counts(city_session) == before


def test_a_refusal_without_a_reason_is_refused(steps, lead):
    problem = lead.refused(steps, refuse(city.OTHER, why=""), status=409)
    assert problem["missing"] == ["note"]


def test_only_the_body_that_leads_refuses(steps, other, as_):
    problem = other.refused(steps, refuse(city.LEAD), status=403, type="not-allowed")
    assert "its body was not called" in problem["detail"]
    bureau = as_(Role.DEPARTMENT, city.WEST, f"{city.WEST}-CGJ")
    problem = bureau.refused(steps, refuse(city.LEAD), status=409, type="step-refused")
    assert f"taken by {city.LEAD}" in problem["detail"]


def test_a_body_that_refused_cannot_be_sent_the_case_without_a_whistle(filed, steps, lead, other):
    lead.post(steps, refuse(city.OTHER))
    other.post(steps, {"step": "handle", "note": "we did it after all"})
    problem = other.refused(steps, refuse(city.LEAD), status=409)
    assert "'handle'" in problem["detail"]


def test_the_full_time_begins_again_for_the_body_to_which_a_case_is_sent(
    filed, steps, lead, city_engine
):
    with city_engine.begin() as connection:
        connection.execute(text("update case_file set limit_at = limit_at - interval '100 hours'"))
    before = lead.get(f"/v1/cases/{filed['case_id']}")["limit_at"]
    assert lead.post(steps, refuse(city.OTHER))["limit_at"] > before


def test_the_ordinary_case_is_verified_by_supervision_and_not_by_who_handles(
    filed, steps, lead, as_
):
    for step in ("handle", "feed_back"):
        lead.post(steps, {"step": step, "note": "done"})
    verify = {"step": "verify", "note": "seen on the spot"}
    problem = lead.refused(steps, verify, status=403, type="not-allowed")
    assert "Whoever handles a case does not close it" in problem["detail"]
    as_(Role.DISTRICT, city.EAST).refused(steps, verify, status=403)
    district = as_(Role.DISTRICT, city.WEST)
    reworked = district.post(steps, {"step": "rework", "note": "still there"})
    assert reworked["step"] == "handle"
    for step in ("handle", "feed_back"):
        lead.post(steps, {"step": step, "note": "done again"})
    district.post(steps, verify)
    assert district.post(steps, {"step": "assess", "evidence": {"score": 0}})["state"] == "closed"
