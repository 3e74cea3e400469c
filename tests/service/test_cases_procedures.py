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
from tests.service.whistles_world import newest


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
    case, units = world.open("command", "city"), [POWER, city.WATER, GZ]
    case.refused(POWER, "joint_meeting", minutes="We met.")
    letter = {"demand": "Finish 214 homes.", "bodies": units}
    across = {**letter, "bodies": [POWER, f"{city.EAST}-GZ"], "kind": "emergency"}
    assert (
        f"stays inside {city.WEST}"
        in case.refused("command", "whistle_city", 422, **across)["detail"]
    )
    assert case.refused("command", "whistle_city", **letter)["missing"] == ["approved_by"]
    case.approve(*letter.values(), by="supervision", name="approved_by")
    case.take("command", "whistle_city", **letter)
    whistle = newest(case)
    assert (whistle.seen()["level"], whistle.seen()["caller"]) == (4, "supervision")
    assert "市区两级吹哨" in world.client.get(f"{whistle.address}/letter").text
    problem = case.refused(POWER, "joint_meeting", minutes="From afar.")
    assert problem["requirement"] == "self_reported_in"
    whistle.come(*units)
    assert case.take(POWER, "joint_meeting", minutes="All by May.")["step"] == "arrange_money"
    case.refused("command", "arrange_money", money="arranged")
    case.take("command", "arrange_money", money="arranged", enterprise=BUILDER)
    for home in ("the first 100 homes", "the other 114 homes"):
        case.take(BUILDER, "carry_out", note=home)
    assert case.refused("supervision", "close", note="All moved in.")["requirement"] == "all_done"
    whistle.finish(*units)
    case.refused("command", "close", 403, note="All moved in.")
    whistle.refused(POWER, "score", by=GZ, score=100, status=403)
    for unit, score in zip(units, (90, 100, 80), strict=True):
        whistle.act(unit, "score", by="supervision", score=score)
    assert case.take("supervision", "close", note="All moved in.")["state"] == "closed"
    assert [whistle.called()[unit]["score"] for unit in units] == [90, 100, 80]
    assert (whistle.seen()["state"], case.intact()) == ("closed", True)


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
    sent = case.take(city.LEAD, "dispatch", bodies=[BUILDER])
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


def test_a_body_that_never_comes_is_passed_with_0_after_its_own_limit(world, clock):
    case = world.open("command", "dual")
    case.take(city.LEAD, "dispatch", bodies=[BUILDER])
    case.take(city.LEAD, "handle", note="Swept.")
    clock.forward(hours=71)
    assert BUILDER in case.refused("command", "absent", note="x", absent=BUILDER)["detail"]
    clock.forward(hours=1)
    case.refused("command", "absent", 422, note="x", absent=city.LEAD)
    case.refused(city.LEAD, "absent", 403, note="x", absent=BUILDER)
    passed = case.take("command", "absent", note="Nobody came.", absent=BUILDER)
    assert (passed["step"], passed["called"][1]["score"]) == ("assess", 0)
    assert inbox(world, BUILDER)[-1] == "absent"
    scores = {city.LEAD: 90, BUILDER: 50}
    case.refused("supervision", "assess", 422, note="Seen.", scores=scores)
    closed = case.take("supervision", "assess", note="Seen.", scores={**scores, BUILDER: 0})
    assert (closed["state"], case.intact()) == ("closed", True)


def test_the_streets_own_centre_dispatches_and_says_of_an_order_that_it_is_not_its_own(world):
    case = world.open("command", "dual")
    case.refused(BUILDER, "dispatch", bodies=[BUILDER])
    assert case.seen()["next"][0]["by"] == [city.LEAD]
    theirs = {"note": "Not our street.", "responsible_now": GZ, "clause": "not_listed"}
    assert case.take(city.LEAD, "refuse", **theirs)["step"] == "rule"
    ruled = case.take("command", "rule", note="It is yours.", to=city.LEAD)
    assert (ruled["step"], ruled["lead_body"]) == ("dispatch", city.LEAD)
    sent = case.take(city.LEAD, "dispatch", bodies=[BUILDER])
    assert [one["body_code"] for one in sent["called"]] == [city.LEAD, BUILDER]


