"""Rosters: the street's opinion comes first, it judges, and a whistle says who can come."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import random
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyproj
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from typer.testing import CliRunner

from gridsvc.assessment.period import parse_period
from gridsvc.assessment.yearly import recompute
from gridsvc.callers import Role
from gridsvc.cli.app import app
from tests import cities
from tests.service import joint_city as city
from tests.service.procedures_world import CGJ, GZ, MONDAY, Clock, World
from tests.service.whistles_world import newest, register_departments

GEOD = pyproj.Geod(ellps="WGS84")
HERE = city.beside_border(-300)
STATION = city.beside_border(-900)
DAY = "2026-11-01"


@pytest.fixture
def clock(monkeypatch):
    return Clock.held(monkeypatch)


@pytest.fixture
def world(client, city_engine, clock):
    register_departments(city_engine)
    return World(client, clock)


def enter(world: World, code: str, office: str = CGJ, **more: Any) -> Any:
    given = {"role": "posted_officer", "name": f"Officer {code}", "valid_from": "2026-01-01"}
    return world["supervision"].post("/v1/staff", {"code": code, "office": office, **given, **more})


def wish(staff: str, kind: str = "posted", street: str = city.LEAD, **more: Any) -> dict[str, Any]:
    station = {} if kind == "liaison" else {"station": STATION}
    return {
        **{"kind": "posting", "street": street, "staff": staff, "posting_kind": kind},
        **{"on": DAY, "words": "The centre needs one."},
        **station,
        **more,
    }


def propose(world: World, sent: dict[str, Any], by: str = CGJ) -> Any:
    return world[by].post("/v1/postings/proposals", sent)


def at(thing: Any, act: str) -> str:
    return f"/v1/postings/proposals/{thing['id']}/{act}"


def agree(world: World, proposal: Any, by: str | None = None) -> Any:
    street = by or proposal["street_code"]
    return world[street].post(at(proposal, "opinion"), {"agrees": True})


def post(world: World, staff: str, kind: str = "posted", by: str = CGJ, **more: Any) -> Any:
    """Somebody who is posted, with the street's agreement."""
    return agree(world, propose(world, wish(staff, kind, **more), by))


def roster(world: World, by: str = city.LEAD, **asked: Any) -> list[tuple[str, str, bool]]:
    found = world[by].get("/v1/postings/roster", street=city.LEAD, **asked)["people"]
    return [(one["staff_code"], one["kind"], one["comes"]) for one in found]


@pytest.mark.system(11)
def test_a_posting_holds_from_the_day_on_which_the_street_agrees_and_not_before(world, clock):
    enter(world, "P1")
    proposal = propose(world, wish("P1"))
    assert (proposal["state"], proposal["agrees"]) == ("asked", None)
    assert roster(world) == []
    address = f"/v1/postings/proposals/{proposal['id']}"
    assert world["supervision"].get(address)["state"] == "asked"
    assert world[city.OTHER].send("GET", address).status_code == 403
    clock.forward(days=1)
    agreed = agree(world, proposal)
    # Its day was three weeks ago; nothing holds from before the opinion.
    assert (agreed["state"], agreed["effective_on"]) == ("in_effect", "2026-11-24")
    assert roster(world) == [("P1", "posted", True)]
    (held,) = world[CGJ].get("/v1/postings", body=CGJ)["postings"]
    assert (held["valid_from"], held["valid_to"]) == ("2026-11-24", None)
    assert world["worker"].get(f"/v1/postings/{held['id']}") == held
    assert world[city.OTHER].send("GET", f"/v1/postings/{held['id']}").status_code == 403
    assert world["supervision"].get("/v1/postings", day="2026-11-23")["postings"] == []


