"""The yearly score in full: callers, appeals, opinions; streets and their growth."""

from __future__ import annotations

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from gridsvc.assessment.period import parse_period
from gridsvc.assessment.rankings import rank_streets, recompute_streets
from gridsvc.assessment.yearly import YearSource, recompute
from gridsvc.callers import Role
from gridsvc.cli.app import app
from gridsvc.db import create_engine
from gridsvc.settings import get_settings
from tests import cities
from tests.service import joint_city as city
from tests.service.assessment_world import NOW, History
from tests.service.conftest import refusal
from tests.service.joint_case import JointCase
from tests.service.procedures_world import BUILDER, CGJ, GZ, Case, Clock, World, register
from tests.service.whistles_world import published

pytestmark = pytest.mark.system(30)

YEAR = parse_period("2026", cities.calendar())
WEIGHTS = "scheme,valid_from,citizens,on_time,reported_in,scored,judged,opinion,source\n"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A city in which a street's opinion is a fifth of the year."""
    line = "yearly,2026-01-01,0.3,0.2,0.1,0.2,0,0.2,the council\n"
    (tmp_path / "yearly.csv").write_text(WEIGHTS + line, encoding="utf-8")
    return tmp_path


@pytest.fixture
def world(serve, city_engine: Engine, weights: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    register(city_engine)
    clock = Clock.held(monkeypatch)
    made = World(serve(weights_dir=weights), clock)
    made.people["hotline"] = made.person(Role.CITY, subject="12345")
    return made


def whistled(world: World) -> None:
    """A whistle of the street: one department in time and scored 90, one late and scored 40."""
    whistle = published(world).come(CGJ)
    world.clock.forward(minutes=31)
    whistle.come(GZ).finish(CGJ)
    whistle.finish(GZ)
    whistle.case.take(city.LEAD, "verify", note="Seen.")
    for body, points in ((CGJ, 90), (GZ, 40)):
        whistle.act(body, "score", by=city.LEAD, score=points)
    whistle.case.take(city.LEAD, "assess")


def dual(world: World) -> Case:
    """A case of the street, overdue and scored 60, and of a builder, in time and scored 95."""
    case = world.open("command", "dual")
    case.take(city.LEAD, "dispatch", bodies=[BUILDER])
    world.clock.forward(hours=49)
    case.take(city.LEAD, "handle", note="Swept.")
    case.take(BUILDER, "handle", note="Mended.")
    case.take("supervision", "assess", note="Seen.", scores={city.LEAD: 60, BUILDER: 95})
    return case


def yearly(world: World, **asked: str) -> dict[str, Any]:
    told = world["supervision"].get("/v1/assessments/yearly", period="2026", **asked)
    return {one["body"]: one for one in told["bodies"]} | {"": told}


def opinion(world: World, by: str = city.LEAD, **more: Any) -> Any:
    given = {"body": CGJ, "year": 2026, "score": 80, "reason": "It came each time.", **more}
    return world[by].send("POST", "/v1/assessments/opinions", json=given)


def test_a_body_is_told_by_the_streets_that_called_it_and_the_trace_says_the_same(
    world: World, city_session: Session
) -> None:
    whistled(world)
    bodies = yearly(world)
    (called,) = bodies[CGJ]["callers"]
    assert called == {
        **{"caller": city.LEAD, "name": "广安门外街道办事处", "arrived": 1, "punctual": 1},
        **{"scored": 1, "points": 90, "mean": 90.0},
    }
    assert [(one["punctual"], one["mean"]) for one in bodies[GZ]["callers"]] == [(0, 40.0)]
    traced = yearly(world, source="trace")
    assert [traced[body]["callers"] for body in (CGJ, GZ)] == [
        bodies[body]["callers"] for body in (CGJ, GZ)
    ]
    ranking = [one["body"] for one in bodies[""]["bodies"] if one["rank"] is not None]
    assert bodies[""]["named"]["first"] == ranking
    city_session.execute(text("update whistle set caller_body = :other"), {"other": city.OTHER})
    city_session.commit()
    _, differing = recompute(city_session, cities.city(), YEAR, now=world.clock.now)
    assert f"points by {city.LEAD}" in [one.count for one in differing if one.body == CGJ]


def test_the_callers_of_a_joint_case_are_the_same_in_the_trace(
    client: httpx.Client, city_session: Session
) -> None:
    case = JointCase(client).score()
    for side in (case.lead, case.other):
        side.post(case.steps, {"step": "close", "note": "Nothing is left of it."})
    due = city_session.scalar(text("select due_at from case_file"))
    day = parse_period(cities.calendar().day(due).isoformat(), cities.calendar())
    found, differing = recompute(city_session, cities.city(), day, now=due)
    assert differing == ()
    assert {caller for _, caller in found.calls} == {city.LEAD}


def test_what_an_appeal_did_to_score_and_rank_is_seen(world: World, city_session: Session) -> None:
    case = dual(world)
    before = yearly(world)[city.LEAD]
    assert before["without_appeals"]["score"] == before["score"]
    path = f"/v1/cases/{case.id}/appeals"
    world[city.LEAD].post(path, {"body": city.LEAD, "reason": "The road was closed."})
    decision = {"accepted": True, "note": "It was."}
    world["supervision"].post(f"{path}/{city.LEAD}/decision", decision)

    for source in ("tables", "trace"):
        after = yearly(world, source=source)[city.LEAD]
        # (0.2 * 0 + 0.2 * 0.6) / 0.4, and with its hand-in in time (0.2 + 0.12) / 0.4.
        assert after["score"] == 80.0
        assert after["without_appeals"] == {"score": 30.0, "rank": 2, "in_time": 0}
        assert after["counts"]["in_time"] == 1
    assert before["score"] == 30.0


def test_an_opinion_has_the_share_that_the_setting_gives_it(
    world: World, city_session: Session
) -> None:
    whistled(world)
    world.clock.now = dt.datetime(2026, 12, 1, 2, tzinfo=dt.UTC)
    before = yearly(world)[CGJ]
    kept = opinion(world)
    assert kept.status_code == 201, kept.text
    for source in ("tables", "trace"):
        told = yearly(world, source=source)
        assert told[""]["weights"]["opinion"] == 0.2
        after = told[CGJ]
        assert (before["parts"]["opinion"], after["parts"]["opinion"]) == (None, 80.0)
        # In time, reported in, 90 points, an opinion of 80: of 0.2, 0.1, 0.2 and 0.2.
        assert after["score"] == round(100 * (0.2 + 0.1 + 0.2 * 0.9 + 0.2 * 0.8) / 0.7, 2)
    month = world["supervision"].get("/v1/assessments/yearly", period="2026-12")
    assert all(one["parts"]["opinion"] is None for one in month["bodies"]), "of whole years alone"
    listed = world[city.LEAD].get("/v1/assessments/opinions", year=2026)["opinions"]
    assert [(one["body_code"], one["score"]) for one in listed] == [(CGJ, 80)]


def test_an_opinion_is_a_streets_own_of_whom_it_called_and_stands(
    world: World, service_database: str
) -> None:
    whistled(world)
    assert "December" in refusal(opinion(world), 422)["detail"]
    world.clock.now = dt.datetime(2026, 12, 1, 2, tzinfo=dt.UTC)
    assert "not called" in refusal(opinion(world, city.OTHER), 409)["detail"]
    refusal(opinion(world, year=2025), 409)
    refusal(opinion(world, body="nobody"), 404)
    refusal(opinion(world, score=101), 422)
    refusal(opinion(world, reason=""), 422)
    for other in ("supervision", CGJ, "city"):
        refusal(opinion(world, other), 403)
    with ThreadPoolExecutor(6) as at_once:
        answers = list(at_once.map(lambda _: opinion(world).status_code, range(6)))
    assert sorted(answers) == [201, 409, 409, 409, 409, 409]
    engine = create_engine(service_database)
    with pytest.raises(ProgrammingError, match="permission denied"), engine.begin() as connection:
        connection.execute(text("update yearly_opinion set score = 100"))
    engine.dispose()


def test_streets_are_ranked_by_the_three_rates_and_grow_as_counted_by_hand(
    city_session: Session,
) -> None:
    history = History(city_session)

    def said(street: str, year: int, solved: list[bool]) -> None:
        where = {"district": street[:6]}
        for one in solved:
            days = f"{year}-11-10 10:00", f"{year}-11-09 10:00"
            case = history.case(*days, street=street, body=street, **where)
            report = history.report(case, f"{year}-11-02 09:00", **where)
            history.callback(case, report, (one, "satisfied" if one else "not"), **where)

    said(city.LEAD, 2026, [True, True, False, True])
    said(city.LEAD, 2025, [True, False])
    said(city.LEAD_NORTH, 2026, [True, True])
    said(city.OTHER_NORTH, 2025, [True])
    found = rank_streets(city_session, cities.city(), YEAR, now=NOW)
    lines = {one.street: one for one in found.lines}
    # 0.1 contacted, 0.5 solved, 0.4 satisfied.
    assert lines[city.LEAD].score == Fraction(1, 10) + Fraction(9, 10) * Fraction(3, 4)
    assert lines[city.LEAD].score_before == Fraction(1, 10) + Fraction(9, 10) * Fraction(1, 2)
    assert lines[city.LEAD].growth == Fraction(9, 40)
    assert (lines[city.LEAD_NORTH].rank, lines[city.LEAD].rank) == (1, 2)
    assert lines[city.LEAD_NORTH].growth is None, "it had no data the year before"
    assert lines[city.OTHER_NORTH].score is None
    assert found.by_score.first == (city.LEAD_NORTH, city.LEAD)
    assert found.by_growth.first == (city.LEAD,)
    assert len(lines) == len(city.STREETS), "a street without data has its line"


def test_the_ranking_is_recomputed_from_the_trace_and_tampering_is_found(
    world: World, city_session: Session
) -> None:
    filed = world["citizen"].report(-300)
    case = Case(world, filed["case_id"])
    case.take(city.LEAD, "handle", note="taken down")
    case.take(city.LEAD, "feed_back", note="done")
    case.take("supervision", "verify", note="seen")
    case.take("supervision", "assess", score=90)
    said = {"contacted": True, "unit_contacted": True, "solved": True, "satisfied": "fairly"}
    world["hotline"].post(f"/v1/reports/{filed['id']}/callbacks", said)
    ask = world["supervision"].get
    tables = ask("/v1/assessments/rankings", period="2026")
    trace = ask("/v1/assessments/rankings", period="2026", source="trace")
    assert tables | {"source": "trace"} == trace
    assert trace["streets"][0]["street"] == city.LEAD
    assert trace["streets"][0]["score"] == 96.0
    page = world["supervision"].send(
        "GET", "/v1/assessments/yearly/page.html", params={"period": "2026"}
    )
    for words in ("年度考核", "广安门外街道", "申诉前", "街道意见"):
        assert words in page.text

    asked = {"now": world.clock.now, "area": city.WEST}
    assert recompute_streets(city_session, cities.city(), YEAR, **asked) == ()
    city_session.execute(text("update case_file set street_code = :s"), {"s": city.LEAD_NORTH})
    city_session.commit()
    differing = recompute_streets(city_session, cities.city(), YEAR, **asked)
    assert {one.body for one in differing} == {city.LEAD, city.LEAD_NORTH}
    traced = rank_streets(
        city_session, cities.city(), YEAR, source=YearSource.TRACE, now=world.clock.now
    )
    assert traced.lines[0].street == city.LEAD


def test_streets_are_ranked_in_their_district_and_periods_have_begun(world: World) -> None:
    refusal(
        world["supervision"].send("GET", "/v1/assessments/rankings", params={"period": "2027"}),
        422,
    )
    east = world.person(Role.DISTRICT, city.EAST)
    answer = east.send(
        "GET", "/v1/assessments/rankings", params={"period": "2026", "area": city.WEST}
    )
    refusal(answer, 403)
    listed = world[city.LEAD].get("/v1/assessments/rankings", period="2026")["streets"]
    assert {one["street"] for one in listed} == {city.LEAD, city.LEAD_NORTH}


def test_the_command_ranks_and_writes_the_page(
    city_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", city_engine.url.render_as_string(hide_password=False))
    get_settings.cache_clear()
    page = tmp_path / "year.html"
    year = str(cities.now().year)
    ran = [
        CliRunner().invoke(app, ["rank", year, *words], catch_exceptions=False)
        for words in (["--json", "--trace"], [], ["--page", str(page)])
    ]
    get_settings.cache_clear()
    assert [one.exit_code for one in ran] == [0, 0, 0]
    assert len(json.loads(ran[0].stdout.splitlines()[-1])["streets"]) == 4
    assert "named" in ran[1].stdout
    assert "年度考核" in page.read_text(encoding="utf-8")
