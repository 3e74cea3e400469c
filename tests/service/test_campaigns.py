"""Campaigns: whose cases they are, how they stand and why, how they are changed and end."""

from __future__ import annotations

import datetime as dt
import json
import random
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from gridsvc.callers import Role
from gridsvc.cli.app import app
from gridsvc.db import create_engine
from gridsvc.settings import get_settings
from tests.service import joint_city as city
from tests.service.assessment_world import History, at
from tests.service.conftest import refusal
from tests.service.procedures_world import CGJ, COMMUNITY, Clock, World, register

pytestmark = pytest.mark.system(28)

PATH = "/v1/campaigns"
STREETS = (city.LEAD, city.LEAD_NORTH)


@pytest.fixture
def world(client, city_engine: Engine, monkeypatch) -> World:
    register(city_engine)
    return World(client, Clock.held(monkeypatch))


@pytest.fixture
def history(city_session: Session) -> History:
    return History(city_session)


def given(**more: Any) -> dict[str, Any]:
    """A hundred days and seventeen from the first of September; the clock stands at 23 November."""
    targets = [{"street": city.LEAD, "target": 40}, {"street": city.LEAD_NORTH, "target": 10}]
    return {
        **{"name": "百日会战", "area": city.WEST, "classes": ["06"], "headquarters": CGJ},
        **{"first_day": "2026-09-01", "last_day": "2026-12-26", "targets": targets},
        **more,
    }


def begin(world: World, **more: Any) -> Any:
    return world["supervision"].post(PATH, given(**more))


def seen(world: World, campaign: Any) -> Any:
    return world["supervision"].get(f"{PATH}/{campaign['id']}")


def open_case(history: History, **more: Any) -> uuid.UUID:
    step = {"procedure": ("ordinary", 2, "handle"), "limit_at": at("2026-12-01 09:00")}
    return history.case(None, **{**step, **more})


def test_its_cases_are_those_of_its_area_classes_and_days_as_counted_by_hand(
    world: World, history: History, city_session: Session
) -> None:
    campaign = begin(world)
    rng, kept = random.Random(28), []
    for _ in range(400):
        opened = at("2026-08-25 09:00") + dt.timedelta(hours=rng.randrange(24 * 95))
        closed = opened + dt.timedelta(hours=rng.randrange(24 * 40))
        is_closed = rng.random() < 0.6 and closed < world.clock.now
        street = rng.choice([*STREETS, None])
        class_code = rng.choice([city.BUILDING, "07001"])
        outcome = rng.choice(["void", None, None]) if is_closed else None
        kept.append((street, opened, closed if is_closed else None, class_code, outcome))
        more = {"opened_at": opened, "street": street, "class_code": class_code}
        if is_closed:
            history.case(None, f"{closed:%Y-%m-%d %H:%M}", **more, outcome=outcome)
        else:
            open_case(history, **more)
    history.case(None, district=city.EAST, street=city.OTHER, opened_at=at("2026-10-01 09:00"))
    city_session.commit()

    first, now = at("2026-09-01 00:00"), world.clock.now
    own = [
        (street, closed)
        for street, opened, closed, class_code, outcome in kept
        if first <= opened < now and class_code == city.BUILDING and outcome is None
    ]
    found, settled = Counter(it[0] for it in own), Counter(it[0] for it in own if it[1])
    told = seen(world, campaign)
    lines = {one["street"]: one for one in told["streets"]}
    assert set(lines) == {*STREETS, None}
    for street, line in lines.items():
        assert (line["found"], line["settled"]) == (found[street], settled[street])
        assert sum(one["count"] for one in line["reasons"]) == line["open"]
    for number in ("target", "found", "settled", "open", "reached", "behind", "found_today"):
        assert told["whole"][number] == sum(one[number] for one in told["streets"])
    assert (told["day_number"], told["days"]) == (84, 117)
    assert told["whole"]["planned"] == "1400/39"  # 50 * 84 / 117