@pytest.mark.system(11)
def test_nobody_but_the_street_itself_gives_its_opinion(world):
    enter(world, "P1")
    held, neighbour = None, world.person(Role.STREET, city.LEAD_NORTH)
    for kind in ("posting", "reward", "transfer"):
        about = {"kind": kind, "posting": held and held["id"], "on": "2026-12-01", "words": "So."}
        proposal = propose(world, wish("P1") if held is None else about)
        others = [world[by] for by in ("supervision", "city", CGJ, "worker", city.OTHER)]
        for one in (*others, neighbour, world.person(Role.ADMIN)):
            one.refused(at(proposal, "opinion"), {"agrees": True}, status=403)
        told = world["supervision"].refused(
            at(proposal, "decision"), {"carry": True, "reason": "So."}, status=409
        )
        assert "has given its opinion" in told["detail"]
        (waits,) = world[CGJ].get("/v1/postings/proposals", state="asked")["proposals"]
        assert (waits["id"], waits["agrees"]) == (proposal["id"], None)
        agreed = agree(world, proposal)
        held = held or agreed
        assert agreed["state"] == "in_effect"


def test_the_database_itself_keeps_nothing_in_effect_without_an_opinion(world, city_session):
    enter(world, "P1")
    propose(world, wish("P1"))
    with pytest.raises(IntegrityError, match="opinion_on_record"):
        city_session.execute(
            text("update posting_proposal set state = 'in_effect', effective_on = '2026-11-24'")
        )


@pytest.mark.system(11)
def test_after_an_objection_supervision_decides_and_the_opinion_stays_on_record(world):
    enter(world, "P1")
    enter(world, "P2")
    carried, rejected = (propose(world, wish(one)) for one in ("P1", "P2"))
    leader = world[city.LEAD]
    told = leader.refused(at(carried, "opinion"), {"agrees": False}, status=422)
    assert "why the street objects" in told["detail"]
    for one in (carried, rejected):
        said = leader.post(at(one, "opinion"), {"agrees": False, "words": "They never came."})
        assert (said["state"], said["effective_on"]) == ("objected", None)
        leader.refused(at(one, "opinion"), {"agrees": True}, status=409)
    assert roster(world) == []
    other = world.person(Role.DISTRICT, city.EAST)
    other.refused(at(carried, "decision"), {"carry": True, "reason": "So."}, status=403)
    for one, carry in ((carried, True), (rejected, False)):
        decided = world["supervision"].post(
            at(one, "decision"), {"carry": carry, "reason": "There is nobody else."}
        )
        assert (decided["agrees"], decided["opinion"]) == (False, "They never came.")
        assert decided["state"] == ("in_effect" if carry else "rejected")
    assert roster(world) == [("P1", "posted", True)]


@pytest.mark.system(11)
def test_silence_past_the_limit_is_told_to_supervision_and_decides_nothing(world, clock):
    enter(world, "P1")
    proposal = propose(world, wish("P1"))
    inbox = f"/v1/supervision/{city.WEST}/inbox"
    before = world["supervision"].get(inbox)["late_answers"]
    # 40 working hours: eight of 8 to 12 and 14 to 18 a day.
    assert proposal["answer_by"] == "2026-11-30T02:00:00+00:00"
    clock.now = dt.datetime(2026, 11, 30, 1, 59, 59, tzinfo=dt.UTC)
    assert world["supervision"].get("/v1/postings/proposals", escalated="true")["proposals"] == []
    clock.forward(seconds=1)
    (late,) = world["supervision"].get("/v1/postings/proposals", escalated="true")["proposals"]
    assert (late["id"], late["escalated"], late["state"]) == (proposal["id"], True, "asked")
    after = world["supervision"].get(inbox)["late_answers"]
    assert (before, after) == (0, 1)
    clock.forward(days=300)
    assert roster(world) == []
    assert agree(world, proposal)["state"] == "in_effect"
    assert roster(world) == [("P1", "posted", True)]


