"""Every whistle can end: withdrawn, with bodies that decline, are dismissed, or never come."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from gridsvc.callers import Role
from tests.service import joint_city as city
from tests.service.joint_case import CGJ as EAST_CGJ
from tests.service.joint_case import JointCase
from tests.service.procedures_world import CGJ, GZ, POWER, Clock, World
from tests.service.whistles_world import (
    WATER_BUREAU,
    Blown,
    newest,
    published,
    register_departments,
    with_departments,
)


@pytest.fixture
def clock(monkeypatch):
    return Clock.held(monkeypatch)


@pytest.fixture
def world(client, city_engine, clock):
    register_departments(city_engine)
    return with_departments(World(client, clock))


def topics(world: World, body: str) -> list[str]:
    return [m["topic"] for m in world[body].get(f"/v1/bodies/{body}/inbox")["messages"]]


def write(whistle: Blown, by: str, act: str, **given: Any) -> Any:
    return whistle.world[by].post(f"{whistle.address}/{act}", given)


def refused(whistle: Blown, by: str, act: str, status: int = 409, **given: Any) -> Any:
    return whistle.world[by].refused(f"{whistle.address}/{act}", given, status=status)


# Withdrawn.


def test_the_caller_withdraws_with_a_reason_and_closes_the_case(world):
    whistle = published(world).come(CGJ)
    refused(whistle, CGJ, "withdraw", reason="Not needed.")
    refused(whistle, city.LEAD, "withdraw", 422, reason="")
    ended = write(whistle, city.LEAD, "withdraw", reason="The owner cleared it.")
    assert (ended["state"], ended["closed_at"] is not None) == ("withdrawn", True)
    entry = whistle.case.trace()[-1]
    assert (entry["action"], entry["content"]["reason"]) == (
        "whistle_withdrawn",
        "The owner cleared it.",
    )
    for body in (CGJ, GZ):
        assert topics(world, body)[-1] == "whistle_withdrawn"
        whistle.refused(body, "accept")
    whistle.case.refused(CGJ, "handle", note="I act.")
    refused(whistle, city.LEAD, "withdraw", reason="Twice.")
    whistle.case.take(city.LEAD, "verify", note="Clear.")
    assert whistle.case.take(city.LEAD, "assess")["state"] == "closed"
    assert (whistle.seen()["state"], whistle.case.intact()) == ("withdrawn", True)


def test_after_a_withdrawal_the_caller_may_whistle_the_same_body_again(world):
    whistle = published(world)
    write(whistle, city.LEAD, "withdraw", reason="Wrong gate.")
    case, letter = whistle.case, {"demand": "Come to the other gate.", "bodies": [CGJ]}
    case.approve(letter["demand"], letter["bodies"])
    again = world[city.LEAD].post(f"/v1/cases/{case.id}/whistles", letter)
    assert (again["state"], again["follows"]) == ("open", whistle.id)
    assert case.refused(city.LEAD, "verify", note="Fine.")["requirement"] == "all_reported_in"


def test_what_a_body_has_done_is_scored_and_not_withdrawn(world):
    whistle = published(world).come(CGJ).finish(CGJ)
    assert CGJ in refused(whistle, city.LEAD, "withdraw", reason="x")["detail"]


def test_whoever_blew_a_whistle_of_level_1_withdraws_it_by_the_same_token(world):
    case = world.open("worker", "whistle_1")
    whistle = newest(case)
    refused(whistle, city.LEAD, "withdraw", 403, reason="Mine.")
    assert write(whistle, "worker", "withdraw", reason="It is gone.")["state"] == "withdrawn"
    assert case.take("worker", "close")["state"] == "closed"


# Declined and dismissed.


def test_a_body_that_no_line_names_declines_and_the_others_go_on(world):
    # Rubbish is the duty of the enforcement department: the planners are not on the list.
    whistle = published(world)
    given = {"clause": "not_listed", "reason": "No planning matter."}
    whistle.refused(GZ, "decline", by=CGJ, status=403, **given)
    left = whistle.act(GZ, "decline", **given)
    assert (left["exit"], left["score"]) == ("declined", None)
    assert topics(world, city.LEAD)[-1] == "declined"
    for act, more in (("accept", {}), ("decline", given)):
        assert "declined" in whistle.refused(GZ, act, **more)["detail"]
    whistle.come(CGJ).finish(CGJ)
    whistle.case.take(city.LEAD, "verify", note="Clear.")
    whistle.refused(GZ, "score", by=city.LEAD, score=0)
    whistle.act(CGJ, "score", by=city.LEAD, score=90)
    assert whistle.case.take(city.LEAD, "assess")["state"] == "closed"


def test_a_body_that_a_line_names_cannot_decline_by_a_clause_that_is_not_anothers(world):
    whistle, own = published(world), f"{CGJ} answers for 0601 in {city.WEST}"
    for clause in ("not_listed", own, "6.2"):
        problem = whistle.refused(CGJ, "decline", clause=clause, reason="Not ours.")
        assert (problem["field"], own in problem["detail"]) == ("clause", True)
    # The planners point to that line, which names another.
    assert whistle.act(GZ, "decline", clause=own, reason="Theirs.")["exit"] == "declined"


def test_not_on_the_list_frees_nobody_who_was_called_for_a_fact_or_by_a_clause(world):
    demand = {
        "task": "Pull it out of the river.",
        "clauses": {POWER: "clause 4 of the supply contract"},
    }
    whistle = published(world, [CGJ, WATER_BUREAU, POWER, GZ], demand=demand)
    given = {"clause": "not_listed", "reason": "Not ours."}
    problem = whistle.refused(POWER, "decline", **given)
    assert (problem["field"], "clause 4 of the supply" in problem["detail"]) == ("clause", True)
    assert whistle.act(GZ, "decline", **given)["exit"] == "declined"
    own = f"{CGJ} answers for 0601 in {city.WEST}"
    assert whistle.act(POWER, "decline", clause=own, reason="Theirs.")["exit"] == "declined"


def test_a_clause_for_a_body_that_is_not_called_is_refused(world):
    case = world.open(city.LEAD, "whistle_3")
    case.take(city.LEAD, "classify", kind="everyday", ground="enforcement")
    demand = {"task": "Come.", "clauses": {POWER: "clause 4"}}
    given = {"approval": "confirmed_by", "demand": demand, "bodies": [CGJ]}
    problem = world["leader"].refused(f"/v1/cases/{case.id}/approvals", given, status=422)
    assert problem["field"] == "demand.clauses"


def test_who_has_reported_in_does_not_decline(world):
    whistle = published(world).come(GZ)
    whistle.refused(GZ, "decline", clause="not_listed", reason="No.")


def test_the_caller_dismisses_a_body_that_is_not_needed(world):
    whistle = published(world).come(CGJ, GZ).finish(CGJ)
    whistle.refused(GZ, "dismiss", by=CGJ, reason="Go.")
    whistle.refused(CGJ, "dismiss", by=city.LEAD, reason="It is done.")
    assert whistle.act(GZ, "dismiss", by=city.LEAD, reason="One is enough.")["exit"] == "dismissed"
    assert topics(world, GZ)[-1] == "dismissed"
    whistle.refused(GZ, "done", note="Done.")
    whistle.case.refused(GZ, "handle", note="I act.")
    whistle.act(CGJ, "score", by=city.LEAD, score=90)
    whistle.case.take(city.LEAD, "verify", note="Clear.")
    assert whistle.case.take(city.LEAD, "assess")["state"] == "closed"


# Absent.


def test_a_body_that_never_comes_is_scored_0_after_its_limit_and_the_case_goes_on(world, clock):
    whistle = published(world)
    whistle.come(CGJ).finish(CGJ)
    clock.forward(minutes=30)
    whistle.refused(GZ, "score", by=city.LEAD, score=0)
    clock.forward(seconds=1)
    whistle.refused(GZ, "score", by=city.LEAD, status=422, score=1)
    whistle.refused(GZ, "score", by=GZ, score=0)
    absent = whistle.act(GZ, "score", by=city.LEAD, score=0)
    assert (absent["score"], absent["scored_by"], absent["exit"]) == (0, city.LEAD, "absent")
    assert topics(world, GZ)[-1] == "absent"
    whistle.refused(GZ, "accept")
    whistle.act(CGJ, "score", by=city.LEAD, score=90)
    whistle.case.take(city.LEAD, "verify", note="Clear.")
    assert whistle.case.take(city.LEAD, "assess")["state"] == "closed"
    assert {code: body["score"] for code, body in whistle.called().items()} == {CGJ: 90, GZ: 0}


# Other dates.


def test_the_date_is_postponed_twice_before_it_has_passed_with_as_much_more_time(world, clock):
    time = clock.now + dt.timedelta(hours=20)
    whistle = published(world, demand={"task": "Come.", "time": time.isoformat()})
    before = whistle.called()[CGJ]
    later = (time + dt.timedelta(hours=2)).isoformat()
    given = {"time": later, "reason": "Rain."}
    refused(whistle, CGJ, "postpone", **given)
    refused(whistle, city.LEAD, "postpone", 422, time=clock.now.isoformat(), reason="Now.")
    moved = write(whistle, city.LEAD, "postpone", **given)
    assert (moved["postponed"], moved["demand"]["time"]) == (1, later)
    for limit in ("report_in_by", "done_by"):
        was, now = (
            dt.datetime.fromisoformat(one[limit]) for one in (before, whistle.called()[CGJ])
        )
        assert now - was == dt.timedelta(hours=2)
    assert dt.datetime.fromisoformat(whistle.case.seen()["limit_at"]) == now
    assert topics(world, GZ)[-1] == "postponed"
    write(
        whistle, city.LEAD, "postpone", time=(time + dt.timedelta(hours=3)).isoformat(), reason="x"
    )
    far = {"time": (time + dt.timedelta(hours=4)).isoformat(), "reason": "x"}
    assert "2 times" in refused(whistle, city.LEAD, "postpone", **far)["detail"]


def test_a_date_that_has_passed_is_not_postponed(world, clock):
    whistle = published(world)
    clock.forward(minutes=31)
    later = (clock.now + dt.timedelta(hours=1)).isoformat()
    refused(whistle, city.LEAD, "postpone", time=later, reason="Late.")


# Supervision presses.


def test_supervision_presses_whoever_is_not_done_in_a_leaders_name_and_it_is_counted(world):
    whistle = published(world).come(CGJ).finish(CGJ)
    given = {"leader": "分管副区长", "note": "今日务必到场"}
    refused(whistle, city.LEAD, "press", 403, **given)
    for n in (1, 2):
        assert write(whistle, "supervision", "press", **given)["pressed"] == n
    entry = whistle.case.trace()[-1]["content"]
    assert (entry["n"], entry["leader"], entry["bodies"]) == (2, "分管副区长", [GZ])
    assert topics(world, GZ).count("pressed") == 2
    assert "pressed" not in topics(world, CGJ)
    whistle.come(GZ).finish(GZ)
    refused(whistle, "supervision", "press", **given)


# Inside the district.


@pytest.mark.parametrize("body", [EAST_CGJ, city.OTHER])
def test_a_whistle_of_level_3_stays_inside_its_district(world, body):
    case = world.open(city.LEAD, "whistle_3")
    case.take(city.LEAD, "classify", kind="emergency", ground="emergency")
    problem = case.refused(city.LEAD, "publish", 422, demand="Come.", bodies=[CGJ, body])
    assert (problem["field"], city.WEST in problem["detail"]) == ("evidence.bodies", True)
    whistled = case.publish("Come.", [CGJ, POWER], confirmed=False)["whistles"]
    assert [one["level"] for one in whistled] == [3]


# The joint whistle.


@pytest.fixture
def joint(client, clock):
    case = JointCase(client)
    case.time = clock.now
    return case


def test_a_joint_whistle_that_is_withdrawn_leaves_an_ordinary_case_of_the_receiver(joint):
    joint.meet()
    given = {"reason": "It was measured: all of it stands in the west."}
    joint.other.refused(f"{joint.whistle}/withdraw", given, status=409)
    assert joint.lead.post(f"{joint.whistle}/withdraw", given)["state"] == "withdrawn"
    case = joint.lead.get(f"/v1/cases/{joint.id}")
    assert (case["procedure"]["name"], case["step"], case["lead_body"]) == (
        "ordinary",
        "handle",
        city.LEAD,
    )
    # The same outline from the next reporter does not blow it again.
    again = joint.person(Role.CITIZEN).report(-6, footprint=city.astride())
    assert (again["case_id"], again["joint_whistle_id"]) == (joint.id, None)
    assert joint.lead.post(joint.steps, {"step": "handle", "note": "Down."})["step"] == "feed_back"


def test_a_side_that_never_brings_its_departments_leaves_the_case_to_the_other(joint, clock):
    lead = joint.lead
    lead.post(joint.steps, {"step": "receiving_meeting", "evidence": {"minutes": "We."}})
    demand = {"demand": {"task": "Pull it down."}}
    lead.post(joint.steps, {"step": "whistle_other_side", "evidence": demand})
    lead.refused(joint.body(city.OTHER, "score"), {"score": 0}, status=409)
    clock.forward(hours=48, seconds=1)
    absent = lead.post(joint.body(city.OTHER, "score"), {"score": 0})
    assert (absent["exit"], absent["score"]) == ("absent", 0)
    case = lead.get(f"/v1/cases/{joint.id}")
    assert (case["procedure"]["name"], case["step"]) == ("ordinary", "handle")
    assert lead.get(joint.whistle)["state"] == "closed"


def test_a_side_that_never_comes_to_the_spot_is_scored_0_and_the_other_closes_alone(joint, clock):
    joint.agree()
    who = joint.everybody()
    present = [city.LEAD, EAST_CGJ]
    for code in present:
        who[code].post(joint.body(code, "report-in"), city.beside_border(0))
    clock.forward(minutes=31)
    joint.lead.post(joint.body(city.OTHER, "score"), {"score": 0})
    other_gz = f"{city.EAST}-GZ"
    # Whoever stays answers for what the other has brought; supervision scores who stays.
    joint.other.refused(joint.body(other_gz, "dismiss"), {"reason": "x"}, status=409)
    joint.lead.post(joint.body(other_gz, "dismiss"), {"reason": "Not needed."})
    joint.lead.post(joint.steps, {"step": "joint_action", "note": "We pulled it down."})
    for code in present:
        who[code].post(joint.body(code, "done"), {"note": "Done."})
    joint.other.refused(joint.body(city.LEAD, "score"), {"score": 95}, status=409)
    supervision = joint.person(Role.DISTRICT, city.WEST, subject="supervision of the west")
    supervision.post(joint.body(city.LEAD, "score"), {"score": 95, "by": "supervision"})
    joint.lead.post(joint.body(EAST_CGJ, "score"), {"score": 90})
    closed = joint.lead.post(joint.steps, {"step": "close", "note": "Down."})
    assert closed["state"] == "closed"


def test_a_side_neither_declines_nor_is_dismissed(joint):
    joint.agree()
    given = {"clause": "not_listed", "reason": "x"}
    joint.other.refused(joint.body(city.OTHER, "decline"), given, status=409)
    joint.lead.refused(joint.body(city.OTHER, "dismiss"), {"reason": "x"}, status=409)


def test_either_side_postpones_the_plan_and_the_other_is_told(joint, clock):
    joint.time = clock.now + dt.timedelta(hours=20)
    joint.agree()
    later = joint.time + dt.timedelta(days=1)
    given = {"time": later.isoformat(), "reason": "Snow."}
    moved = joint.other.post(f"{joint.whistle}/postpone", given)
    assert moved["demand"]["plan"]["time"] == later.isoformat()
    limits = {dt.datetime.fromisoformat(one["report_in_by"]) for one in joint.called().values()}
    assert limits == {later + dt.timedelta(minutes=30)}
    told = joint.lead.get(f"/v1/bodies/{city.LEAD}/inbox")["messages"][-1]
    assert told["topic"] == "postponed"


def test_command_suspends_extends_and_raises_a_joint_whistle(joint, clock):
    joint.meet()
    command = joint.person(Role.DISTRICT, city.WEST, subject="command of the west")
    case = joint.lead.get(f"/v1/cases/{joint.id}")
    assert {one["act"] for one in case["acts"]} == {"suspend", "extend", "raise"}
    joint.lead.refused(joint.steps, {"step": "extend", "note": "More."}, status=403)
    before = dt.datetime.fromisoformat(case["limit_at"])
    longer = command.post(joint.steps, {"step": "extend", "note": "Holiday."})
    assert dt.datetime.fromisoformat(longer["limit_at"]) - before == dt.timedelta(hours=72)
    until = {"step": "suspend", "note": "In court.", "evidence": {"until": "2026-12-20"}}
    assert command.post(joint.steps, until)["suspended_until"] == "2026-12-20T00:00:00+08:00"
    for who, code in ((joint.lead, city.LEAD), (joint.other, city.OTHER)):
        messages = who.get(f"/v1/bodies/{code}/inbox")["messages"]
        assert "case_suspended" in [one["topic"] for one in messages]
    raised = command.post(joint.steps, {"step": "raise", "note": "Two districts cannot."})
    assert (raised["procedure"]["name"], raised["step"]) == ("city", "whistle_city")
    assert joint.lead.get(joint.whistle)["state"] == "raised"


def test_a_body_called_by_a_side_across_the_border_works_in_that_sides_district(joint):
    joint.agree()
    leader = joint.person(Role.STREET, city.OTHER, subject="the leader of the east")
    address = f"/v1/cases/{joint.id}"
    letter = {"bodies": [f"{city.WEST}-CGJ"], "demand": "Come.", "by": city.OTHER}
    leader.post(f"{address}/approvals", {"approval": "confirmed_by", **letter})
    given = {**letter, "ground": "enforcement"}
    problem = joint.other.refused(f"{address}/whistles", given, status=422)
    assert (problem["field"], city.EAST in problem["detail"]) == ("bodies", True)


def test_who_declines_or_never_comes_stands_in_the_letter(world, client):
    whistle = published(world)
    whistle.act(GZ, "decline", clause="not_listed", reason="No planning matter.")
    letter = client.get(f"{whistle.address}/letter")
    assert (letter.status_code, "退哨" in letter.text) == (200, True)


def test_a_case_waits_for_nobody_who_left_before_the_others_came(world, clock):
    whistle = published(world, bodies=(CGJ, GZ, WATER_BUREAU))
    for body in (GZ, WATER_BUREAU):
        whistle.act(body, "decline", clause="not_listed", reason="Not ours.")
    clock.forward(minutes=31)
    whistle.act(CGJ, "score", by=city.LEAD, score=0)
    whistle.case.take(city.LEAD, "verify", note="We did it ourselves.")
    assert whistle.case.take(city.LEAD, "assess")["state"] == "closed"