def test_it_says_who_holds_what_is_behind_and_why(
    world: World, history: History, city_session: Session
) -> None:
    campaign = begin(world)
    opened = {"opened_at": at("2026-11-02 09:00")}
    for _ in range(3):
        open_case(history, **opened, limit_at=at("2026-11-20 09:00"))
    open_case(history, **opened, body=CGJ, suspended="2026-12-20 00:00")
    open_case(history, **opened)
    verify = {"procedure": ("ordinary", 2, "verify"), "street": city.LEAD_NORTH}
    history.case(None, **opened, **verify, limit_at=at("2026-12-01 09:00"))
    city_session.commit()

    told = {one["street"]: one for one in seen(world, campaign)["streets"]}
    reasons = told[city.LEAD]["reasons"]
    assert [(one["why"], one["holders"], one["count"]) for one in reasons] == [
        ("overdue", [city.LEAD], 3),
        ("suspended", [CGJ], 1),
        ("waiting", [city.LEAD], 1),
    ]
    assert reasons[0]["holder_names"] == ["广安门外街道办事处"]
    assert len(reasons[0]["cases"]) == 3
    assert [one["holders"] for one in told[city.LEAD_NORTH]["reasons"]] == [["supervision"]]
    assert told[city.LEAD]["behind"] == 29  # ceil(40 * 84 / 117)

    page = world["supervision"].send("GET", f"{PATH}/{campaign['id']}/page.html")
    assert page.status_code == 200, page.text
    office, checks = "广安门外街道办事处", "监督中心 supervision"
    assert told[city.LEAD]["name"] == "广安门外街道"
    for words in ("百日会战", "超期", "挂账", "发现不足", office, checks):
        assert words in page.text
    assert "leaflet" in page.text


def test_what_it_calls_is_its_own_wherever_it_lies_and_its_lead_is_told(world: World) -> None:
    campaign = begin(world)
    path = f"{PATH}/{campaign['id']}/cases"
    filed = world["citizen"].report(300)
    everywhere = world.person(Role.CITY, subject="the command of the city")
    call = {"cases": [filed["case_id"]], "reason": "along the line"}
    world["supervision"].refused(path, call, status=403)
    assert everywhere.post(path, call)["called"] == [filed["case_id"]]
    assert everywhere.post(path, call)["called"] == []

    lines = {one["street"]: one for one in seen(world, campaign)["streets"]}
    assert (lines[city.OTHER]["target"], lines[city.OTHER]["found"]) == (0, 1)
    trace = everywhere.get(f"/v1/cases/{filed['case_id']}/trace")["entries"]
    assert trace[-1]["action"] == "campaign_called"
    assert trace[-1]["content"]["reason"] == "along the line"
    told = world[city.OTHER].get(f"/v1/bodies/{city.OTHER}/inbox")["messages"]
    assert told[-1]["topic"] == "campaign_called"
    assert [one["change"] for one in seen(world, campaign)["changes"]] == ["cases_called"]


def test_the_cases_of_a_team_along_a_line_are_called_as_they_are(world: World) -> None:
    campaign = begin(world)
    everywhere = world.person(Role.CITY, subject="the command of the city")
    west, east = (list(city.beside_border(metres).values()) for metres in (-300, 300))
    line = {"type": "LineString", "coordinates": [west, east]}
    task = {"class": city.BUILDING, "task": "Clear the sheds.", "lead": city.LEAD}
    team = everywhere.post("/v1/lines/teams", {"line": line, **task})
    cases = [one["case_id"] for one in team["whistles"]]
    call = {"cases": cases, "reason": "the S1 line"}
    called = everywhere.post(f"{PATH}/{campaign['id']}/cases", call)["called"]
    assert sorted(called) == sorted(cases)
    told = seen(world, campaign)
    assert told["whole"]["found"] == len(cases)
    holders = {it for one in told["streets"] for why in one["reasons"] for it in why["holders"]}
    assert holders, "the whistle says who has not reported in"


def test_what_is_settled_already_is_called_by_nobody(
    world: World, history: History, city_session: Session
) -> None:
    campaign = begin(world)
    done = str(history.case(None, "2026-10-02 09:00"))
    city_session.commit()
    call = {"cases": [done], "reason": "to look better"}
    world["supervision"].refused(f"{PATH}/{campaign['id']}/cases", call, status=409)
    absent = {"cases": [str(uuid.uuid4())], "reason": "x"}
    world["supervision"].refused(f"{PATH}/{campaign['id']}/cases", absent, status=404)