@pytest.mark.system(11)
def test_a_change_of_the_register_takes_nobody_from_the_street_that_was_not_asked(world):
    member = enter(world, "P1", places=[city.LEAD])
    held = post(world, "P1")
    address = f"/v1/staff/{member['id']}"
    told = world["supervision"].refused(
        f"{address}/end", {"on": "2026-12-01", "reason": "moved"}, status=409
    )
    assert "propose a transfer first" in told["detail"]
    for change in ({"office": GZ}, {"role": "inspector"}):
        answer = world["supervision"].send("PATCH", address, json=change)
        assert (answer.status_code, "transfer" in answer.json()["detail"]) == (409, True)
    renamed = world["supervision"].send(
        "PATCH", address, json={"name": "Li", "shifts": "daily 08:00-09:00"}
    )
    assert renamed.status_code == 200
    moved = {"kind": "transfer", "posting": held["id"], "on": "2026-12-01", "words": "Promoted."}
    world[city.LEAD].refused("/v1/postings/proposals", moved, status=403)
    world[GZ].refused("/v1/postings/proposals", moved, status=403)
    proposal = propose(world, moved)
    world[CGJ].refused("/v1/postings/proposals", moved, status=409)
    assert agree(world, proposal)["effective_on"] == "2026-12-01"
    assert world["supervision"].post(f"{address}/end", {"on": "2026-12-01", "reason": "moved"})
    propose_again = {**moved, "on": "2026-12-02"}
    assert (
        "until 2026-12-01"
        in (world[CGJ].refused("/v1/postings/proposals", propose_again, status=409)["detail"])
    )


def test_a_list_of_staff_takes_nobody_from_a_street_either(world, load, city_session):
    enter(world, "P1", places=[city.LEAD])
    post(world, "P1")
    row = f"P1,Zhang,{CGJ},posted_officer,2026-01-01"
    code, told = load("staff", "code,name,office,role,valid_from,valid_to", f"{row},2026-11-25")
    assert (code, "propose a transfer first" in told["refused"][0]["reason"]) == (1, True)
    code, told = load("staff", "code,name,office,role,valid_from,valid_to", f"{row},")
    assert (code, told["known"]) == (0, 1)


@pytest.mark.system(11)
def test_an_officer_is_on_duty_where_a_posting_says_so_and_nowhere_else(world):
    enter(world, "P1", places=[city.WEST])
    asked = {"role": "posted_officer"}

    def codes(area: str) -> list[str]:
        found = world["supervision"].get("/v1/staff/on-duty", area=area, **asked)["on_duty"]
        return [one["code"] for one in found]

    assert (codes(city.LEAD), codes(city.WEST)) == ([], [])
    post(world, "P1")
    assert (codes(city.LEAD), codes(f"{city.LEAD}001")) == (["P1"], ["P1"])
    assert (codes(city.LEAD_NORTH), codes(city.WEST)) == ([], ["P1"])


def test_somebody_is_posted_to_one_street_on_a_day_and_on_call_for_several(world, city_engine):
    enter(world, "P1")
    north = world.people[city.LEAD_NORTH] = world.person(Role.STREET, city.LEAD_NORTH)
    post(world, "P1")
    second = propose(world, wish("P1", street=city.LEAD_NORTH))
    told = north.refused(at(second, "opinion"), {"agrees": True}, status=409)
    assert f"posted to {city.LEAD} from" in told["detail"]
    assert post(world, "P1", "on_call", street=city.LEAD_NORTH)["state"] == "in_effect"
    assert world[CGJ].post(at(second, "withdraw"), {"reason": "Not now."})["state"] == "withdrawn"
    world[CGJ].refused(at(second, "withdraw"), {"reason": "Not now."}, status=409)
    north.refused(at(second, "opinion"), {"agrees": True}, status=409)


def test_of_two_streets_that_agree_at_once_one_has_the_officer(world):
    enter(world, "P1")
    world.people[city.LEAD_NORTH] = world.person(Role.STREET, city.LEAD_NORTH)
    wanted = [propose(world, wish("P1", street=one)) for one in (city.LEAD, city.LEAD_NORTH)]

    def say(proposal: Any) -> int:
        street = world[proposal["street_code"]]
        return street.send("POST", at(proposal, "opinion"), json={"agrees": True}).status_code

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(say, wanted * 5))
    assert sorted(answers) == [200] + [409] * 9


