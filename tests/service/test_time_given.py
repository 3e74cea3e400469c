"""Grades by hand, and extensions that bodies ask for: who gives time, and what follows."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.service import joint_city as city
from tests.service.procedures_world import BUILDER, MONDAY, Case, Clock, World, register


@pytest.fixture
def clock(monkeypatch):
    return Clock.held(monkeypatch)


@pytest.fixture
def world(client, city_engine, clock):
    register(city_engine)
    return World(client, clock)


@pytest.fixture
def case(world) -> Case:
    """An ordinary case of a week, and who leads it."""
    return world.open("worker", "ordinary")


def after(text: str, since: dt.datetime) -> dt.timedelta:
    return dt.datetime.fromisoformat(text) - since


def grade(case: Case, by: str, name: str, reason: str = "It may fall.") -> Any:
    return case.world[by].post(f"/v1/cases/{case.id}/grade", {"grade": name, "reason": reason})


def ask(case: Case, by: str, reason: str = "The ground is frozen.") -> Any:
    return case.world[by].post(f"/v1/cases/{case.id}/extensions", {"reason": reason})


def decide(case: Case, n: int, granted: bool, by: str = "command") -> Any:
    given = {"granted": granted, "note": "So."}
    return case.world[by].post(f"/v1/cases/{case.id}/extensions/{n}/decision", given)


def lead_of(case: Case) -> str:
    lead: str = case.seen()["lead_body"]
    return lead


def test_an_urgent_grade_shortens_both_limits_and_the_trace_says_why(case, world, clock):
    clock.forward(hours=1)
    graded = grade(case, lead_of(case), "utility")
    assert graded["grade"] == "utility"
    assert after(graded["limit_at"], MONDAY) == dt.timedelta(hours=24)
    assert after(graded["overall_limit_at"], MONDAY) == dt.timedelta(hours=24)
    entry = case.trace()[-1]
    assert (entry["action"], entry["content"]["from"], entry["content"]["to"]) == (
        *("grade", "general", "utility"),
    )
    assert entry["content"]["reason"] == "It may fall."
    assert case.intact()


def test_a_grade_whose_limit_would_have_passed_runs_from_now(case, world, clock):
    clock.forward(hours=5)
    graded = grade(case, "command", "danger")
    assert after(graded["limit_at"], clock.now) == dt.timedelta(hours=2)
    assert after(graded["overall_limit_at"], clock.now) == dt.timedelta(hours=2)
    clock.forward(hours=2)
    case.take(graded["lead_body"], "handle", note="Propped up.")
    assert case.seen()["hand_ins"][-1]["overdue"] is True


def test_only_command_gives_a_grade_with_more_time(case, world):
    given = {"grade": "complex", "reason": "Three owners."}
    path = f"/v1/cases/{case.id}/grade"
    problem = world[lead_of(case)].refused(path, given, status=403, type="not-allowed")
    assert "extension" in problem["detail"]
    graded = world["command"].post(path, given)
    assert after(graded["limit_at"], MONDAY) == dt.timedelta(hours=360)
    assert after(graded["overall_limit_at"], MONDAY) == dt.timedelta(hours=360)


def test_an_extension_keeps_its_place_when_the_grade_changes(case, world):
    case.take("command", "extend", note="Once.")
    graded = grade(case, "command", "complex")
    assert after(graded["limit_at"], MONDAY) == dt.timedelta(hours=720)


def test_no_grade_without_reason_of_another_city_twice_late_or_where_none_follows(
    case, world, clock
):
    path = f"/v1/cases/{case.id}/grade"
    command = world["command"]
    assert command.refused(path, {"grade": "danger", "reason": ""}, status=422)
    problem = command.refused(path, {"grade": "urgent", "reason": "x"}, status=422)
    assert (problem["field"], "danger (危险或突发)" in problem["detail"]) == ("grade", True)
    command.refused(path, {"grade": "general", "reason": "x"}, status=409)
    world[BUILDER].refused(path, {"grade": "danger", "reason": "x"}, status=403)
    dual = world.open("command", "dual")
    command.refused(f"/v1/cases/{dual.id}/grade", {"grade": "danger", "reason": "x"}, status=409)
    clock.forward(hours=168)
    command.refused(path, {"grade": "complex", "reason": "x"}, status=409)


def test_the_lead_asks_command_sees_it_and_grants_it_with_one_more_limit(case, world, clock):
    lead = lead_of(case)
    asked = ask(case, lead)["extensions_asked"]
    assert [(one["n"], one["body_code"], one["granted"]) for one in asked] == [(1, lead, None)]
    inbox = f"/v1/supervision/{city.WEST}/inbox"
    waiting = world["command"].get(inbox)["extensions"]
    assert [(one["case_id"], one["reason"]) for one in waiting] == [
        (case.id, "The ground is frozen.")
    ]
    granted = decide(case, 1, granted=True)
    assert granted["extensions_asked"][0]["granted"] is True
    assert (granted["extensions"], after(granted["limit_at"], MONDAY)) == (
        *(1, dt.timedelta(hours=336)),
    )
    assert world["command"].get(inbox)["extensions"] == []
    actions = [entry["action"] for entry in case.trace()][-3:]
    assert actions == ["extension_asked", "extend", "extension_decided"]
    told = world[lead].get(f"/v1/bodies/{lead}/inbox")["messages"][-1]
    assert (told["topic"], told["content"]["granted"]) == ("extension_decided", True)


def test_a_refused_extension_leaves_the_limit_and_may_be_asked_again(case, world):
    lead = lead_of(case)
    ask(case, lead)
    world[lead].refused(f"/v1/cases/{case.id}/extensions", {"reason": "Again."}, status=409)
    refused = decide(case, 1, granted=False)
    assert (refused["extensions"], after(refused["limit_at"], MONDAY)) == (
        *(0, dt.timedelta(hours=168)),
    )
    path = f"/v1/cases/{case.id}/extensions/1/decision"
    world["command"].refused(path, {"granted": True, "note": "Yes."}, status=409)
    assert ask(case, lead, "It still is.")["extensions_asked"][-1]["n"] == 2


def test_an_extension_is_granted_at_most_twice(case, world):
    lead = lead_of(case)
    for n in (1, 2):
        ask(case, lead)
        assert decide(case, n, granted=True)["extensions"] == n
    problem = world[lead].refused(
        f"/v1/cases/{case.id}/extensions", {"reason": "A third."}, status=409
    )
    assert "extended 2 times" in problem["detail"]


def test_what_command_did_not_decide_before_the_limit_has_lapsed(case, world, clock):
    ask(case, lead_of(case))
    clock.forward(hours=168)
    assert world["command"].get(f"/v1/supervision/{city.WEST}/inbox")["extensions"] == []
    path = f"/v1/cases/{case.id}/extensions/1/decision"
    problem = world["command"].refused(path, {"granted": True, "note": "Late."}, status=409)
    assert "before the limit has passed" in problem["detail"]
    world[lead_of(case)].refused(f"/v1/cases/{case.id}/extensions", {"reason": "x"}, status=409)


def test_nobody_else_asks_or_decides(case, world):
    path = f"/v1/cases/{case.id}/extensions"
    world["citizen"].refused(path, {"reason": "x"}, status=403)
    world[BUILDER].refused(path, {"reason": "x"}, status=403)
    ask(case, lead_of(case))
    given = {"granted": True, "note": "Mine."}
    world[lead_of(case)].refused(f"{path}/1/decision", given, status=403)
    world["command"].refused(f"{path}/2/decision", given, status=404)
