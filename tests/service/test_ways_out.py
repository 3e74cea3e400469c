"""No case waits for somebody who cannot come, and none ends under those who are at work in it."""

from __future__ import annotations

import pytest

from gridsvc.cases.systems.reminders.service import notice_limits
from gridsvc.db import session_factory
from tests import cities
from tests.service import joint_city as city
from tests.service.procedures_world import CGJ, COMMUNITY, GZ, Case, Clock, World
from tests.service.whistles_world import newest, published, register_departments


@pytest.fixture
def clock(monkeypatch):
    return Clock.held(monkeypatch)


@pytest.fixture
def world(client, city_engine, clock):
    register_departments(city_engine)
    return World(client, clock)


def whistled(world: World, case: Case) -> str:
    """A whistle that the street blows from what it finds in a case that it leads."""
    letter = {"demand": "Come and look.", "bodies": [CGJ]}
    case.approve(*letter.values())
    given = {**letter, "ground": "enforcement"}
    blown: str = world[city.LEAD].post(f"/v1/cases/{case.id}/whistles", given)["id"]
    return blown


@pytest.mark.system(7)
@pytest.mark.parametrize("by", ["citizen", "worker"])
def test_whoever_blew_a_whistle_of_level_1_scores_it_whatever_their_role(world, by):
    case = world.open(by, "whistle_1")
    whistle = newest(case).come(COMMUNITY).finish(COMMUNITY)
    world["command"].refused(
        f"{whistle.address}/bodies/{COMMUNITY}/score", {"score": 9}, status=403
    )
    whistle.act(COMMUNITY, "score", by=by, score=90)
    assert case.take(by, "close")["state"] == "closed"


def test_supervision_closes_in_the_place_of_a_reporter_who_is_gone(world, clock):
    case = world.open("citizen", "whistle_1")
    whistle = newest(case).come(COMMUNITY).finish(COMMUNITY)
    whistle.refused(COMMUNITY, "score", by="supervision", status=403, score=90)
    clock.forward(hours=24, seconds=1)
    whistle.refused(COMMUNITY, "score", by="leader", status=403, score=90)
    whistle.act(COMMUNITY, "score", by="supervision", score=90)
    assert case.take("supervision", "close")["state"] == "closed"
    assert case.trace()[-1]["actor"] == "supervision of the west"


def test_who_acted_for_a_called_body_does_not_close_in_the_reporters_place(world, clock):
    case = world.open("citizen", "whistle_1")
    whistle = newest(case)
    whistle.act(COMMUNITY, "accept", by="supervision")
    clock.forward(hours=24, seconds=1)
    whistle.refused(COMMUNITY, "score", by="supervision", status=403, score=0)
    case.refused("supervision", "close", 403)
    whistle.act(COMMUNITY, "score", by="command", score=0)
    assert case.take("command", "close")["state"] == "closed"


def test_who_checked_a_case_acts_for_none_of_its_called_bodies(world):
    filed = world["citizen"].report(-300, **{"class": city.BUILDING})
    case = Case(world, filed["case_id"])
    for step in ("handle", "feed_back"):
        case.take(city.LEAD, step, note="Down.")
    case.take("supervision", "verify", note="x", closing_check="differs")
    path = f"/v1/whistles/{whistled(world, case)}/bodies/{CGJ}/accept"
    world["supervision"].refused(path, status=403)
    world["command"].post(path)


def test_the_residents_meet_again_with_the_bodies_that_they_called_before(world):
    case = world.open("worker", "mobile_desk")
    case.take(COMMUNITY, "take", taker="a worker")
    case.take(COMMUNITY, "talk", minutes="A bench.", parties="all", outcome="meet")
    for _ in range(2):
        case.take(COMMUNITY, "residents_meeting", minutes="A bench.", bodies=[CGJ])
        seen = case.take(CGJ, "look_on_the_spot", note="Possible.")
        assert [one["body_code"] for one in seen["called"]] == [CGJ]
        case.take(COMMUNITY, "meet_again", note="Not agreed.")


def test_a_whistle_of_level_2_that_is_withdrawn_waits_for_no_one(world):
    case = world.open("worker", "whistle_2")
    assert case.seen()["step"] == "register"
    whistle = newest(case)
    world[COMMUNITY].post(f"{whistle.address}/withdraw", {"reason": "It is gone."})
    assert case.take(COMMUNITY, "close")["state"] == "closed"


def test_a_case_goes_on_for_the_bodies_of_its_whistles_when_its_report_is_withdrawn(world):
    joint, alone = (
        world["citizen"].report(-6, footprint=city.astride()),
        world["citizen"].report(-300),
    )
    whistled(world, Case(world, alone["case_id"]))
    for filed in (joint, alone):
        path = f"/v1/reports/{filed['receipt']}/withdraw"
        assert world["citizen"].post(path, {})["case"]["state"] == "open"


def test_a_check_does_not_end_a_case_while_its_whistle_waits(world, clock):
    case = world.open("command", "checked", **{"class": city.BUILDING})
    path = f"/v1/whistles/{whistled(world, case)}/bodies/{CGJ}/score"
    found = {"pre_filing_check": "untrue", "reason": "Nothing there."}
    assert case.refused("supervision", "file", **found)["requirement"] == "all_reported_in"
    clock.forward(hours=1)
    world[city.LEAD].post(path, {"score": 0})
    assert case.take("supervision", "file", **found)["outcome"] == "not_filed"


def test_when_all_called_bodies_are_done_the_caller_holds_the_limit(world, clock, city_engine):
    whistle = published(world).come(CGJ, GZ).finish(CGJ, GZ)
    clock.forward(days=40)
    with session_factory(city_engine)() as session:
        notice_limits(session, cities.city(), now=clock.now)
        session.commit()
    passed = [one for one in whistle.case.trace() if one["action"] == "limit_passed"]
    assert {one["content"]["holders"][0] for one in passed} == {city.LEAD}
