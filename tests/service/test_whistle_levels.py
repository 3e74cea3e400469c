"""Whistles of level 1 to 3: called, reported in, finished, scored, raised, closed."""

from __future__ import annotations

import datetime as dt

import pytest

from gridsvc.callers import Role
from tests.service import joint_city as city
from tests.service.joint_case import at_once
from tests.service.procedures_world import CGJ, COMMUNITY, GZ, Clock, World
from tests.service.whistles_world import (
    HERE,
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


def after(clock: Clock, **span: float) -> str:
    return (clock.now + dt.timedelta(**span)).isoformat()


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def inbox(world, body):
    return world[body].get(f"/v1/bodies/{body}/inbox")["messages"]


# One whistle, from the demand to the assessment.


@pytest.mark.system(5)
@pytest.mark.parametrize(
    ("seconds", "late"),
    [(1799, False), (1800, False), (1801, True), (31 * 60, True)],
)
def test_a_department_is_in_time_up_to_30_minutes_after_the_whistle(world, clock, seconds, late):
    whistle = published(world)
    whistle.act(CGJ, "accept")
    clock.forward(seconds=seconds)
    assert whistle.act(CGJ, "report-in", **HERE)["late"] is late


@pytest.mark.system(8)
@pytest.mark.parametrize(("metres", "far"), [(0, False), (199, False), (201, True), (500, True)])
def test_a_sign_in_far_from_the_place_is_flagged(world, metres, far):
    whistle = published(world).come(GZ)
    whistle.act(CGJ, "accept")
    arrived = whistle.act(CGJ, "report-in", **city.beside_border(-300 - metres))
    assert (arrived["far"], round(arrived["metres_off"])) == (far, metres)
    entry = whistle.case.trace()[-1]
    assert (entry["action"], entry["content"]["far"]) == ("arrive" if far else "report_in", far)


@pytest.mark.system(5)
def test_only_the_caller_closes_and_not_before_all_have_come_are_done_and_scored(world):
    whistle = published(world)
    case = whistle.case
    assert case.refused(city.LEAD, "verify", note="Fine.")["requirement"] == "all_reported_in"
    whistle.come(CGJ, GZ)
    assert case.refused(city.LEAD, "verify", note="Fine.")["requirement"] == "all_done"
    whistle.refused(CGJ, "score", by=city.LEAD, score=90)
    whistle.finish(CGJ, GZ)
    case.take(city.LEAD, "verify", note="Fine.")
    whistle.act(CGJ, "score", by=city.LEAD, score=90)
    assert case.refused(city.LEAD, "assess")["requirement"] == "all_scored"
    for body in (CGJ, GZ):
        case.refused(body, "assess")
        whistle.refused(GZ, "score", by=body, score=100)
    whistle.act(GZ, "score", by=city.LEAD, score=0)
    whistle.refused(GZ, "score", by=city.LEAD, score=100)
    assert case.take(city.LEAD, "assess")["state"] == "closed"
    assert whistle.seen()["state"] == "closed"
    assert {code: body["score"] for code, body in whistle.called().items()} == {CGJ: 90, GZ: 0}
    assert case.intact()


@pytest.mark.system(5)
def test_nobody_leaves_until_it_is_done(world):
    whistle = published(world).come(CGJ, GZ).finish(CGJ, GZ)
    whistle.refused(CGJ, "again", by=GZ, note="Not me.")
    sent_back = whistle.act(CGJ, "again", by=city.LEAD, note="The rubble is still there.")
    assert sent_back["done_at"] is None
    problem = whistle.case.refused(city.LEAD, "verify", note="Fine.")
    assert "事不完人不撤" in problem["detail"]
    whistle.refused(CGJ, "again", by=city.LEAD, note="Again.")
    assert inbox(world, CGJ)[-1]["topic"] == "again"
    whistle.finish(CGJ)
    assert whistle.case.take(city.LEAD, "verify", note="Gone.")["step"] == "assess"


def test_every_body_goes_at_its_own_pace_and_no_step_of_it_is_skipped_or_taken_twice(world):
    whistle = published(world)
    whistle.refused(CGJ, "report-in", **HERE)
    whistle.refused(CGJ, "done", note="Done.")
    whistle.case.refused(CGJ, "handle", note="I act.")
    whistle.come(CGJ)
    whistle.case.take(CGJ, "handle", note="I act.")
    whistle.case.refused(GZ, "handle", note="I act from afar.")
    whistle.finish(CGJ)
    for act, given in (("accept", {}), ("report-in", HERE), ("done", {"note": "Done."})):
        whistle.refused(CGJ, act, **given)
    assert whistle.called()[GZ]["accepted_at"] is None


def test_a_called_body_is_told_with_its_task_its_limits_and_its_letter(world):
    whistle = published(world, demand={"task": "Come.", "tasks": {GZ: "Measure it."}})
    told = inbox(world, GZ)[0]
    assert told["topic"] == "called"
    assert told["content"]["letter"] == f"{whistle.address}/letter"
    assert {code: body["task"] for code, body in whistle.called().items()} == {
        CGJ: "Come.",
        GZ: "Measure it.",
    }


def test_the_time_of_the_meeting_in_the_demand_starts_the_half_hour(world, clock):
    demand = {"task": "Come.", "time": after(clock, hours=20), "place": "the gate"}
    whistle = published(world, demand=demand)
    assert whistle.called()[CGJ]["report_in_by"].startswith("2026-11-23T22:30")
    whistle.act(CGJ, "accept")
    clock.forward(hours=20, minutes=29)
    assert whistle.act(CGJ, "report-in", **HERE)["late"] is False


@pytest.mark.parametrize(
    "demand",
    [
        {"place": "the gate"},
        {"task": " "},
        {"task": 5},
        {"task": "Come.", "limit": "soon"},
        {"task": "Come.", "time": "tomorrow"},
        {"task": "Come.", "time": "2026-11-20T10:00:00Z"},
        {"task": "Come.", "done_by": "2026-11-23T02:05:00Z"},
        {"task": "Come.", "done_by": "2027-11-23T02:05:00Z"},
        {"task": "Come.", "tasks": {"nobody": "Come."}},
        ["Come."],
    ],
)
def test_a_demand_of_a_wrong_form_is_refused_and_nothing_is_kept(world, demand):
    case = world.open(city.LEAD, "whistle_3")
    case.take(city.LEAD, "classify", kind="emergency", ground="enforcement")
    entries = case.trace()
    given = {"demand": demand, "bodies": [CGJ]}
    problem = case.refused(city.LEAD, "publish", 422, **given)
    assert problem["field"].startswith("evidence.demand")
    assert case.trace() == entries
    assert case.seen()["whistles"] == []


def test_a_street_does_not_whistle_itself(world):
    case = world.open(city.LEAD, "whistle_3")
    case.take(city.LEAD, "classify", kind="emergency", ground="enforcement")
    case.refused(city.LEAD, "publish", 422, demand="Come.", bodies=[city.LEAD])


def test_a_closed_whistle_and_another_district_are_refused(world, as_):
    whistle = published(world, (CGJ,))
    stranger = as_(Role.DEPARTMENT, city.EAST, f"{city.EAST}-CGJ")
    stranger.refused(f"{whistle.address}/bodies/{CGJ}/accept", status=403)
    stranger.refused(f"{whistle.address}/bodies/{city.EAST}-CGJ/accept", status=404)
    whistle.come(CGJ).finish(CGJ).act(CGJ, "score", by=city.LEAD, score=70)
    whistle.case.take(city.LEAD, "verify", note="Fine.")
    whistle.case.take(city.LEAD, "assess")
    whistle.refused(CGJ, "done", note="More.")
    whistle.case.refused(city.LEAD, "assess")
    assert whistle.case.intact()


def test_times_in_the_future_before_the_case_and_out_of_order_are_refused(world, clock):
    whistle = published(world, (CGJ,))
    for at in (after(clock, hours=1), after(clock, hours=-1), "2026-11-23T02:00:00"):
        whistle.refused(CGJ, "accept", status=422, at=at)
    clock.forward(minutes=20)
    whistle.act(CGJ, "accept", at=after(clock, minutes=-5))
    whistle.refused(CGJ, "report-in", status=422, at=after(clock, minutes=-10), **HERE)
    whistle.act(CGJ, "report-in", at=after(clock, minutes=-2), **HERE)
    whistle.refused(CGJ, "done", status=422, note="Done.", at=after(clock, minutes=-4))


def test_of_two_who_sign_in_at_the_same_moment_one_wins_and_the_other_is_told(world):
    whistle = published(world, (CGJ,))
    whistle.act(CGJ, "accept")
    address = f"{whistle.address}/bodies/{CGJ}/report-in"
    answers = at_once(*[lambda: world[CGJ].send("POST", address, json=HERE)] * 2)
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    actions = [entry["action"] for entry in whistle.case.trace()]
    assert actions.count("report_in") == 1


# Kinds and approvals.


@pytest.mark.system(6)
@pytest.mark.parametrize(
    ("kind", "agreed", "hours"),
    [
        ("everyday", {"confirmed_by": "leader"}, 168),
        ("tough", {"confirmed_by": "leader", "approved_by": "command"}, 720),
        ("emergency", {}, 24),
    ],
)
def test_the_kind_sets_the_limit_and_who_must_agree(world, clock, kind, agreed, hours):
    case = world.open(city.LEAD, "whistle_3")
    case.refused(city.LEAD, "classify", 422, kind="loud", ground="enforcement")
    case.take(city.LEAD, "classify", kind=kind, ground="emergency")
    lacking = list(agreed)
    for name, who in agreed.items():
        problem = case.refused(city.LEAD, "publish", demand="Come.", bodies=[CGJ])
        assert problem["missing"] == lacking
        case.approve("Come.", [CGJ], who, name)
        lacking.remove(name)
    case.take(city.LEAD, "publish", demand="Come.", bodies=[CGJ])
    seen = newest(case).seen()
    assert (seen["kind"], seen["level"], seen["ground"]) == (kind, 3, "emergency")
    due = moment(seen["called"][0]["done_by"])
    assert due - clock.now == dt.timedelta(hours=hours)
    assert moment(case.seen()["limit_at"]) == due


@pytest.mark.system(6)
def test_what_is_done_after_the_limit_of_the_kind_is_overdue(world, clock):
    whistle = published(world, (CGJ, GZ), kind="emergency").come(CGJ, GZ)
    clock.forward(hours=24)
    assert whistle.act(CGJ, "done", note="Just in time.")["overdue"] is False
    clock.forward(seconds=1)
    assert whistle.act(GZ, "done", note="Too late.")["overdue"] is True


# Levels.


@pytest.mark.system(7)
def test_an_unsolved_whistle_is_raised_one_level_at_a_time_and_none_is_skipped(world):
    case = world.open("worker", "whistle_1", whistle={"ground": "emergency"})
    first = newest(case)
    assert list(first.called()) == [COMMUNITY]
    case.refused(COMMUNITY, "publish", demand="x")
    second = case.take(COMMUNITY, "raise", note="Too heavy for us.")
    assert (second["procedure"]["name"], second["lead_body"]) == ("whistle_2", city.LEAD)
    assert second["seats"]["caller"] == COMMUNITY
    case.refused(COMMUNITY, "raise", note="Still too heavy.")
    case.refused(city.LEAD, "raise", note="Not before a person was sent.")
    case.take(city.LEAD, "register", file_number="2026-7")
    case.take(city.LEAD, "send", person="a worker")
    third = case.take(city.LEAD, "raise", note="It needs the departments.")
    assert (third["procedure"]["name"], third["step"]) == ("whistle_3", "classify")
    case.take(city.LEAD, "classify", kind="everyday", ground="emergency")
    case.publish("Come.", [CGJ])
    blown = case.seen()["whistles"]
    assert [(one["level"], one["state"]) for one in blown] == [
        (1, "raised"),
        (2, "raised"),
        (3, "open"),
    ]
    assert [one["follows"] for one in blown] == [None, blown[0]["id"], blown[1]["id"]]
    assert {one["ground"] for one in blown} == {"emergency"}
    first.refused(COMMUNITY, "accept")
    city_level = case.take("command", "raise", note="It needs city units.")
    assert (city_level["procedure"]["name"], city_level["step"]) == ("city", "whistle_city")
    raises = [e["content"]["to"] for e in case.trace() if e["action"] == "raise"]
    assert raises == ["whistle_2", "whistle_3", "city"]
    assert case.intact()


@pytest.mark.system(7)
def test_a_whistle_of_level_1_is_closed_and_scored_by_whoever_blew_it(world):
    case = world.open("worker", "whistle_1")
    whistle = newest(case).come(COMMUNITY)
    case.take(COMMUNITY, "handle", note="Swept.")
    case.refused("worker", "close")
    whistle.finish(COMMUNITY)
    case.refused(COMMUNITY, "close", 403)
    for stranger in ("supervision", COMMUNITY, "citizen"):
        whistle.refused(COMMUNITY, "score", by=stranger, status=403, score=9)
    whistle.act(COMMUNITY, "score", by="worker", score=90)
    assert case.take("worker", "close")["state"] == "closed"
    assert whistle.seen()["state"] == "closed"


@pytest.mark.system(7)
def test_a_whistle_of_level_2_goes_on_file_and_is_closed_by_the_community(world):
    case = world.open("worker", "whistle_2")
    whistle = newest(case).come(city.LEAD)
    case.take(city.LEAD, "register", file_number="2026-7")
    case.take(city.LEAD, "send", person="a worker")
    case.take(city.LEAD, "handle", note="Done.")
    whistle.finish(city.LEAD)
    whistle.act(city.LEAD, "score", by=COMMUNITY, score=80)
    case.refused(city.LEAD, "close")
    assert case.take(COMMUNITY, "close")["state"] == "closed"


@pytest.mark.system(7)
def test_where_no_community_is_registered_supervision_closes_a_whistle_of_level_2(
    client, city_engine, clock
):
    with city_engine.begin() as connection:
        connection.exec_driver_sql("delete from body where kind = 'community'")
    world = World(client, clock)
    case = world.open("worker", "whistle_2")
    whistle = newest(case).come(city.LEAD)
    case.take(city.LEAD, "register", file_number="2026-7")
    case.take(city.LEAD, "send", person="a worker")
    whistle.finish(city.LEAD)
    whistle.refused(city.LEAD, "score", status=403, score=100)
    whistle.act(city.LEAD, "score", by="supervision", score=60)
    case.refused(city.LEAD, "close", 403)
    assert case.take("supervision", "close")["state"] == "closed"


def test_a_street_that_stands_in_for_its_community_does_not_whistle_itself(
    client, city_engine, clock
):
    world = World(client, clock)
    given = {"procedure": "whistle_1", "class": city.RUBBISH, "location": HERE}
    problem = world[city.LEAD].refused("/v1/cases", given, status=422)
    assert "one level up" in problem["detail"]


# After the fact.


@pytest.mark.parametrize("procedure", ["whistle_1", "whistle_2"])
def test_a_small_whistle_by_telephone_is_recorded_afterwards_with_its_real_time(
    world, clock, procedure
):
    made = after(clock, hours=-3)
    case = world.open("worker", procedure, whistle={"made_at": made, "demand": "Shut the valve."})
    whistle = newest(case)
    seen = whistle.seen()
    assert (seen["after_the_fact"], moment(seen["blown_at"])) == (True, moment(made))
    assert moment(seen["recorded_at"]) == clock.now
    assert seen["demand"] == {"task": "Shut the valve."}
    blown = next(e for e in case.trace() if e["action"] == "whistle_blown")
    assert (moment(blown["at"]), moment(blown["written_at"])) == (moment(made), clock.now)
    body = next(iter(whistle.called()))
    whistle.act(body, "accept", at=after(clock, hours=-3, minutes=2))
    came = whistle.act(body, "report-in", at=after(clock, hours=-3, minutes=29), **HERE)
    assert came["late"] is False
    assert case.intact()


@pytest.mark.parametrize(
    ("procedure", "hours"), [("whistle_1", 1), ("whistle_1", -73), ("whistle_3", -1), ("dual", -1)]
)
def test_a_whistle_is_not_recorded_ahead_or_too_late_or_without_its_letter(
    world, clock, procedure, hours
):
    given = {
        "procedure": procedure,
        "class": city.RUBBISH,
        "location": HERE,
        "whistle": {"made_at": after(clock, hours=hours)},
    }
    problem = world["command"].refused("/v1/cases", given, status=422)
    assert problem["field"].startswith("whistle")


def test_a_whistle_that_was_made_now_is_not_marked(world):
    seen = newest(world.open("worker", "whistle_1")).seen()
    assert (seen["after_the_fact"], seen["recorded_at"]) == (False, None)


def test_a_case_that_began_by_an_older_version_goes_on_by_it(world, city_engine):
    case = world.open(city.LEAD, "whistle_3")
    with city_engine.begin() as connection:
        connection.exec_driver_sql("update case_file set procedure_version = 1")
    case.take(city.LEAD, "classify", kind="tough", ground="enforcement")
    confirmed = {"confirmed_by": "the main leader"}
    case.take(city.LEAD, "publish", demand="Come.", bodies=[CGJ], **confirmed)
    case.take(CGJ, "accept")
    assert case.take(CGJ, "report_in", place="here")["step"] == "handle"
