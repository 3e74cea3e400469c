"""Whom a whistle may call, and the second and third whistle that follow from what is found."""

from __future__ import annotations

import pytest

from gridsvc.callers import Role
from tests.service import joint_city as city
from tests.service.joint_case import JointCase
from tests.service.procedures_world import BUILDER, CGJ, GZ, Case, Clock, World
from tests.service.whistles_world import (
    GREENERY,
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


def proposed(world: World, case: Case, **query: str) -> dict[str, list[str]]:
    """Why each body is proposed, by its code, in the order of the answer."""
    answer = world["supervision"].get(f"/v1/cases/{case.id}/whistle-proposals", **query)
    return {
        one["body_code"]: [reason["ground"] for reason in one["reasons"]]
        for one in answer["proposals"]
    }


@pytest.mark.system(6)
@pytest.mark.parametrize(
    ("found", "body"),
    [
        ("There is a river behind the shed.", WATER_BUREAU),
        ("屋后就是河。", WATER_BUREAU),
        ("Two trees of the FOREST were cut.", GREENERY),
        ("屋后是一片林地", GREENERY),
    ],
)
def test_what_is_found_proposes_the_bureau_that_answers_for_it(world, found, body):
    case = published(world).case
    assert body not in proposed(world, case)
    assert proposed(world, case, found=found)[body] == ["fact"]


@pytest.mark.parametrize("found", ["The driver left.", "河北来的水果", "A gasket.", "streets"])
def test_words_that_only_look_alike_propose_nobody(world, found):
    case = published(world).case
    assert proposed(world, case, found=found) == proposed(world, case)


def test_a_fact_proposes_the_districts_own_bureau_not_the_citys(world):
    case = published(world).case
    assert "BJ-SW" not in proposed(world, case, found="a river")


def test_owners_agreements_and_duties_are_proposed_in_this_order_with_their_reasons(
    world, city_session
):
    city.agree(city_session, GZ, city.RUBBISH)
    city_session.commit()
    case = world.open(
        city.LEAD,
        "whistle_3",
        part={"district": city.WEST, "code": city.OWNED},
        location=city.beside_border(-100),
        description="It flows into the river.",
    )
    found = proposed(world, case)
    assert list(found) == [city.WATER, CGJ, GZ, WATER_BUREAU]
    assert found[CGJ] == ["asset_owner", "duty"]
    assert city.LEAD not in found


def test_the_class_of_the_case_is_a_fact_too(world, city_session):
    city_session.add(city.body(f"{city.WEST}-XF", "西城区消防救援支队", "department", city.WEST))
    city_session.commit()
    case = world.open(city.LEAD, "whistle_3", **{"class": "09012"})
    assert proposed(world, case)[f"{city.WEST}-XF"] == ["fact"]


def test_a_part_beside_the_place_is_a_fact_and_one_farther_away_is_none(world, city_session):
    bank = city.part(city.WEST, "02010077", None, class_code="01070")
    city_session.add(bank)
    city_session.commit()
    beside = world.open(city.LEAD, "whistle_3", location=city.beside_border(-130))
    assert proposed(world, beside)[WATER_BUREAU] == ["fact"]
    assert WATER_BUREAU not in proposed(world, world.open(city.LEAD, "whistle_3"))


def test_the_proposals_stand_in_the_case_until_the_demand_is_published(world):
    case = world.open(city.LEAD, "whistle_3")
    assert [one["body_code"] for one in case.seen()["whistle_proposals"]] == [CGJ]
    case.take(city.LEAD, "classify", kind="everyday", ground="enforcement")
    case.publish("Come.", [CGJ, BUILDER])
    assert case.seen()["whistle_proposals"] is None
    for_what = newest(case).seen()["facts"]["called_for"]
    assert for_what[CGJ][0]["ground"] == "duty"
    assert for_what[BUILDER] == [{"ground": "named", "why": "named by the caller"}]


def test_proposals_are_for_those_who_may_see_the_case(world):
    case = published(world).case
    for who, status in (("citizen", 403), (city.OTHER, 403)):
        answer = world[who].send("GET", f"/v1/cases/{case.id}/whistle-proposals")
        assert answer.status_code == status


# Follow-ups.


def further(bodies: list[str], **more: object) -> dict[str, object]:
    return {"bodies": bodies, "demand": "Clear the bank.", **more}


@pytest.mark.system(6)
def test_a_second_and_a_third_whistle_follow_the_first_and_the_case_waits_for_them(world, clock):
    first = published(world, (CGJ,)).come(CGJ).finish(CGJ)
    case = first.case
    address = f"/v1/cases/{case.id}/whistles"
    clock.forward(hours=1)
    case.approve("Clear the bank.", [WATER_BUREAU])
    made = world[city.LEAD].post(address, further([WATER_BUREAU], found="A river behind it."))
    second = Blown(case, made["id"])
    assert (made["follows"], made["level"], made["kind"]) == (first.id, 3, "everyday")
    assert made["facts"]["found"] == "A river behind it."
    assert made["facts"]["called_for"][WATER_BUREAU][0]["ground"] == "fact"
    case.approve("Clear the bank.", [GREENERY])
    made = world[city.LEAD].post(address, further([GREENERY], found="Trees were felled."))
    third = Blown(case, made["id"])
    assert made["follows"] == second.id
    case.refused(city.LEAD, "verify", note="Fine.")
    second.come(WATER_BUREAU).finish(WATER_BUREAU)
    third.come(GREENERY)
    case.take(GREENERY, "handle", note="Planted.")
    case.refused(city.LEAD, "verify", note="Fine.")
    third.finish(GREENERY)
    case.take(city.LEAD, "verify", note="Fine.")
    first.act(CGJ, "score", by=city.LEAD, score=90)
    second.act(WATER_BUREAU, "score", by=city.LEAD, score=80)
    case.refused(city.LEAD, "assess")
    third.act(GREENERY, "score", by=city.LEAD, score=70)
    assert case.take(city.LEAD, "assess")["state"] == "closed"
    assert {one.seen()["state"] for one in (first, second, third)} == {"closed"}
    world[city.LEAD].refused(address, further([GZ]), status=409)
    assert case.intact()


def test_a_further_whistle_is_refused_to_strangers_and_for_bodies_that_were_called(world):
    first = published(world, (CGJ,))
    address = f"/v1/cases/{first.case.id}/whistles"
    world[CGJ].refused(address, further([GZ]), status=409)
    world[city.OTHER].refused(address, further([GZ]), status=403)
    world["citizen"].refused(address, further([GZ]), status=403)
    lead = world[city.LEAD]
    lead.refused(address, further([CGJ]), status=422)
    lead.refused(address, further([city.LEAD], kind="emergency"), status=422)
    lead.refused(address, further(["nobody"]), status=404)
    lead.refused(address, further([]), status=422)
    lead.refused(address, further([GZ], follows=first.case.id), status=404)
    lead.refused(address, further([GZ], at="2026-11-23T01:00:00Z"), status=422)
    lead.refused(address, {"bodies": [GZ], "demand": "Come."}, status=409)
    assert [one["id"] for one in first.case.seen()["whistles"]] == [first.id]


def test_a_further_whistle_before_the_first_or_below_level_3_is_refused(world):
    case = world.open(city.LEAD, "whistle_3")
    world[city.LEAD].refused(f"/v1/cases/{case.id}/whistles", further([GZ]), status=409)
    small = world.open("worker", "whistle_2")
    problem = world[city.LEAD].refused(f"/v1/cases/{small.id}/whistles", further([GZ]), status=409)
    assert "'raise'" in problem["detail"]


def test_the_street_of_an_ordinary_case_whistles_departments_and_closes_after_them(world):
    filed = world["citizen"].report(-300)
    case = Case(world, filed["case_id"])
    assert case.seen()["lead_body"] == city.LEAD
    case.approve("Clear the bank.", [CGJ])
    made = world[city.LEAD].post(
        f"/v1/cases/{case.id}/whistles", further([CGJ], ground="enforcement")
    )
    whistle = Blown(case, made["id"])
    assert (made["follows"], made["caller"]) == (None, city.LEAD)
    case.take(city.LEAD, "handle", note="Pulled down.")
    case.take(city.LEAD, "feed_back", note="Told.")
    case.take("supervision", "verify", note="Gone.")
    assert case.refused("supervision", "assess", score=90)["requirement"] == "all_reported_in"
    whistle.come(CGJ).finish(CGJ).act(CGJ, "score", by=city.LEAD, score=100)
    assert case.take("supervision", "assess", score=90)["state"] == "closed"
    assert whistle.seen()["state"] == "closed"


def test_a_side_of_a_joint_whistle_calls_more_and_both_sides_wait_for_them(client, city_engine):
    register_departments(city_engine)
    case = JointCase(client).score()
    address = f"/v1/cases/{case.id}/whistles"
    water = case.person(Role.DEPARTMENT, city.WEST, WATER_BUREAU)
    case.lead.refused(address, further([WATER_BUREAU]), status=422)
    leader = case.person(Role.STREET, city.LEAD, subject="the main leader")
    agreed = {"approval": "confirmed_by", "bodies": [WATER_BUREAU], "demand": "Clear the bank."}
    leader.post(f"/v1/cases/{case.id}/approvals", agreed)
    made = case.lead.post(address, further([WATER_BUREAU], ground="enforcement"))
    assert made["follows"] == case.whistle.rpartition("/")[2]
    for side in (case.lead, case.other):
        side.refused(case.steps, {"step": "close", "note": "Done."}, status=409)
    bodies = f"/v1/whistles/{made['id']}/bodies/{WATER_BUREAU}"
    water.post(f"{bodies}/accept")
    water.post(f"{bodies}/report-in", city.beside_border(0))
    water.post(f"{bodies}/done", {"note": "Done."})
    case.other.refused(f"{bodies}/score", {"score": 10}, status=409)
    case.lead.post(f"{bodies}/score", {"score": 90})
    for side in (case.lead, case.other):
        closed = side.post(case.steps, {"step": "close", "note": "Done."})
    assert closed["state"] == "closed"