def test_a_called_body_leaves_a_dual_order_by_its_clause_and_is_not_scored(world):
    case = world.open("command", "dual")
    case.take(city.LEAD, "dispatch", bodies=[BUILDER, CGJ])
    case.refused(BUILDER, "not_ours", note="Not our compound.")
    own = f"{CGJ} answers for 0601 in {city.WEST}"
    case.refused(CGJ, "not_ours", note="No.", clause="not_listed")
    case.refused(CGJ, "not_ours", note="No.", clause=own)
    left = case.take(BUILDER, "not_ours", note="Not our compound.", clause="not_listed")
    assert [one["body_code"] for one in left["called"]] == [city.LEAD, CGJ]
    assert inbox(world, city.LEAD)[-1] == "not_ours"
    assert case.trace()[-1]["body_code"] == BUILDER
    case.refused(city.LEAD, "not_ours", note="No.", clause="not_listed")
    case.take(city.LEAD, "handle", note="Swept.")
    assert case.take(CGJ, "handle", note="Fined.")["step"] == "assess"
    scores = {city.LEAD: 90, CGJ: 80}
    closed = case.take("supervision", "assess", note="Seen.", scores=scores)
    assert (closed["state"], case.intact()) == ("closed", True)


def test_dual_dispatch_needs_a_second_body(world):
    case = world.open("command", "dual")
    problem = case.refused(city.LEAD, "dispatch", 422, bodies=[city.LEAD])
    assert "already been called" in problem["detail"]
    case.refused(city.LEAD, "dispatch", 404, bodies=["nobody"])
    case.refused(city.LEAD, "dispatch", 422, bodies="nobody")
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
    said = {
        "description": "The slope moves.",
        "place_text": "广安门外大街 12 号",
        "endangered": "15 vehicles and 28 people",
    }
    case = world.open("worker", "hazard", **said)
    told = case.trace()[1]
    # The street, its community, enforcement and planning by the lists.
    expected = sorted([city.LEAD, COMMUNITY, CGJ, GZ])
    assert (told["action"], sorted(told["content"]["called"])) == ("tell", expected)
    for body in expected:
        assert "called" in inbox(world, body)
    assert city.OTHER not in told["content"]["called"]
    content = world[GZ].get(f"/v1/bodies/{GZ}/inbox")["messages"][0]["content"]
    place = city.beside_border(-300)
    assert content["what"] == said["description"]
    assert content["address"] == said["place_text"]
    assert content["areas"] == ["西城区", "广安门外街道", "广安门外街道一社区"]
    assert content["unit_grid"] == "02000002"
    assert content["endangered"] == said["endangered"]
    assert (content["class_code"], content["class_name"]) == (city.RUBBISH, "暴露垃圾")
    assert content["map"] == f"/map#map=17/{place['lat']:.6f}/{place['lon']:.6f}"


@pytest.mark.system(22)
def test_a_report_of_a_hazard_says_who_is_endangered(world):
    said = {"channel": "hazard", "class": city.RUBBISH, "endangered": "28 people"}
    world["worker"].report(-300, **said)
    content = world[GZ].get(f"/v1/bodies/{GZ}/inbox")["messages"][0]["content"]
    assert content["endangered"] == "28 people"


def test_who_is_endangered_is_refused_where_nobody_would_be_told(world):
    location = {**city.beside_border(-300), "accuracy_m": 5}
    given = {"class": city.RUBBISH, "location": location, "endangered": "28 people"}
    for person in ("worker", "citizen"):
        problem = world[person].refused("/v1/reports", given, status=422)
        assert problem["field"] == "endangered"