def test_a_posting_that_could_not_be_is_refused_when_it_is_proposed(world):
    enter(world, "P1")
    enter(world, "L1", role="contact_point")
    enter(world, "S1", city.LEAD)
    for change, status, told in (
        ({"staff": "nobody"}, 422, "has nobody 'nobody' on 2026-11-01"),
        ({"staff": "L1"}, 422, "as contact_point; 'posted' needs posted_officer"),
        ({"posting_kind": "liaison"}, 422, "as posted_officer; 'liaison' needs contact_point"),
        ({"station": None}, 422, "'station' is where they start from"),
        ({"street": f"{city.WEST}099"}, 422, "No office of the street"),
        ({"street": None}, 422, "names 'street', 'staff'"),
        ({"valid_to": "2026-11-23"}, 422, "must come after 2026-11-01 and after today"),
        ({"on": "2025-12-31"}, 422, "has nobody 'P1' on 2025-12-31"),
        ({"staff": "S1"}, 403, "itself proposes"),
        ({"posting": str(uuid.UUID(int=1))}, 404, "There is no posting"),
        ({"station": {"lon": 39.9, "lat": 116.3}}, 422, ""),
        ({"kind": "reward"}, 422, "A reward names its 'posting'"),
    ):
        refused = world[CGJ].refused("/v1/postings/proposals", wish("P1") | change, status=status)
        assert told in refused["detail"], change
    own = wish("S1")
    told = world["supervision"].refused("/v1/postings/proposals", own, status=422)
    assert "is an office of the street" in told["detail"]
    held = post(world, "P1")
    other = wish("P1", street=city.LEAD_NORTH, posting=held["id"])
    told = world[CGJ].refused("/v1/postings/proposals", other, status=422)
    assert "can only be replaced there" in told["detail"]


@pytest.mark.system(11)
def test_the_street_asks_for_somebody_else_and_the_body_answers_within_its_limit(world, clock):
    for code in ("P1", "P2"):
        enter(world, code)
    held = post(world, "P1")
    ask = f"/v1/postings/{held['id']}/replacement"
    for by in (CGJ, "supervision", city.OTHER):
        world[by].refused(ask, {"reason": "Never here."}, status=403)
    asked = world[city.LEAD].post(ask, {"reason": "Never here."})
    assert (asked["state"], asked["late"], asked["answer_by"]) == (
        *("asked", False),
        "2026-12-07T02:00:00+00:00",
    )
    world[city.LEAD].refused(ask, {"reason": "Again."}, status=409)
    answer = f"/v1/postings/replacements/{asked['id']}/answer"
    world[GZ].refused(answer, {"staff": "P2"}, status=403)
    world[city.LEAD].refused(answer, {"staff": "P2"}, status=403)
    world[CGJ].refused(answer, {}, status=422)
    clock.now = dt.datetime(2026, 12, 7, 2, tzinfo=dt.UTC)
    (late,) = world["supervision"].get("/v1/postings/replacements", state="asked")["replacements"]
    assert late["late"] is True
    one = f"/v1/postings/replacements/{asked['id']}"
    assert world[city.LEAD].get(one)["state"] == "asked"
    assert world[city.OTHER].send("GET", one).status_code == 403
    named = world[CGJ].post(answer, {"staff": "P2"})
    assert (named["state"], named["late"]) == ("named", True)
    # Nobody has left yet: on the new one the street is asked as on any.
    assert roster(world) == [("P1", "posted", True)]
    world[city.LEAD].post(
        f"/v1/postings/proposals/{named['proposal_id']}/opinion", {"agrees": True}
    )
    assert roster(world) == [("P2", "posted", True)]
    world[CGJ].refused(answer, {"staff": "P2"}, status=409)
    world[city.LEAD].refused(ask, {"reason": "Again."}, status=409)


def test_a_body_may_say_why_it_replaces_nobody(world):
    enter(world, "P1")
    held = post(world, "P1")
    ask = f"/v1/postings/{held['id']}/replacement"
    asked = world[city.LEAD].post(ask, {"reason": "Never here."})
    answer = f"/v1/postings/replacements/{asked['id']}/answer"
    refused = world[CGJ].post(answer, {"words": "They were ill, and are back."})
    assert (refused["state"], refused["proposal_id"]) == ("refused", None)
    assert world[city.LEAD].post(ask, {"reason": "Again."})["state"] == "asked"


# -- who comes ------------------------------------------------------------------------------------


