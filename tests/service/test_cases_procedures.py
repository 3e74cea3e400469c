"""Every procedure, opened and played to its end over HTTP."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import text

from tests.service import joint_city as city
from tests.service.procedures_world import (
    BUILDER,
    CGJ,
    COMMUNITY,
    GZ,
    POWER,
    Case,
    Clock,
    World,
    register,
)


@pytest.fixture
def clock(monkeypatch):
    return Clock.held(monkeypatch)


@pytest.fixture
def world(client, city_engine, clock):
    register(city_engine)
    return World(client, clock)


def hours(case_limit: str, since: dt.datetime) -> float:
    return (dt.datetime.fromisoformat(case_limit) - since) / dt.timedelta(hours=1)


def inbox(world, body: str) -> list[str]:
    return [m["topic"] for m in world[body].get(f"/v1/bodies/{body}/inbox")["messages"]]


@pytest.mark.system(12)
def test_the_city_and_the_district_take_their_five_steps(world):
    case = world.open("command", "city")
    case.refused(POWER, "joint_meeting", minutes="We met.")
    problem = case.refused("command", "whistle_city", 422, demand="Power.", bodies=[CGJ])
    assert "not a city unit" in problem["detail"]
    case.take("command", "whistle_city", demand="Finish 214 homes.", bodies=[POWER, city.WATER])
    case.refused(CGJ, "joint_meeting", minutes="We met.")
    case.take(POWER, "joint_meeting", minutes="Power by May.")
    met = case.take(city.WATER, "joint_meeting", minutes="Water by May.")
    assert met["step"] == "arrange_money"
    case.refused("command", "arrange_money", money="arranged")
    case.take("command", "arrange_money", money="arranged", enterprise=BUILDER)
    for home in ("the first 100 homes", "the other 114 homes"):
        case.take(BUILDER, "carry_out", note=home)
    scores = {POWER: 90, city.WATER: 100}
    case.refused("command", "close", 403, note="All moved in.", scores=scores)
    case.refused("supervision", "close", 422, note="All moved in.", scores={POWER: 90})
    closed = case.take("supervision", "close", note="All moved in.", scores=scores)
    assert closed["state"] == "closed"
    scored = {h["body_code"]: h["score"] for h in closed["hand_ins"] if h["score"] is not None}
    assert scored == scores
    assert case.intact()


@pytest.mark.system(12)
def test_a_case_that_a_district_cannot_solve_is_raised_to_the_city_with_all_its_reports(world):
    filed = [world["citizen"].report(-300)["case_id"] for _ in range(3)]
    assert len(set(filed)) == 1

    case = Case(world, filed[0])
    raised = case.take("command", "raise", note="It needs city units.")
    assert (raised["procedure"]["name"], raised["step"]) == ("city", "whistle_city")
    assert world["citizen"].report(-301)["case_id"] == case.id
    assert len(case.seen()["reports"]) == 4
    assert "raise" in [entry["action"] for entry in case.trace()]


@pytest.mark.system(15)
def test_dual_dispatch_has_two_clocks_and_closes_when_both_are_done_and_scored(world, clock):
    case = world.open("command", "dual")
    sent = case.take("command", "dispatch", bodies=[BUILDER])
    limits = {called["body_code"]: called["limit_at"] for called in sent["called"]}
    # 16 and 24 working hours from Monday 10:00: Wednesday and Thursday, 10:00.
    assert hours(limits[city.LEAD], clock.now) == 48
    assert hours(limits[BUILDER], clock.now) == 72
    assert sent["limit_at"] == limits[city.LEAD]
    clock.forward(hours=49)
    one = case.take(city.LEAD, "handle", note="Swept.")
    assert (one["step"], one["limit_at"]) == ("handle", limits[BUILDER])
    told = case.refused(city.LEAD, "handle", note="Swept again.")
    assert told["taken"]["by"] == city.LEAD
    case.refused("supervision", "assess", note="Seen.", scores={city.LEAD: 1, BUILDER: 1})
    case.take(BUILDER, "handle", note="Mended.")
    scores = {city.LEAD: 60, BUILDER: 95}
    assert case.seen()["next"][0]["needs"] == ["note", "scores"]
    told = case.refused("supervision", "assess", note="Seen.")
    assert told["missing"] == ["scores"]
    closed = case.take("supervision", "assess", note="Seen.", scores=scores)
    assert closed["state"] == "closed"
    judged = {h["body_code"]: (h["overdue"], h["score"]) for h in closed["hand_ins"]}
    assert judged == {city.LEAD: (True, 60), BUILDER: (False, 95)}


def test_dual_dispatch_needs_a_second_body(world):
    case = world.open("command", "dual")
    problem = case.refused("command", "dispatch", 422, bodies=[city.LEAD])
    assert "already been called" in problem["detail"]
    case.refused("command", "dispatch", 404, bodies=["nobody"])
    case.refused("command", "dispatch", 422, bodies="nobody")
    assert case.seen()["called"] == []


@pytest.mark.system(16)
@pytest.mark.parametrize(("minutes", "overdue"), [(48 * 60 - 1, False), (48 * 60, True)])
def test_a_post_is_overdue_at_48_hours_and_cannot_counts_as_an_answer(
    world, clock, minutes, overdue
):
    filed = world["citizen"].report(-300, channel="post")

    case = Case(world, filed["case_id"])
    assert case.seen()["procedure"]["name"] == "post_48h"
    assert inbox(world, COMMUNITY) == ["step_due"]
    case.take(COMMUNITY, "call_department", bodies=[GZ])
    clock.forward(minutes=minutes)
    case.refused(COMMUNITY, "answer", 422, answer="maybe", note="?")
    closed = case.take(COMMUNITY, "answer", answer="cannot", note="It is not allowed there.")
    assert closed["state"] == "closed"
    assert [h["overdue"] for h in closed["hand_ins"]] == [False, overdue]
    assert world["citizen"].report(-300, channel="post")["joined"] is False


@pytest.mark.system(16)
def test_the_community_may_answer_without_a_department(world):
    case = world.open("worker", "post_48h")
    assert case.take(COMMUNITY, "answer", answer="done", note="Watered.")["state"] == "closed"


@pytest.mark.system(22)
def test_a_hazard_without_a_complaint_is_told_to_all_bodies_of_the_grid_in_one_step(world):
    case = world.open("worker", "hazard", description="The slope moves.")
    told = case.trace()[1]
    # The street, its community, enforcement and planning by the lists.
    expected = sorted([city.LEAD, COMMUNITY, CGJ, GZ])
    assert (told["action"], sorted(told["content"]["called"])) == ("tell", expected)
    for body in expected:
        assert "called" in inbox(world, body)
    assert city.OTHER not in told["content"]["called"]
    case.take(city.LEAD, "name_who", who=[CGJ])
    case.take(CGJ, "secure", note="15 vehicles and 28 people are away.")
    case.take(GZ, "secure", note="Fenced.")
    case.take(city.LEAD, "fund", money="a wall")
    assert case.take("supervision", "close", note="Safe.")["state"] == "closed"


@pytest.mark.system(22)
def test_the_bodies_behind_the_parts_of_the_grid_are_told_too(world, city_engine):

    with city_engine.begin() as connection:
        connection.execute(
            text("update part set grid_code = '02000002' where code = :code"), {"code": city.OWNED}
        )
    case = world.open("worker", "hazard")
    assert city.WATER in case.trace()[1]["content"]["called"]


@pytest.mark.system(22)
def test_where_no_grid_is_drawn_the_bodies_of_the_street_are_told(world, city_engine):
    with city_engine.begin() as connection:
        connection.execute(text("delete from unit_grid"))
    case = world.open("worker", "hazard")
    assert sorted(case.trace()[1]["content"]["called"]) == sorted([city.LEAD, CGJ, GZ])


def test_the_seven_stages_with_a_person_at_each(world):
    case = world.open("citizen", "checked")
    assert inbox(world, CGJ) == []
    case.refused("citizen", "file", 403, pre_filing_check="true")
    case.take("supervision", "file", pre_filing_check="true")
    case.refused("supervision", "dispatch", 403)
    sent = case.take("command", "dispatch")
    assert (sent["step"], sent["lead_body"]) == ("handle", CGJ)
    for step in ("handle", "feed_back"):
        case.take(CGJ, step, note="Swept.")
    case.refused("command", "verify", 403, closing_check="agrees")
    case.take("supervision", "verify", closing_check="agrees")
    assert case.take("supervision", "assess", score=88)["state"] == "closed"


def test_who_receives_a_return_may_only_send_it_on_or_return_it(world):
    case = world.open("citizen", "checked")
    case.take("supervision", "file", pre_filing_check="true")
    case.take("command", "dispatch")
    back = case.take(CGJ, "refuse", note="Not ours.", responsible_now=GZ, clause="not_listed")
    assert (back["step"], back["refused_by"]) == ("dispatch", [CGJ])
    for step in ("handle", "suspend", "extend"):
        case.refused("command", step, note="x", body=CGJ)
    assert case.refused("command", "dispatch")["missing"] == ["to", "note"]
    returned = case.take("command", "dispatch", to=CGJ, note="It is yours by clause 6.2.")
    assert (returned["step"], returned["lead_body"]) == ("handle", CGJ)
    again = {"note": "Truly not ours.", "responsible_now": GZ, "clause": "not_listed"}
    assert "ruling stands" in case.refused(CGJ, "refuse", **again)["detail"]
    assert case.take(CGJ, "handle", note="Swept.")["step"] == "feed_back"


def test_command_sends_a_returned_case_to_the_body_that_it_finds(world):
    case = world.open("citizen", "checked")
    case.take("supervision", "file", pre_filing_check="true")
    case.take("command", "dispatch")
    case.take(CGJ, "refuse", note="Not ours.", responsible_now=GZ, clause="not_listed")
    sent = case.take("command", "dispatch", to=GZ, note="As it names.")
    assert sent["lead_body"] == GZ
    assert "case_sent_on" in inbox(world, GZ)
    assert case.take(GZ, "handle", note="Swept.")["step"] == "feed_back"


def test_the_mobile_desk_and_the_leaking_roofs_are_data_alone(world):
    desk = world.open("worker", "mobile_desk")
    desk.take(COMMUNITY, "collect", note="Told at the market.")
    desk.take(COMMUNITY, "residents_meeting", minutes="We want it.", bodies=[GZ])
    desk.take(GZ, "look_on_the_spot", note="It can be done.")
    desk.take(COMMUNITY, "meet_again", note="Not like that.")
    desk.take(COMMUNITY, "residents_meeting", minutes="Like this.", bodies=[CGJ])
    for body in (GZ, CGJ):
        desk.take(body, "look_on_the_spot", note="Good.")
    assert desk.take(COMMUNITY, "agree", plan="a ramp")["state"] == "closed"

    roofs = world.open(city.LEAD, "leaking_roofs", **{"class": city.BUILDING})
    roofs.take(city.LEAD, "foresee", homes=12)
    roofs.take("command", "dispatch", bodies=[BUILDER], reported_to="the city", leader=GZ)
    roofs.take(GZ, "leader_orders", order="Before the rain.")
    roofs.take(BUILDER, "solve", note="Tarred.")
    roofs.take("supervision", "still_leaks", note="Home 7.")
    roofs.take(BUILDER, "solve", note="Tarred again.")
    done = roofs.take("supervision", "revisit", note="Dry.", scores={BUILDER: 70})
    assert done["state"] == "closed"
    assert [h["score"] for h in done["hand_ins"] if h["step"] == "solve"] == [None, 70]
