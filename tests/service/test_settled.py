"""Settled on the spot (未诉先办): the first taker has it; the share, and the true one."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from fractions import Fraction
from typing import Any

import pytest
from geoalchemy2.shape import to_shape
from pyproj import Geod
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gridsvc.cases.core.models import Case as CaseRow
from gridsvc.cases.intake.models import Report
from tests.service import joint_city as city
from tests.service.joint_case import at_once
from tests.service.procedures_world import COMMUNITY, Case, Clock, World, register

pytestmark = pytest.mark.system(23)

TALK = {"minutes": "We spoke.", "parties": "Li and Wang"}
KINDRED = "06011"


@pytest.fixture
def world(client, city_engine, monkeypatch):
    register(city_engine)
    return World(client, Clock.held(monkeypatch))


def told(world: World, channel: str = "hall", metres_north: float = -555.0, **more: Any) -> Case:
    place = {**city.beside_border(-300, metres_north), "accuracy_m": 5}
    given = {"channel": channel, "class": city.RUBBISH, "location": place, "description": "x"}
    return Case(world, world["worker"].post("/v1/reports", given | more)["case_id"])


def settled(case: Case) -> Case:
    case.take(COMMUNITY, "take", taker="Old Zhao")
    case.take(COMMUNITY, "talk", **TALK, outcome="settled", agreement="Swept on Sundays.")
    return case


def counts(world: World, period: str = "2026-11") -> Any:
    return world["city"].get("/v1/assessments/settled", period=period, area=city.WEST)


@pytest.mark.parametrize("channel", ["hall", "desk", "neighbour", "station"])
def test_what_is_told_on_the_spot_is_settled_by_talk(world, channel):
    case = told(world, channel)
    assert case.seen()["procedure"]["name"] == "mobile_desk"
    case.refused(COMMUNITY, "talk", **TALK, outcome="settled", agreement="x")
    case.take(COMMUNITY, "take", taker="Old Zhao")
    case.refused(COMMUNITY, "talk", **TALK, outcome="settled")
    case.refused(COMMUNITY, "talk", minutes="x", outcome="settled", agreement="x")
    case.take(COMMUNITY, "talk", **TALK, outcome="settled", agreement="Swept on Sundays.")
    assert case.seen()["state"] == "closed"
    assert case.trace()[-1]["content"]["agreement"] == "Swept on Sundays."
    assert case.intact()


def test_of_fifty_who_take_it_at_once_the_first_has_it(world):
    case = told(world)
    given = {"step": "take", "evidence": {"taker": "somebody"}}
    takers = (COMMUNITY, "secretary")
    sent = [
        lambda who=takers[n % 2]: world[who].send("POST", case.steps, json=given) for n in range(50)
    ]
    answers = at_once(*sent)
    assert sorted(one.status_code for one in answers) == [200, *[409] * 49]
    refused = next(one.json() for one in answers if one.status_code == 409)
    assert refused["taken"]["by"] == COMMUNITY
    for who, status in (("citizen", 403), (city.OTHER, 403), (city.LEAD, 409)):
        case.refused(who, "take", status, taker="x")


def test_what_is_not_settled_is_raised_to_a_case_with_its_history(world):
    case = told(world)
    case.take(COMMUNITY, "take", taker="Old Zhao")
    case.take(COMMUNITY, "raise", note="They do not agree.")
    seen = case.seen()
    assert (seen["procedure"]["name"], seen["state"]) == ("checked", "open")
    actions = [one["action"] for one in case.trace()]
    assert actions[0] in ("open", "dispatch")
    assert {"take", "raise"} <= set(actions)
    assert case.intact()
    assert counts(world)["whole"]["raised"] == 1


def test_the_share_falls_by_what_comes_to_the_hotline_anyway(world):
    settled(told(world, metres_north=-555))
    settled(told(world, metres_north=-300))
    hotline = {"channel": "12345", "class": city.RUBBISH}
    told(world, metres_north=-100, **hotline)
    before = counts(world)["whole"]
    assert (before["share"], before["true_share"], before["hotline"]) == ("2/3", "2/3", 1)
    world.clock.forward(days=3)
    told(world, metres_north=-540, **hotline | {"class": KINDRED})
    after = counts(world)["whole"]
    assert (after["share"], after["true_share"], after["came_anyway"]) == ("2/3", "1/3", 1)
    # Another class, another place, another channel: other matters, or none.
    told(world, metres_north=-300, **hotline | {"class": city.NOISE})
    assert counts(world)["whole"]["share"] == "1/2"
    told(world, metres_north=-300, channel="app")
    assert counts(world)["whole"]["share"] == "1/2"
    page = world["city"].send(
        "GET", "/v1/assessments/review", params={"period": "2026-11", "area": city.WEST}
    )
    assert "未诉先办" in page.text
    assert COMMUNITY in page.text


def test_without_matters_there_is_no_share(world):
    found = counts(world, "2026-01")
    assert (found["lines"], found["whole"]["share"]) == ([], None)
    world["citizen"].send("GET", "/v1/assessments/settled?period=2026-11")


def test_counts_by_month_and_community_are_those_of_a_look_at_every_pair(world, city_engine):
    chance = random.Random(23)
    first, call = settled(told(world)), told(world, channel="12345")
    with city_engine.begin() as connection:
        for n in range(60):
            opened = dt.datetime(2026, 9, 1, tzinfo=dt.UTC) + dt.timedelta(hours=37 * n)
            of = {
                "case": (call if n % 3 == 0 else first).id,
                "opened": opened,
                "closed": None if n % 3 == 0 else opened + dt.timedelta(days=2),
                "east": chance.uniform(-0.002, 0.002),
                "class": chance.choice([city.RUBBISH, KINDRED, city.NOISE]),
                "community": chance.choice([COMMUNITY, f"{city.LEAD_NORTH}001"]),
            }
            connection.execute(COPY, of)
    with Session(city_engine) as session:
        pairs = session.execute(
            select(CaseRow, Report).where(CaseRow.id == Report.case_id, ~Report.joined)
        ).all()
    by_hand: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    geod, kindred = Geod(ellps="WGS84"), [{city.RUBBISH, KINDRED}]
    spots = [(c, r) for c, r in pairs if r.channel == "hall"]
    calls = [(c, r) for c, r in pairs if r.channel == "12345"]

    def same(spot: CaseRow, report: Report) -> bool:
        here, there = to_shape(spot.point), to_shape(report.point)
        near = geod.inv(here.x, here.y, there.x, there.y)[2] <= 50
        matter = spot.class_code == report.class_code or any(
            {spot.class_code, report.class_code} <= group for group in kindred
        )
        late = spot.closed_at + dt.timedelta(days=90)
        return near and matter and spot.opened_at < report.created_at <= late

    for case, _ in spots:
        key = (f"{case.opened_at + dt.timedelta(hours=8):%Y-%m}", case.community_code)
        by_hand[key][0] += 1
        by_hand[key][1] += 1
        by_hand[key][3] += any(same(case, report) for _, report in calls)
    for case, report in calls:
        key = (f"{case.opened_at + dt.timedelta(hours=8):%Y-%m}", case.community_code)
        by_hand[key][2] += not any(same(spot, report) for spot, _ in spots)
    found = counts(world, "2026")["lines"]
    names = ("told", "settled", "hotline", "came_anyway")
    assert {
        (one["month"], one["community"]): [one[name] for name in names] for one in found
    } == by_hand
    assert sum(one["came_anyway"] for one in found) > 3
    for one in found:
        if one["matters"]:
            share = Fraction(one["settled"] - one["came_anyway"], one["matters"])
            assert Fraction(one["true_share"]) == share


#: A case with the report that began it, elsewhere, at another time, of another class.
COPY = text(
    """
    with new as (select gen_random_uuid() as id, gen_random_uuid() as report_id),
    copied as (
      insert into case_file
      select (jsonb_populate_record(c, jsonb_build_object('id', new.id,
        'opened_at', cast(:opened as timestamptz), 'closed_at', cast(:closed as timestamptz),
        'class_code', cast(:class as text), 'community_code', cast(:community as text),
        'point', st_translate(c.point, :east, 0)))).*
      from case_file c, new where c.id = :case
    )
    insert into report
    select (jsonb_populate_record(r, jsonb_build_object('id', new.report_id, 'case_id', new.id,
      'created_at', cast(:opened as timestamptz), 'class_code', cast(:class as text),
      'point', st_translate(r.point, :east, 0)))).*
    from report r, new where r.case_id = :case
    """
)
