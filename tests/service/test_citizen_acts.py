"""What citizens do with their reports: add, withdraw, judge, reopen, object, list their own."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import text

from gridsvc.callers import Role
from tests.service import joint_city as city
from tests.service.conftest import refusal
from tests.service.procedures_world import Clock, World, register

WHY = {"reason": "the wall still stands"}


@pytest.fixture
def world(client, city_engine, monkeypatch):
    register(city_engine)
    return World(client, Clock.held(monkeypatch))


@pytest.fixture
def filed(world):
    return world["citizen"].report(-300)


def _path(filed, act):
    return f"/v1/reports/{filed['receipt']}/{act}"


def _close(world, case):
    steps = f"/v1/cases/{case}/steps"
    for step in ("handle", "feed_back"):
        world[city.LEAD].post(steps, {"step": step, "note": "done"})
    for step in ("verify", "assess"):
        scored = {"step": step, "note": "seen", "evidence": {"score": 90}}
        world["supervision"].post(steps, scored)


def _case(world, case):
    return world["supervision"].get(f"/v1/cases/{case}")


def _trace(world, case, action):
    entries = world["supervision"].get(f"/v1/cases/{case}/trace")["entries"]
    return [one["content"] for one in entries if one["action"] == action]


def _topics(world):
    inbox = world[city.LEAD].get(f"/v1/bodies/{city.LEAD}/inbox")["messages"]
    return [(one["topic"], one["content"]) for one in inbox]


def test_a_reporter_adds_to_the_report_and_the_body_is_told_without_the_words(
    world, client, filed, city_session
):
    more = {"text": "they build on Sundays", "secret": filed["secret"]}
    assert client.post(_path(filed, "additions"), json=more).status_code == 200
    assert [one["text"] for one in _trace(world, filed["case_id"], "added")] == [more["text"]]
    told = dict(_topics(world))["report_added_to"]
    assert told == {"report_id": filed["id"], "district_code": city.WEST}
    wrong = {**more, "secret": "guessed"}
    refusal(client.post(_path(filed, "additions"), json=wrong), 403)
    other = world.person(Role.CITIZEN, subject="somebody else")
    other.refused(_path(filed, "additions"), {"text": "not mine"}, status=403)
    shown = client.get(f"/v1/reports/{filed['receipt']}")
    assert "Sundays" not in shown.text
    assert shown.json()["outcome"]["history"][-1]["said"] == "You added to your report."


def test_a_withdrawn_report_closes_its_case_where_nobody_else_needs_it(world, filed):
    citizen = world["citizen"]
    answer = citizen.post(_path(filed, "withdraw"), {"reason": "a mistake"})
    assert answer["case"]["state"] == "closed"
    shown = citizen.get(f"/v1/reports/{filed['receipt']}")["outcome"]
    assert shown["stage"] == "Withdrawn"
    assert "You withdrew your report." in [one["said"] for one in shown["history"]]
    assert dict(_topics(world))["report_withdrawn"]["closed"] is True
    citizen.refused(_path(filed, "withdraw"), {}, status=409)
    citizen.refused(_path(filed, "reopen"), WHY, status=409)


def test_the_case_of_a_withdrawn_report_goes_on_for_others(world, filed):
    neighbour = world.person(Role.CITIZEN, subject="a neighbour")
    second = neighbour.report(-305)
    assert second["case_id"] == filed["case_id"]
    assert world["citizen"].post(_path(filed, "withdraw"), {})["case"]["state"] == "open"
    assert neighbour.post(_path(second, "withdraw"), {})["case"]["state"] == "closed"


def test_a_case_is_judged_by_its_reporter_once_it_is_closed(world, filed):
    citizen = world["citizen"]
    citizen.refused(_path(filed, "verdict"), {"solved": False}, status=409)
    _close(world, filed["case_id"])
    citizen.post(_path(filed, "verdict"), {"solved": False, "note": "half of it"})
    assert [one["solved"] for one in _trace(world, filed["case_id"], "citizen_verdict")] == [False]
    history = citizen.get(f"/v1/reports/{filed['receipt']}")["outcome"]["history"]
    assert history[-2]["said"] == "You said that it is not solved."


def test_a_reopened_case_has_a_new_limit_and_is_linked_to_the_old_one(world, filed):
    citizen, old = world["citizen"], filed["case_id"]
    citizen.refused(_path(filed, "reopen"), WHY, status=409)
    _close(world, old)
    shown = citizen.get(f"/v1/reports/{filed['receipt']}")["outcome"]
    assert shown["appeal"]["how"].startswith("If it is not done, reopen it until 2026-12-08")
    world.clock.forward(days=15)
    new = citizen.post(_path(filed, "reopen"), WHY)["case_id"]
    case = _case(world, new)
    assert (case["reopened_from"], case["state"], case["lead_body"]) == (old, "open", city.LEAD)
    assert dt.datetime.fromisoformat(case["limit_at"]) == world.clock.now + dt.timedelta(days=15)
    before = _case(world, old)
    assert (before["state"], before["reopened_from"]) == ("closed", None)
    assert [one["into"] for one in _trace(world, old, "reopen_asked")] == [new]
    # The same receipt leads to the case that goes on.
    assert citizen.get(f"/v1/reports/{filed['receipt']}")["case_id"] == new


def test_after_the_period_a_case_is_reported_anew(world, filed):
    _close(world, filed["case_id"])
    world.clock.forward(days=16)
    problem = world["citizen"].refused(_path(filed, "reopen"), WHY, status=409)
    assert "2026-12-08" in problem["detail"]


def test_a_reopened_case_is_led_by_whoever_led_it(world, filed):
    bureau = f"{city.WEST}-CGJ"
    steps = f"/v1/cases/{filed['case_id']}/steps"
    named = {"responsible_now": bureau, "clause": "not_listed"}
    world[city.LEAD].post(steps, {"step": "refuse", "note": "theirs", "evidence": named})
    world["command"].post(
        steps, {"step": "rule", "note": "yours", "evidence": {"to": bureau, "reason": "agreed"}}
    )
    for step in ("handle", "feed_back"):
        world[bureau].post(steps, {"step": step, "note": "done"})
    for step in ("verify", "assess"):
        scored = {"step": step, "note": "seen", "evidence": {"score": 90}}
        world["supervision"].post(steps, scored)
    new = world["citizen"].post(_path(filed, "reopen"), WHY)["case_id"]
    assert _case(world, new)["lead_body"] == bureau


def test_two_who_reopen_one_case_are_in_one_case_again(world, filed):
    neighbour = world.person(Role.CITIZEN, subject="a neighbour")
    second = neighbour.report(-305)
    _close(world, filed["case_id"])
    new = world["citizen"].post(_path(filed, "reopen"), WHY)["case_id"]
    assert neighbour.post(_path(second, "reopen"), WHY)["case_id"] == new


def test_whoever_was_merged_says_that_theirs_is_another_thing(world, filed):
    neighbour = world.person(Role.CITIZEN, subject="a neighbour")
    second = neighbour.report(-305)
    world["citizen"].refused(_path(filed, "object"), WHY, status=409)
    own = neighbour.post(_path(second, "object"), {"reason": "mine is the shed behind it"})
    assert own["case_id"] != filed["case_id"]
    assert (own["joined"], own["case"]["state"]) == (False, "open")
    neighbour.refused(_path(second, "object"), WHY, status=409)
    history = neighbour.get(f"/v1/reports/{second['receipt']}")["outcome"]["history"]
    assert history[-1]["said"].startswith("You said that yours is another thing")


def test_what_is_asked_twice_with_one_key_is_done_once(world, filed):
    citizen = world["citizen"]
    first = citizen.post(_path(filed, "additions"), {"text": "more"}, key="1")
    assert citizen.post(_path(filed, "additions"), {"text": "more"}, key="1") == first
    assert len(_trace(world, filed["case_id"], "added")) == 1


def test_a_reporter_lists_their_own_reports_and_nobody_elses(world, filed):
    world.clock.forward(hours=1)
    noise = world["citizen"].report(-650, **{"class": city.NOISE})
    world.person(Role.CITIZEN, subject="a neighbour").report(-305)
    world["citizen"].post(_path(noise, "withdraw"), {})
    first = world["citizen"].get("/v1/reports/mine", limit=1)
    second = world["citizen"].get("/v1/reports/mine", limit=1, cursor=first["next"])
    listed = [(one["receipt"], one["state"]) for one in first["reports"] + second["reports"]]
    assert listed == [(noise["receipt"], "withdrawn"), (filed["receipt"], "open")]
    rest = world["citizen"].get("/v1/reports/mine", cursor=second["next"])
    assert rest == {"reports": [], "next": None}


def test_what_was_added_is_erased_with_the_report_in_all_its_cases(world, filed, city_session):
    citizen = world["citizen"]
    citizen.post(_path(filed, "additions"), {"text": "they build on Sundays"})
    _close(world, filed["case_id"])
    new = citizen.post(_path(filed, "reopen"), WHY)["case_id"]
    _close(world, new)
    citizen.post(_path(filed, "erase"), {"reason": "I want it gone"})
    kept = list(city_session.scalars(text("select words::text from trace where words is not null")))
    assert kept
    assert not [one for one in kept if "Sundays" in one or WHY["reason"] in one]
    verified = world["supervision"].get(f"/v1/cases/{filed['case_id']}/trace/verify")
    assert verified["intact"] is True