def test_a_changed_target_and_other_days_keep_their_reason_and_history(world: World) -> None:
    campaign = begin(world)
    path = f"{PATH}/{campaign['id']}"
    lead = world["supervision"]
    lead.post(f"{path}/targets", {"street": city.LEAD, "target": 44, "reason": "more were found"})
    lead.post(f"{path}/last-day", {"last_day": "2027-01-10", "reason": "snow"})
    told = lead.post(f"{path}/last-day", {"last_day": "2026-11-23", "reason": "all is done"})
    assert [(it["change"], it["before"], it["after"], it["reason"]) for it in told["changes"]] == [
        ("target_changed", 40, 44, "more were found"),
        ("prolonged", "2026-12-26", "2027-01-10", "snow"),
        ("ended_early", "2027-01-10", "2026-11-23", "all is done"),
    ]
    assert (told["whole"]["target"], told["days"], told["ended"]) == (54, 84, False)

    refused = lead.refused
    for body, status in (
        ({"last_day": "2026-11-22", "reason": "x"}, 422),
        ({"last_day": "2026-11-23", "reason": "x"}, 422),
        ({"last_day": "2028-01-01", "reason": "x"}, 422),
        ({"last_day": "2027-01-01"}, 422),
    ):
        refused(f"{path}/last-day", body, status=status)
    same = {"street": city.LEAD, "target": 44, "reason": "x"}
    refused(f"{path}/targets", same, status=422)
    refused(f"{path}/targets", same | {"street": city.OTHER}, status=404)
    world.clock.forward(days=1)
    refused(f"{path}/targets", same | {"target": 1}, status=409)
    refused(f"{path}/last-day", {"last_day": "2027-01-01", "reason": "x"}, status=409)


def test_the_history_cannot_be_changed_by_the_service(world: World, service_database: str) -> None:
    campaign = begin(world)
    change = {"street": city.LEAD, "target": 44, "reason": "more"}
    world["supervision"].post(f"{PATH}/{campaign['id']}/targets", change)
    engine = create_engine(service_database)
    with pytest.raises(ProgrammingError, match="permission denied"), engine.begin() as connection:
        connection.execute(text("update campaign_change set reason = 'another'"))
    engine.dispose()


def test_two_changes_at_once_both_stand_in_the_history(world: World) -> None:
    campaign = begin(world)

    def change(target: int) -> Any:
        given = {"street": city.LEAD, "target": target, "reason": f"to {target}"}
        return world["supervision"].post(f"{PATH}/{campaign['id']}/targets", given)

    with ThreadPoolExecutor(8) as at_once:
        list(at_once.map(change, range(100, 116)))
    changes = seen(world, campaign)["changes"]
    assert [one["n"] for one in changes] == list(range(1, 17))
    for before, after in pairwise(changes):
        assert after["before"] == before["after"]


def test_it_ends_with_a_report_whose_figures_stay(
    world: World, history: History, city_session: Session
) -> None:
    campaign = begin(world)
    path = f"{PATH}/{campaign['id']}"
    problem = refusal(world["supervision"].send("GET", f"{path}/report"), 409)
    assert "2026-12-26" in problem["detail"]
    for n in range(36):
        history.case(None, "2026-12-26 23:59", opened_at=at("2026-10-01 09:00"), body=city.LEAD)
        if n < 9:
            street = {"street": city.LEAD_NORTH, "opened_at": at("2026-11-01 09:00")}
            history.case(None, "2026-12-02 10:00", **street)
    late = {"opened_at": at("2026-12-20 09:00"), "street": city.LEAD_NORTH}
    history.case(None, "2026-12-27 00:00", **late)
    history.case(None, "2027-01-02 09:00", opened_at=at("2026-12-27 00:00"))
    city_session.commit()

    world.clock.now = at("2026-12-27 00:00")
    report = world["supervision"].get(f"{path}/report")
    world.clock.forward(days=30)
    later = world["supervision"].get(f"{path}/report")
    assert report == later
    assert (report["reached"], report["target"], report["share"]) == (45, 50, "9/10")
    assert (report["attained"], report["ended_early"], report["prolonged"]) == (True, False, 0)
    assert (report["campaign"]["day_number"], report["campaign"]["days"]) == (117, 117)
    assert report["campaign"]["whole"]["open"] == 1, "it was closed a moment too late"
    page = world["supervision"].send("GET", f"{path}/page.html").text
    assert "战报" in page
    assert "已达标" in page
    assert "90.0%" in page


def member(world: World, code: str = "S1", **more: Any) -> str:
    new = {"code": code, "name": "Zhang San", "office": city.LEAD, "role": "inspector"}
    kept: str = world["supervision"].post("/v1/staff", {**new, "valid_from": "2026-01-01", **more})[
        "id"
    ]
    return kept