@pytest.mark.system(22)
def test_those_who_are_named_secure_a_hazard_by_their_own_token(world):
    case = world.open("worker", "hazard")
    for wrong in ("nobody", [city.OTHER], [CGJ, 5]):
        case.refused(city.LEAD, "name_who", 422, who=wrong)
    case.take(city.LEAD, "name_who", who=[CGJ, "person:the inspector"])
    assert "step_due" in inbox(world, CGJ)
    case.refused(GZ, "secure", note="Fenced.")
    case.take(CGJ, "secure", note="15 vehicles and 28 people are away.")
    case.take("worker", "secure", note="The lane is shut.")
    signed = [(e["body_code"], e["actor"]) for e in case.trace() if e["action"] == "secure"]
    assert [body for body, _ in signed] == [CGJ, None]
    assert "the inspector" in signed[1][1]
    far = {"location": city.beside_border(-900)}
    alone = world.open("worker", "hazard", **far)
    alone.take(city.LEAD, "name_who", who=["person:the inspector"])
    for given in ({}, {"body": "person:the inspector"}):
        problem = alone.refused("command", "secure", 403, note="Fenced.", **given)
        assert "own token" in problem["detail"]


@pytest.mark.system(22)
def test_a_hazard_is_closed_with_every_called_bodys_word_or_a_reason(world):
    case = world.open("worker", "hazard")
    case.take(city.LEAD, "name_who", who=[CGJ])
    case.refused(city.OTHER, "say", 403, note="Nothing here.")
    case.take(CGJ, "secure", note="Away.")
    case.take(GZ, "say", note="No building of ours.")
    case.take(city.LEAD, "fund", money="a wall")
    assert case.refused("supervision", "close", note="Safe.")["missing"] == ["reasons"]
    reasons = {city.LEAD: "It leads."}
    problem = case.refused("supervision", "close", 422, note="Safe.", reasons=reasons)
    assert (problem["field"], COMMUNITY in problem["detail"]) == ("evidence.reasons", True)
    case.take(COMMUNITY, "say", note="All are home again.")
    closed = case.take("supervision", "close", note="Safe.", reasons=reasons)
    assert closed["state"] == "closed"
    assert case.trace()[-1]["content"]["reasons"] == reasons


@pytest.mark.system(22)
def test_when_those_who_were_named_do_not_come_the_leader_names_others(world):
    case = world.open("worker", "hazard")
    case.take(city.LEAD, "name_who", who=[CGJ])
    assert case.take(city.LEAD, "name_others", note="Nobody came.")["step"] == "name_who"
    case.take(city.LEAD, "name_who", who=[GZ])
    case.refused(CGJ, "secure", note="Late.")
    case.take(GZ, "secure", note="Fenced.")


@pytest.mark.system(22)
@pytest.mark.parametrize(("code", "grade"), [(city.RUBBISH, "general"), ("10002", "danger")])
def test_the_grade_of_a_hazard_is_that_of_its_class(world, code, grade):
    case = world.open("worker", "hazard", channel="hazard", **{"class": code})
    assert case.seen()["grade"] == grade


def test_what_a_hazard_has_told_is_erased_with_its_report(world):
    case = world.open("worker", "hazard", description="At Li's", endangered="the Li family")
    report = world["supervision"].get(f"/v1/cases/{case.id}/reports")["reports"][0]["id"]
    case.take(city.LEAD, "name_who", who=[CGJ])
    case.take(CGJ, "secure", note="Away.")
    silent = dict.fromkeys((city.LEAD, COMMUNITY, GZ), "Not needed.")
    case.take("supervision", "close", note="Safe.", reasons=silent)
    world["supervision"].post(f"/v1/reports/{report}/erase", {"reason": "asked for"})
    content = world[GZ].get(f"/v1/bodies/{GZ}/inbox")["messages"][0]["content"]
    assert not content.keys() & {"what", "address", "endangered"}
    assert content["class_name"] == "暴露垃圾"


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
    sent = case.take("command", "dispatch", to=GZ, note="As it names.", reason="Agreed.")
    assert sent["lead_body"] == GZ
    assert "case_sent_on" in inbox(world, GZ)
    assert case.take(GZ, "handle", note="Swept.")["step"] == "feed_back"


def test_the_mobile_desk_and_the_leaking_roofs_are_data_alone(world):
    desk = world.open("worker", "mobile_desk")
    desk.take(COMMUNITY, "take", taker="a worker")
    desk.take(COMMUNITY, "talk", minutes="Told.", parties="two", outcome="meet")
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