@pytest.mark.system(11)
def test_a_whistle_offers_who_is_posted_and_on_duty_then_on_call_with_minutes(world, clock):
    for code, office, shifts in (
        ("P1", CGJ, "workday 08:00-12:00,14:00-18:00"),
        ("P2", CGJ, "daily 18:00-08:00"),
        ("C1", CGJ, ""),
        ("C2", GZ, ""),
        ("L1", GZ, ""),
    ):
        role = "contact_point" if code == "L1" else "posted_officer"
        enter(world, code, office, shifts=shifts, role=role)
    post(world, "P1")
    post(world, "P2")
    post(world, "C1", "on_call", station=city.beside_border(-350))
    post(world, "C2", "on_call", by=GZ)
    post(world, "L1", "liaison", by=GZ)
    case = world.open(city.LEAD, "whistle_3", **{"class": city.BUILDING})
    address = f"/v1/cases/{case.id}/whistle-proposals"

    def offered() -> dict[str, Any]:
        found = world[city.LEAD].get(address, found="a river")["proposals"]
        return {one["body_code"]: one for one in found}

    found = offered()
    metres = GEOD.inv(*STATION.values(), *HERE.values())[2]
    near = GEOD.inv(*city.beside_border(-350).values(), *HERE.values())[2]
    assert [(one["staff_code"], one["kind"]) for one in found[CGJ]["can_come"]] == [
        *[("P1", "posted"), ("C1", "on_call")],
    ]
    minutes = [one["minutes"] for one in found[CGJ]["can_come"]]
    assert minutes == pytest.approx([metres / 20_000 * 60, 15 + near / 20_000 * 60], abs=0.06)
    assert "name" not in found[CGJ]["can_come"][0]
    kinds = [one["can_come"] and one["can_come"][0]["kind"] for one in found.values()]
    assert kinds == sorted(kinds, key=lambda kind: ("posted", "on_call", None, []).index(kind))
    # The water bureau has nobody on the roster: that is said, and it stands last.
    water = found[f"{city.WEST}-SW"]
    assert (water["can_come"], water["nobody_can_come"], list(found)[-1]) == (
        *([], True),
        f"{city.WEST}-SW",
    )
    clock.forward(hours=10)
    assert [one["staff_code"] for one in offered()[CGJ]["can_come"]] == ["P2", "C1"]


@pytest.mark.system(11)
def test_a_whistle_to_whom_nobody_can_come_says_so_and_is_blown_with_a_word_that_is_kept(
    world, client
):
    enter(world, "P1", shifts="workday 08:00-12:00,14:00-18:00")
    post(world, "P1")
    case = world.open(city.LEAD, "whistle_3")
    case.take(city.LEAD, "classify", kind="everyday", ground="enforcement")
    # It is said before anybody signs.
    given = {"approval": "confirmed_by", "demand": "Come.", "bodies": [CGJ, GZ]}
    first = world["leader"].refused(f"/v1/cases/{case.id}/approvals", given, status=409)
    assert f"Nobody can come from 西城区规划分局 ({GZ})" in first["detail"] or GZ in first["detail"]
    assert (first["field"], first["nobody_from"]) == ("demand.unattended", GZ)
    demand = {"task": "Come.", "unattended": {GZ: "Their chief was told by telephone."}}
    case.publish(demand, [CGJ, GZ])
    blown = newest(case)
    seen = blown.seen()
    assert seen["demand"]["unattended"] == demand["unattended"]
    assert seen["facts"]["can_come"][CGJ] | {"minutes": 0} == {
        **{"posted": 1, "on_call": 0, "minutes": 0}
    }
    assert GZ not in seen["facts"]["can_come"]
    assert "Officer" not in json.dumps(seen)
    letter = client.get(f"/v1/whistles/{blown.id}/letter").text
    assert "Their chief was told by telephone." in letter


def test_in_an_emergency_and_for_a_meeting_the_moment_of_coming_counts(world, clock):
    enter(world, "P1", shifts="daily 08:00-12:00")
    post(world, "P1")
    clock.forward(hours=10)  # 20:00
    case = world.open(city.LEAD, "whistle_3")
    case.take(city.LEAD, "classify", kind="emergency", ground="emergency")
    told = case.refused(city.LEAD, "publish", demand="Come.", bodies=[CGJ])
    assert "2026-11-23T12:00:00" in told["detail"]
    tomorrow = {"task": "Come.", "time": "2026-11-24T09:00:00+08:00"}
    case.take(city.LEAD, "publish", demand=tomorrow, bodies=[CGJ])
    assert newest(case).seen()["facts"]["can_come"][CGJ]["posted"] == 1


