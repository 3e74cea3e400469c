"""The joint whistle over HTTP, to its end: every step by its own side, in its order."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest

from gridsvc.callers import Role
from tests.service import joint_city as city
from tests.service.conftest import refusal
from tests.service.joint_case import CGJ, GZ, JointCase


@pytest.fixture
def case(client):
    return JointCase(client)


@pytest.mark.system(4)
def test_a_joint_whistle_is_played_to_its_end(case):
    case.score()
    half = case.lead.post(case.steps, {"step": "close", "note": "Down and cleared."})
    assert half["state"] == "open"
    assert half["next"][0]["taken_by"] == [city.LEAD]
    closed = case.other.post(case.steps, {"step": "close", "note": "Down and cleared."})
    assert (closed["state"], closed["next"], closed["limit_at"]) == ("closed", [], None)
    whistle = case.lead.get(case.whistle)
    assert (whistle["state"], whistle["actions"]) == ("closed", 1)
    assert {code: body["score"] for code, body in case.called().items()} == {
        city.LEAD: 95,
        city.OTHER: 95,
        CGJ: 0,
        GZ: 0,
    }
    entries = case.lead.get(f"/v1/cases/{case.id}/trace")["entries"]
    assert Counter(entry["action"] for entry in entries) == {
        "dispatch": 1,
        "report_filed": 1,
        "whistle_blown": 1,
        "receiving_meeting": 1,
        "whistle_other_side": 1,
        "bring_departments": 1,
        "agree_plan": 2,
        "accept": 4,
        "report_in": 4,
        "joint_action": 1,
        "done": 4,
        "score": 4,
        "close": 2,
    }
    assert case.other.get(f"/v1/cases/{case.id}/trace/verify")["intact"] is True
    case.lead.refused(case.steps, {"step": "joint_action", "note": "x"}, status=409)
    case.lead.refused(case.body(city.LEAD, "accept"), status=409)


def test_every_step_tells_the_other_side_once(case):
    case.score()
    for who in (case.lead, case.other):
        who.post(case.steps, {"step": "close", "note": "Down."})
    told = {
        code: [m["topic"] for m in who.get(f"/v1/bodies/{code}/inbox")["messages"]]
        for code, who in case.everybody().items()
    }
    assert told[city.OTHER] == [
        "joint_whistle",
        "joint_receiving_meeting",
        "joint_whistle_other_side",
        "joint_agree_plan",
        "joint_joint_action",
        "joint_close",
    ]
    assert told[CGJ] == ["called"]
    assert "joint_bring_departments" in told[city.LEAD]


@pytest.mark.system(4)
@pytest.mark.parametrize("step", ["whistle_other_side", "agree_plan", "joint_action", "close"])
def test_a_step_out_of_order_is_refused_with_the_step_that_is_due(case, step):
    problem = case.lead.refused(
        case.steps, {"step": step, "note": "x"}, status=409, type="step-refused"
    )
    assert problem["due"] == [
        {"step": "receiving_meeting", "by": [city.LEAD], "needs": ["minutes"]}
    ]
    assert "receiving_meeting" in problem["detail"]


def test_a_refused_step_leaves_nothing(case, city_session):
    before = city.counts(city_session)
    case.lead.refused(case.steps, {"step": "close", "note": "x"}, status=409)
    case.other.refused(
        case.steps, {"step": "receiving_meeting", "evidence": {"minutes": "x"}}, status=409
    )
    assert city.counts(city_session) == before


def test_a_step_is_refused_to_the_side_whose_step_it_is_not(case):
    problem = case.other.refused(
        case.steps,
        {"step": "receiving_meeting", "evidence": {"minutes": "x"}},
        status=409,
        type="step-refused",
    )
    assert f"taken by {city.LEAD}, not by {city.OTHER}" in problem["detail"]


def test_nobody_takes_a_step_in_the_name_of_another_body(case):
    meeting = {"step": "receiving_meeting", "evidence": {"minutes": "x"}, "body": city.LEAD}
    strangers = [
        case.other,
        case.person(Role.STREET, city.LEAD_NORTH),
        case.person(Role.DISTRICT, city.EAST),
        case.person(Role.GRID_WORKER, f"{city.LEAD}001"),
        case.person(Role.CITIZEN),
        case.person(Role.ANALYST, city.WEST),
    ]
    for stranger in strangers:
        stranger.refused(case.steps, meeting, status=403, type="not-allowed")
    # The district's own supervision may.
    case.person(Role.DISTRICT, city.WEST).post(case.steps, meeting)


def test_a_supervisor_must_say_for_which_side_he_takes_a_step_of_both(case):
    case.meet()
    city_hall = case.person(Role.CITY)
    problem = city_hall.refused(case.steps, case.plan(), status=422)
    assert problem["field"] == "body"
    assert city.LEAD in problem["detail"]
    assert city.OTHER in problem["detail"]
    city_hall.post(case.steps, {**case.plan(), "body": city.OTHER})


@pytest.mark.parametrize(
    ("step", "evidence", "says"),
    [
        ("receiving_meeting", {}, "minutes"),
        ("receiving_meeting", {"minutes": ""}, "minutes"),
        ("receiving_meeting", {"minutes": "x", "footprint": {"type": "Point"}}, "footprint"),
    ],
)
def test_missing_evidence_is_named(case, step, evidence, says):
    answer = case.lead.send("POST", case.steps, json={"step": step, "evidence": evidence})
    assert answer.status_code in (409, 422)
    assert says in refusal(answer, answer.status_code)["detail"]
    assert case.lead.get(f"/v1/cases/{case.id}")["step"] == step


def test_departments_that_do_not_exist_or_are_called_already_are_refused(case):
    case.lead.post(case.steps, {"step": "receiving_meeting", "evidence": {"minutes": "x"}})
    letter = {"step": "whistle_other_side", "evidence": {"demand": {"task": "x"}}}
    case.lead.refused(case.steps, {**letter, "evidence": {"demand": "come!"}}, status=422)
    case.lead.post(case.steps, letter)
    for departments, status in (
        (["nobody"], 404),
        ([city.LEAD], 422),
        ("110106-CGJ", 422),
        ([1], 422),
    ):
        bring = {"step": "bring_departments", "evidence": {"departments": departments}}
        case.other.refused(case.steps, bring, status=status)
    assert set(case.called()) == {city.LEAD, city.OTHER}


def test_the_footprint_that_the_meeting_measured_becomes_the_whistles(case):
    measured = {"minutes": "measured", "footprint": city.astride(20, 20)}
    case.lead.post(case.steps, {"step": "receiving_meeting", "evidence": measured})
    assert case.lead.get(case.whistle)["footprint"]["type"] == "MultiPolygon"


def test_both_sides_must_fix_the_same_time_and_place(case):
    case.meet()
    case.lead.post(case.steps, case.plan())
    assert case.called()[city.LEAD]["report_in_by"] is None
    later = (case.time + dt.timedelta(hours=1)).isoformat()
    for item, value in (("place", "elsewhere"), ("time", later)):
        problem = case.other.refused(case.steps, case.plan(**{item: value}), status=422)
        assert problem["field"] == f"evidence.plan.{item}"
    case.other.post(case.steps, case.plan(division="as we said on the phone"))
    limits = {body["report_in_by"] for body in case.called().values()}
    assert [dt.datetime.fromisoformat(limit) for limit in limits] == [
        case.time + dt.timedelta(minutes=30)
    ]


def test_the_same_moment_written_with_another_offset_is_the_same_time(case):
    case.meet()
    case.lead.post(case.steps, case.plan())
    beijing = case.time.astimezone(dt.timezone(dt.timedelta(hours=8))).isoformat()
    after = case.other.post(case.steps, case.plan(time=beijing))
    assert after["step"] == "joint_action"


@pytest.mark.parametrize(
    "time",
    [
        "tomorrow",
        "2026-11-22",
        "2026-11-22T10:00:00",
        "9999-12-31T23:59:59+00:00",
        "0001-01-01T00:00:00+14:00",
        17,
    ],
)
def test_a_plan_at_an_impossible_time_is_refused(case, time):
    case.meet()
    problem = case.lead.refused(case.steps, case.plan(time=time), status=422)
    assert problem["field"] == "evidence.plan.time"
