"""One level down (村居吹哨、科室报到): a village whistles the offices of its town, no others."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from tests.service import joint_city as city
from tests.service.procedures_world import (
    CGJ,
    COMMUNITY,
    LAW_OFFICE,
    SAFETY_OFFICE,
    Case,
    Clock,
    World,
    register,
)
from tests.service.whistles_world import Blown, newest

pytestmark = pytest.mark.system(27)

OFFICES = [LAW_OFFICE, SAFETY_OFFICE]
NEXT_VILLAGE, ELSEWHERE = f"{city.LEAD}002", f"{city.LEAD_NORTH}-ZF"
LETTER = {"demand": "The market blocks the fire lane.", "bodies": OFFICES}
#: What the texts say was settled so, in a made-up split over two streets.
SETTLED = {city.LEAD: 700, city.LEAD_NORTH: 425}


@pytest.fixture
def world(client, city_engine, monkeypatch):
    register(city_engine)
    with city_engine.begin() as connection:
        for code, name, kind, area in (
            (NEXT_VILLAGE, "二社区居委会", "community", NEXT_VILLAGE),
            (ELSEWHERE, "椿树街道综合执法队", "department", city.LEAD_NORTH),
        ):
            connection.execute(
                text(
                    "insert into body (code, name, kind, area_code, source)"
                    " values (:code, :name, :kind, :area, 'test')"
                ),
                {"code": code, "name": name, "kind": kind, "area": area},
            )
    return World(client, Clock.held(monkeypatch))


def blown(world: World, **more: str) -> Blown:
    case = world.open(COMMUNITY, "village")
    case.approve(**LETTER, by="secretary")
    case.take(COMMUNITY, "publish", **LETTER, **(said() | more))
    return newest(case)


def said() -> dict[str, str]:
    return {"kind": "everyday", "ground": "public_demand"}


def settled(world: World) -> Case:
    whistle = blown(world).come(*OFFICES).finish(*OFFICES)
    for office in OFFICES:
        whistle.act(office, "score", by=COMMUNITY, score=90)
    whistle.case.take(COMMUNITY, "close")
    return whistle.case


def test_a_village_whistles_the_offices_of_its_town_scores_them_and_closes(world):
    whistle = blown(world)
    seen = whistle.seen()
    assert (seen["level"], seen["caller"], seen["state"]) == (2, COMMUNITY, "open")
    case = whistle.case
    assert case.refused(COMMUNITY, "close")["requirement"] == "all_reported_in"
    for office in OFFICES:
        told = world[office].get(f"/v1/bodies/{office}/inbox")["messages"]
        assert "called" in [one["topic"] for one in told]
    whistle.refused(LAW_OFFICE, "report-in", **city.beside_border(-300))
    whistle.come(LAW_OFFICE)
    world.clock.forward(minutes=31)
    whistle.act(SAFETY_OFFICE, "accept")
    assert whistle.act(SAFETY_OFFICE, "report-in", **city.beside_border(-300))["late"]
    whistle.finish(*OFFICES)
    assert case.refused(COMMUNITY, "close")["requirement"] == "all_scored"
    whistle.refused(LAW_OFFICE, "score", by=SAFETY_OFFICE, score=100)
    for office in OFFICES:
        whistle.act(office, "score", by=COMMUNITY, score=90)
    case.refused(LAW_OFFICE, "close", body=LAW_OFFICE)
    case.take(COMMUNITY, "close")
    assert case.seen()["state"] == "closed"
    assert [entry["action"] for entry in case.trace()][-1] == "close"
    assert case.intact()


@pytest.mark.parametrize(
    ("bodies", "why"),
    [
        ([CGJ], "is not an office of"),
        ([city.LEAD_NORTH], "is not an office of"),
        ([ELSEWHERE], "is not an office of"),
        ([NEXT_VILLAGE], "is not an office of"),
        ([LAW_OFFICE, city.WATER], "is not an office of"),
        ([COMMUNITY], "is not an office of"),
        (["nobody"], "No body"),
    ],
)
def test_no_level_is_skipped_and_no_other_town_is_called(world, bodies, why):
    case = world.open(COMMUNITY, "village")
    status = 404 if why == "No body" else 422
    given = {"demand": "Come.", "bodies": bodies, **said()}
    assert why in case.refused(COMMUNITY, "publish", status, **given)["detail"]
    assert case.seen()["whistles"] == []


def test_somebody_else_of_the_village_reads_the_letter_first(world):
    case = world.open(COMMUNITY, "village")
    case.approve(**LETTER, by=COMMUNITY)
    assert case.refused(COMMUNITY, "publish", **LETTER, **said())["missing"] == ["confirmed_by"]
    given = {"approval": "confirmed_by", **LETTER}
    for other, status in (("leader", 409), (LAW_OFFICE, 409), ("citizen", 403)):
        world[other].refused(f"/v1/cases/{case.id}/approvals", given, status=status)
    case.approve(**LETTER, by="secretary")
    case.take(COMMUNITY, "publish", **LETTER, **said())
    assert newest(case).seen()["demand"]["confirmed_by"] == "the secretary"


def test_the_emergency_of_a_village_waits_for_no_leader(world):
    case = world.open(COMMUNITY, "village")
    case.take(COMMUNITY, "publish", **LETTER, kind="emergency", ground="emergency")
    assert newest(case).seen()["kind"] == "emergency"


def test_only_the_village_blows_and_the_town_raises_what_it_cannot_solve(world):
    case = world.open("worker", "village")
    case.refused(city.LEAD, "publish", **LETTER, **said(), body=city.LEAD)
    case.approve(**LETTER, by="secretary")
    case.take(COMMUNITY, "publish", **LETTER, **said())
    newest(case).come(LAW_OFFICE)
    case.refused(COMMUNITY, "raise", note="Too large.", body=COMMUNITY)
    case.take(city.LEAD, "raise", note="Too large for the town.")
    seen = case.seen()
    assert seen["procedure"]["name"] == "whistle_3"
    assert [one["state"] for one in seen["whistles"]] == ["raised"]
    assert "whistle_blown" in [entry["action"] for entry in case.trace()]


def test_where_no_village_is_registered_supervision_calls_and_a_leader_approves(world, city_engine):
    with city_engine.begin() as connection:
        connection.execute(text("delete from body where code = :code"), {"code": COMMUNITY})
    case = world.open(city.LEAD, "village")
    missing = case.refused("command", "publish", **LETTER, **said())["missing"]
    assert missing == ["approved_by"]
    case.approve(**LETTER, by="supervision", name="approved_by")
    case.take("command", "publish", **LETTER, **said())
    assert newest(case).seen()["caller"] == "supervision"


def test_1125_settled_items_are_counted_by_street_and_level(world, city_engine):
    first = settled(world)
    open_one = blown(world)
    copies = {**SETTLED, city.LEAD: SETTLED[city.LEAD] - 1}
    with city_engine.begin() as connection:
        for street, number in copies.items():
            connection.execute(COPIES, {"case": first.id, "street": street, "copies": number})
    month = f"{world.clock.now:%Y-%m}"
    rates = world["city"].get("/v1/whistles/rates", period=month, area=city.WEST)
    by_street = {one["street"]: one for one in rates["streets"]}
    assert {code: by_street[code]["closed"] for code in SETTLED} == SETTLED
    assert (rates["closed"], rates["whistles"]) == (1_125, 1_126)
    assert rates["by"]["level"] == {"2": 1_126}
    listed = world["city"].get("/v1/lists/whistles/counts", procedure="village", state="closed")
    assert listed["count"] == 1_125
    assert open_one.seen()["state"] == "open"
    assert by_street[city.LEAD]["closed_percent"] == round(100 * 700 / 701, 1)


#: The same settled case again and again, with its whistle and called bodies.
COPIES = text(
    """
    with pair as (
      select gen_random_uuid() as case_id, gen_random_uuid() as whistle_id
      from generate_series(1, :copies)
    ), cases as (
      insert into case_file
      select (jsonb_populate_record(c, jsonb_build_object(
        'id', pair.case_id, 'street_code', cast(:street as text)))).*
      from case_file c, pair where c.id = :case
    ), blown as (
      insert into whistle
      select (jsonb_populate_record(w, jsonb_build_object(
        'id', pair.whistle_id, 'case_id', pair.case_id))).*
      from whistle w, pair where w.case_id = :case
    )
    insert into called_body
    select (jsonb_populate_record(b, jsonb_build_object('whistle_id', pair.whistle_id))).*
    from called_body b join whistle w on w.id = b.whistle_id, pair where w.case_id = :case
    """
)