def test_where_a_street_keeps_no_roster_or_a_body_posts_nobody_nothing_is_refused(world):
    case = world.open(city.LEAD, "whistle_3")
    found = world[city.LEAD].get(f"/v1/cases/{case.id}/whistle-proposals")["proposals"]
    assert {(one["nobody_can_come"], one["can_come"]) for one in found} == {(False, None)}
    case.take(city.LEAD, "classify", kind="emergency", ground="emergency")
    case.take(city.LEAD, "publish", demand="Come.", bodies=[CGJ, GZ])
    assert "can_come" not in newest(case).seen()["facts"]


def test_a_body_that_is_not_called_cannot_be_called_unattended(world):
    case = world.open(city.LEAD, "whistle_3")
    case.take(city.LEAD, "classify", kind="emergency", ground="emergency")
    demand = {"task": "Come.", "unattended": {GZ: "x"}}
    told = case.refused(city.LEAD, "publish", 422, demand=demand, bodies=[CGJ])
    assert "not called" in told["detail"]


@pytest.mark.system(11)
def test_who_comes_is_as_looking_at_every_line_tells_over_random_moments(world):
    chance = random.Random(11)
    shifts = ["", "workday 08:00-12:00", "sat,sun 00:00-24:00", "daily 22:00-06:00"]
    hours = {
        "": lambda local, working: True,
        "workday 08:00-12:00": lambda local, working: working and 8 <= local.hour < 12,
        "sat,sun 00:00-24:00": lambda local, working: local.weekday() > 4,
        "daily 22:00-06:00": lambda local, working: local.hour >= 22 or local.hour < 6,
    }
    lines = []
    for n in range(12):
        kind = chance.choice(["posted", "on_call"])
        first = MONDAY.date() + dt.timedelta(days=chance.randrange(0, 20))
        end = first + dt.timedelta(days=chance.randrange(1, 20))
        line = (f"R{n:02}", kind, first, end, chance.choice(shifts))
        enter(world, line[0], shifts=line[4])
        post(world, line[0], kind, on=f"{first}", valid_to=f"{end}")
        lines.append(line)
    for _ in range(60):
        moment = MONDAY + dt.timedelta(minutes=chance.randrange(0, 40 * 24 * 60))
        local = moment + dt.timedelta(hours=8)
        working = local.weekday() < 5
        wanted = [
            (code, kind, True)
            for kind, (code, one, first, end, text_) in itertools.product(
                ("posted", "on_call"), sorted(lines)
            )
            if one == kind and first <= local.date() < end and hours[text_](local, working)
        ]
        found = roster(world, at=moment.isoformat().replace("+00:00", "Z"))
        assert [one for one in found if one[2]] == wanted, moment


def test_a_roster_is_for_those_who_work_there(world):
    enter(world, "P1")
    post(world, "P1")
    ask = {"street": city.LEAD}
    for by in ("supervision", "city", "worker", CGJ, city.LEAD):
        assert world[by].send("GET", "/v1/postings/roster", params=ask).status_code == 200
    for by in ("citizen", city.OTHER):
        assert world[by].send("GET", "/v1/postings/roster", params=ask).status_code == 403
    for wrong in ({"lon": 116.3}, {"at": "2026-11-23T10:00:00"}, {"lon": 39.9, "lat": 116.3}):
        answer = world[city.LEAD].send("GET", "/v1/postings/roster", params=ask | wrong)
        assert answer.status_code == 422
    page = world[city.LEAD].send("GET", "/v1/postings/roster.html", params=ask)
    assert "Officer P1" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


# -- judged by the month ---------------------------------------------------------------------------


