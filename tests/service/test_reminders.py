"""Limits that pass are events, who has to know is reminded, and supervision sees what waits."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from gridsvc.cases.core.events import LimitPassed, WhichLimit
from gridsvc.cases.systems.reminders.rules import read_reminders
from gridsvc.cases.systems.reminders.service import notice_limits
from gridsvc.city.system import System
from gridsvc.errors import BadFile
from tests import cities
from tests.service import joint_city as city
from tests.service.procedures_world import BUILDER, CGJ, GZ, MONDAY, Clock, World, register
from tests.service.whistles_world import published


@pytest.fixture
def clock(monkeypatch):
    return Clock.held(monkeypatch)


@pytest.fixture
def world(client, city_engine, clock):
    register(city_engine)
    return World(client, clock)


@pytest.fixture
def notice(city_session, clock):
    """Looks at the limits as the worker does; gives the events that it emitted."""

    def look() -> list[LimitPassed]:
        heard: list[LimitPassed] = []
        ears = System("ears", hears={LimitPassed: lambda _, event: heard.append(event)})
        shipped = cities.city()
        notice_limits(
            city_session, replace(shipped, systems=(*shipped.systems, ears)), now=clock.now
        )
        city_session.commit()
        return heard

    return look


def reminded(world: World, body: str) -> list[tuple[str, float]]:
    messages = world[body].get(f"/v1/bodies/{body}/inbox")["messages"]
    told = [one["content"] for one in messages if one["topic"] == "reminder"]
    return [(one["limit"], one["hours"]) for one in told]


def inbox(world: World):
    return world["supervision"].get(f"/v1/supervision/{city.WEST}/inbox")


def test_a_body_is_reminded_before_and_at_each_limit_once(world, clock, notice):
    case = world.open("worker", "ordinary")
    lead = case.seen()["lead_body"]
    clock.forward(hours=143)
    assert notice() == []
    assert reminded(world, lead) == []
    clock.forward(hours=1)
    notice()
    notice()
    assert sorted(reminded(world, lead)) == [("overall", -24), ("step", -24)]
    clock.forward(hours=24)
    heard = notice()
    limit = MONDAY + dt.timedelta(hours=168)
    assert [(one.which, one.limit_at, one.holders) for one in heard] == [
        ("step", limit, (lead,)),
        ("overall", limit, (lead,)),
    ]
    assert notice() == []
    assert ("step", 0) in reminded(world, lead)
    passed = [entry for entry in case.trace() if entry["action"] == "limit_passed"]
    assert [entry["content"]["limit"] for entry in passed] == ["step", "overall"]
    assert case.intact()


def told_to(messages):
    told = [one["content"] for one in messages]
    return sorted((one["to"], one["limit"], one["hours"]) for one in told)


def test_supervision_and_the_leader_are_reminded_in_the_districts_inboxes(world, clock, notice):
    late = world.open("worker", "ordinary")
    clock.forward(hours=168 + 24)
    world.open("worker", "ordinary", **{"class": city.NOISE})
    notice()
    leaders = world["command"].get(f"/v1/leaders/{city.WEST}/inbox")
    assert [one["case_id"] for one in leaders["late"]] == [late.id]
    assert leaders["counts"] == {late.seen()["lead_body"]: 1}
    assert told_to(leaders["messages"]) == [("leader", "overall", 0), ("leader", "step", 24)]
    address = f"/v1/leaders/{city.WEST}/inbox"
    assert world[city.LEAD].send("GET", address).status_code == 403
    assert told_to(inbox(world)["messages"]) == [
        ("supervisor", "overall", -24),
        ("supervisor", "overall", 0),
        ("supervisor", "step", 0),
    ]


def test_a_called_body_is_told_of_its_own_limits_and_who_came_is_not(world, clock, notice):
    whistle = published(world).come(CGJ)
    clock.forward(minutes=30)
    heard = [one for one in notice() if one.which is WhichLimit.REPORT_IN]
    limit = dt.datetime.fromisoformat(whistle.called()[GZ]["report_in_by"])
    assert [(one.limit_at, one.holders) for one in heard] == [(limit, (GZ,))]
    assert reminded(world, GZ) == [("report_in", 0)]
    assert reminded(world, CGJ) == []
    assert ("supervisor", "report_in", 0) in told_to(inbox(world)["messages"])
    whistle.come(GZ).finish(CGJ)
    clock.now = dt.datetime.fromisoformat(whistle.called()[GZ]["done_by"])
    heard = [one for one in notice() if one.which is WhichLimit.DONE]
    assert [one.holders for one in heard] == [(GZ,)]
    assert [one for one in notice() if one.which is WhichLimit.DONE] == []
    assert ("done", 0) in reminded(world, GZ)
    assert "done" not in {limit for limit, _ in reminded(world, CGJ)}
    assert whistle.case.intact()


def test_each_body_of_a_dual_order_is_told_of_its_own_limit(world, clock, notice):
    case = world.open("command", "dual")
    sent = case.take(city.LEAD, "dispatch", bodies=[BUILDER])
    limits = {one["body_code"]: one["limit_at"] for one in sent["called"]}
    clock.now = dt.datetime.fromisoformat(limits[BUILDER])
    heard = {one.which: one for one in notice()}
    assert heard[WhichLimit.STEP].holders == (city.LEAD, BUILDER)
    assert heard[WhichLimit.PART].holders == (BUILDER,)
    assert heard[WhichLimit.PART].limit_at == clock.now
    assert notice() == []
    assert ("part", 0) in reminded(world, BUILDER)


def test_a_suspended_case_and_one_that_is_answered_remind_nobody(world, clock, notice):
    suspended, answered = world.open("worker", "ordinary"), world.open("worker", "ordinary")
    suspended.take("command", "suspend", note="In spring.", until="2027-06-01")
    lead = answered.seen()["lead_body"]
    answered.take(lead, "handle", note="Swept.")
    answered.take(lead, "feed_back", note="Clean.")
    clock.forward(days=30)
    heard = notice()
    assert [(one.which, one.holders) for one in heard] == [("step", ("supervision",))]
    assert reminded(world, lead) == []


def test_supervision_has_an_inbox_of_what_waits_for_it(world, clock):
    to_file = world.open("command", "checked")
    to_verify = world.open("worker", "ordinary")
    lead = to_verify.seen()["lead_body"]
    clock.forward(hours=1)
    to_verify.take(lead, "handle", note="Swept.", at=MONDAY.isoformat())
    to_verify.take(lead, "feed_back", note="Clean.")
    returned = world.open("worker", "ordinary")
    returned.take(lead, "refuse", note="Not ours.", responsible_now=city.LEAD, clause="not_listed")
    found = inbox(world)
    kinds = {one["case_id"]: one["kind"] for one in found["work"]}
    assert kinds == {to_file.id: "file", to_verify.id: "verify", returned.id: "refusal"}
    assert found["counts"] == {"file": 1, "refusal": 1, "verify": 1}
    assert [one["case_id"] for one in found["stated_times"]] == [to_verify.id]
    to_verify.take("supervision", "verify", note="Seen.")
    to_verify.take("supervision", "assess", score=80)
    given = {"body": lead, "reason": "It rained."}
    world["city"].post(f"/v1/cases/{to_verify.id}/appeals", given)
    assert [one["case_id"] for one in inbox(world)["appeals"]] == [to_verify.id]
    address = f"/v1/supervision/{city.WEST}/inbox"
    assert world[city.LEAD].send("GET", address).status_code == 403
    assert world["citizen"].send("GET", address).status_code == 403


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("whistle,0,body", "line 2: .* the limits are step, overall, report_in, done, part"),
        ("step,soon,body", "line 2: .* hours a number"),
        ("step,0,mayor", "line 2: 'mayor' is not one of body, supervisor, leader"),
        ("step,99999,body", "line 2: a reminder is at most 8784 hours away"),
    ],
)
def test_a_fault_in_the_rules_is_told_with_its_line(tmp_path, row, says):
    path = tmp_path / "reminders.csv"
    path.write_text(f"limit,hours,to\n{row}\n", encoding="utf-8")
    with pytest.raises(BadFile, match=says):
        read_reminders(path)