def test_temporary_posts_are_held_by_people_of_the_register_one_at_a_time(world: World) -> None:
    campaign, other = begin(world), begin(world, name="another")
    path = f"{PATH}/{campaign['id']}/posts"
    lead = world["supervision"]
    who = member(world)
    days = {"first_day": "2026-11-23", "last_day": "2026-11-30"}
    posting = {"staff": who, "post": "联络员", "street": city.LEAD, **days}
    told = lead.post(path, posting)
    assert [(it["staff"], it["street_code"]) for it in told["posts"]] == [("S1", city.LEAD)]
    elsewhere = f"{PATH}/{other['id']}/posts"
    lead.refused(elsewhere, posting | {"first_day": "2026-11-30"}, status=409)
    lead.refused(path, posting | {"last_day": "2026-12-27"}, status=422)
    lead.refused(path, posting | {"street": city.OTHER}, status=404)
    lead.refused(path, posting | {"staff": str(uuid.uuid4())}, status=404)
    short = member(world, "S2", valid_to="2026-11-30")
    lead.refused(path, posting | {"staff": short}, status=422)

    one = member(world, "S3")

    def take(where: str) -> int:
        sent = lead.send("POST", where, json=posting | {"staff": one})
        return sent.status_code

    with ThreadPoolExecutor(6) as at_once:
        answers = list(at_once.map(take, [path, elsewhere] * 3))
    assert sorted(answers) == [201, 409, 409, 409, 409, 409]


def test_campaigns_are_led_by_supervision_and_seen_in_their_district(world: World) -> None:
    for who in (city.LEAD, CGJ, COMMUNITY, "worker"):
        world[who].refused(PATH, given(), status=403)
    east = world.person(Role.DISTRICT, city.EAST)
    east.refused(PATH, given(), status=403)
    campaign = begin(world)
    assert world[city.LEAD].get(f"{PATH}/{campaign['id']}")["name"] == "百日会战"
    refusal(east.send("GET", f"{PATH}/{campaign['id']}"), 403)
    refusal(world["citizen"].send("GET", f"{PATH}/{campaign['id']}"), 403)
    refusal(world["supervision"].send("GET", f"{PATH}/{uuid.uuid4()}"), 404)
    listed = world["supervision"].get(PATH)["campaigns"]
    assert [one["id"] for one in listed] == [campaign["id"]]
    assert world["supervision"].get(PATH, day="2027-01-01")["campaigns"] == []
    assert world["supervision"].get(PATH, day="2027-01-01", since="2026-12-26")["campaigns"]
    assert east.get(PATH)["campaigns"] == []


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"goal": "0/1"}, 422),
        ({"goal": "90%"}, 422),
        ({"last_day": "2026-08-31"}, 422),
        ({"last_day": "2027-09-02"}, 422),
        ({"headquarters": "nobody"}, 404),
        ({"targets": []}, 422),
        ({"targets": [{"street": city.OTHER, "target": 1}]}, 422),
        ({"targets": [{"street": city.LEAD, "target": 1}] * 2}, 422),
        ({"targets": [{"street": city.LEAD, "target": -1}]}, 422),
        ({"targets": [{"street": city.LEAD, "target": 1, "sub_headquarters": "x"}]}, 404),
        ({"classes": ["x"]}, 422),
    ],
)
def test_a_campaign_that_cannot_be_led_is_refused(
    world: World, change: dict[str, Any], status: int
) -> None:
    world["supervision"].refused(PATH, given(**change), status=status)


def test_the_review_and_the_command_show_it(
    world: World, city_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = begin(world)
    review = world["supervision"].send(
        "GET", "/v1/assessments/review", params={"period": "2026-10", "months": 0}
    )
    assert "专项行动" in review.text
    assert "百日会战" in review.text
    monkeypatch.setenv("DATABASE_URL", city_engine.url.render_as_string(hide_password=False))
    get_settings.cache_clear()
    page = tmp_path / "day.html"
    words = ["campaign", campaign["id"], "--page", str(page), "--json"]
    shown = CliRunner().invoke(app, words, catch_exceptions=False)
    table = CliRunner().invoke(app, ["campaign", campaign["id"]], catch_exceptions=False)
    listed = CliRunner().invoke(app, ["campaign", "--json"], catch_exceptions=False)
    get_settings.cache_clear()
    assert json.loads(shown.stdout.splitlines()[-1])["whole"]["target"] == 50
    assert "百日会战" in page.read_text(encoding="utf-8")
    assert "百日会战" in table.stdout
    assert listed.exit_code == 0