@pytest.mark.system(11)
def test_the_streets_monthly_judgements_enter_the_bodys_yearly_score_and_are_recomputed(
    world, clock, city_session
):
    for code, office in (("P1", CGJ), ("P2", CGJ), ("P3", GZ)):
        enter(world, code, office)
        post(world, code, by=office)
    clock.now = dt.datetime(2027, 1, 4, 2, tzinfo=dt.UTC)
    street = world[city.LEAD]
    lacking = street.get("/v1/postings/judgements", month="2026-12")["not_judged"]
    ids = {one["staff_code"]: one["id"] for one in lacking}
    scores = {("P1", "2026-11"): 90, ("P1", "2026-12"): 71, ("P2", "2026-12"): 100}
    for (code, month), score in scores.items():
        given = {"month": month, "score": score, "note": "So."}
        street.post(f"/v1/postings/{ids[code]}/judgements", given)
        for by in ("supervision", CGJ, city.OTHER):
            world[by].refused(f"/v1/postings/{ids[code]}/judgements", given, status=403)
        street.refused(f"/v1/postings/{ids[code]}/judgements", given, status=409)
    for month, told in (("2027-01", "is not over"), ("2026-10", "was not posted")):
        given = {"month": month, "score": 1}
        refused = street.refused(f"/v1/postings/{ids['P1']}/judgements", given, status=422)
        assert told in refused["detail"]
    listed = street.get("/v1/postings/judgements", month="2026-12")
    assert [one["score"] for one in listed["judgements"]] == [71, 100]
    assert [one["staff_code"] for one in listed["not_judged"]] == ["P3"]

    def year(source: str) -> Any:
        asked = {"period": "2026", "area": city.WEST, "source": source}
        found = world["supervision"].get("/v1/assessments/yearly", **asked)
        return found["weights"]["judged"], {one["body"]: one for one in found["bodies"]}

    for source in ("tables", "trace"):
        weight, bodies = year(source)
        assert (weight, set(bodies)) == (0.1, {CGJ})
        # By hand: 261 points of 300, and nothing else to weigh.
        assert bodies[CGJ]["parts"]["judged"] == bodies[CGJ]["score"] == 87.0
        assert bodies[CGJ]["counts"]["judgements"] == 3
    period = parse_period("2026", cities.calendar())
    city_session.execute(text("update posting_judgement set score = 100 where score = 71"))
    _, found = recompute(city_session, cities.city(), period, area=city.WEST, now=clock.now)
    assert [(one.body, one.count, one.tables, one.trace) for one in found] == [
        (CGJ, "judged_points", 290, 261)
    ]


# -- from the command line -----------------------------------------------------------------------


@pytest.fixture
def load(commands, tmp_path):
    def call(what: str, header: str, *rows: str) -> tuple[int, Any]:
        path = tmp_path / "list.csv"
        path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
        result = CliRunner().invoke(app, ["import", what, str(path), "--json"])
        return result.exit_code, json.loads(result.stdout) if result.stdout else result.exception

    return call


@pytest.mark.system(11)
def test_a_list_of_postings_asks_each_street_and_posts_nobody(world, load, tmp_path):
    for code in ("P1", "P2"):
        enter(world, code)
    header = "street,staff,kind,valid_from,lon,lat"
    place = ",".join(str(it) for it in STATION.values())
    rows = [f"{city.LEAD},{code},posted,{DAY},{place}" for code in ("P1", "P2")]
    bad = f"{city.LEAD},P1,chief,{DAY},{place}"
    code, told = load("postings", header, rows[0], bad)
    assert (code, told["loaded"], told["refused"][0]["line"]) == (1, 0, 3)
    assert world[CGJ].get("/v1/postings/proposals")["proposals"] == []
    code, told = load("postings", header, *rows)
    assert (code, told["loaded"]) == (0, 2)
    assert roster(world) == []
    for one in world[city.LEAD].get("/v1/postings/proposals")["proposals"]:
        agree(world, one)
    page = tmp_path / "roster.html"
    asked = ["roster", city.LEAD, "--at", "2026-12-01T10:00:00+08:00", "--page", str(page)]
    shown = CliRunner().invoke(app, [*asked, "--json"])
    assert [one["staff_code"] for one in json.loads(shown.stdout)["people"]] == ["P1", "P2"]
    assert "Officer P2" in page.read_text(encoding="utf-8")
    at_place = ["--lon", str(HERE["lon"]), "--lat", str(HERE["lat"])]
    assert "km/h" in CliRunner().invoke(app, [*asked, *at_place]).stdout
