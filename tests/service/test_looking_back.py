"""Recurring places come back before their season: to whom, once, and what comes of it."""

from __future__ import annotations

import datetime as dt
import json
import threading

import pytest
from sqlalchemy import select, text
from typer.testing import CliRunner

from gridsvc.callers import Role
from gridsvc.cases.core.models import Case
from gridsvc.cases.systems.looking_back.models import LookBack
from gridsvc.cli.app import app
from gridsvc.db import session_factory
from gridsvc.foresight.recurring.service import look_back_everywhere
from gridsvc.registry.areas.service import NewArea, load_edition
from gridsvc.registry.bodies.models import Duty
from gridsvc.registry.editions.service import activate_edition
from gridsvc.registry.placement.store import AtlasStore
from gridsvc.settings import get_settings
from tests import cities
from tests.service import joint_city as city
from tests.service.conftest import Person, refusal, token_of
from tests.service.leaks_world import fill, leaks
from tests.service.procedures_world import CGJ, Clock

pytestmark = pytest.mark.system(20)

ROOFS = {"q": "漏雨", "area": city.WEST, "since": "2024-01-01", "until": "2026-01-01"}
WINTER = dt.datetime(2026, 2, 2, 2, tzinfo=dt.UTC)
SPRING = dt.datetime(2026, 4, 20, 2, tzinfo=dt.UTC)
SEASON = "2026-06-01"


@pytest.fixture
def clock(monkeypatch):
    clock = Clock.held(monkeypatch)
    clock.now = WINTER
    return clock


@pytest.fixture
def made(city_engine):
    """The reports of 40 planted places, with those of the season after left out."""
    made = [one for one in leaks(13) if not one.later]
    some = {one.place for one in made[:40]}
    made = [one for one in made if one.place in some]
    with session_factory(city_engine).begin() as session:
        fill(session, made)
    return made


@pytest.fixture
def district(client, clock):
    return Person(client, token_of(Role.DISTRICT, city.WEST, subject="the west"))


@pytest.fixture
def kept(made, district):
    return district.post("/v1/recurring/lists", {"name": "漏雨", **ROOFS})


@pytest.fixture
def look(city_engine, index_folder, clock):
    """Ask for another look as the worker does; gives at how many places."""

    def ask() -> int:
        here = cities.city(var_dir=index_folder)
        atlas = AtlasStore(city_engine, here, lambda: clock.now).get(clock.now)
        return look_back_everywhere(session_factory(city_engine), here, atlas, now=clock.now)

    return ask


def whole(person, kept):
    return person.get(f"/v1/recurring/lists/{kept['id']}")


def test_places_come_back_in_the_weeks_before_june_and_once(kept, district, look, clock):
    found = whole(district, kept)
    assert kept["places"] == found["places"] == len(found["listed"]) > 10
    assert all(one["reports"] >= 2 or one["unsolved"] for one in found["listed"])
    assert look() == 0
    clock.now = SPRING
    assert look() == kept["places"]
    assert look() == 0
    counts = whole(district, kept)["looked"]
    assert (counts["asked"], counts["waiting"]) == (kept["places"], kept["places"])
    tasks = district.get("/v1/tasks", kind="revisit", limit=500)["tasks"]
    assert len(tasks) == kept["places"]
    # Until the end of May 31 in the city.
    assert {one["limit_at"] for one in tasks} == {"2026-05-31T16:00:00Z"}
    clock.now = SPRING.replace(month=7)
    assert look() == 0
    clock.now = SPRING.replace(year=2027)
    assert look() == kept["places"]


def test_two_workers_ask_once(kept, look, clock, city_session):
    clock.now = SPRING
    made = []
    threads = [threading.Thread(target=lambda: made.append(look())) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sum(made) == kept["places"]
    looked = city_session.scalars(select(LookBack)).all()
    assert len(looked) == len({one.task_id for one in looked}) == kept["places"]


def test_a_place_comes_back_to_whom_it_belongs_now(
    kept, district, look, clock, city_engine, city_session
):
    """Roofs were the street's; since March they are the bureau's, and a street was redrawn."""
    with city_engine.begin() as connection:
        connection.execute(
            text("update duty set valid_to = '2026-03-01' where class_prefix = :prefix"),
            {"prefix": city.BUILDING},
        )
    west, east = city.STREETS[0].geometry.bounds, city.STREETS[1].geometry.bounds
    middle = 39.885
    drawn = [
        NewArea(city.LEAD, "广安门外街道", city.box(west[0], west[1], west[2], middle)),
        NewArea(city.LEAD_NORTH, "椿树街道", city.box(west[0], middle, west[2], east[3])),
        *city.STREETS[2:],
    ]
    with session_factory(city_engine).begin() as session:
        session.add(_duty(CGJ, city.WEST))
        load_edition(
            session,
            id="street-2026",
            level="street",
            title="Made up",
            source="made up for a test",
            licence="CC0",
            accuracy_m=5.0,
            approximate=False,
            effective_from=dt.datetime(2026, 3, 1, tzinfo=dt.UTC),
            areas=drawn,
            at=WINTER,
        )
        activate_edition(session, "street-2026", without_audit="made up", why="surveyed", at=WINTER)
    clock.now = SPRING
    look()
    moved = 0
    for place in whole(district, kept)["listed"]:
        (one,) = place["looked"]
        now = city.LEAD if place["point"][1] < middle else city.LEAD_NORTH
        assert (one["body_code"], one["street_code"]) == (CGJ, now)
        stored = city_session.scalars(
            select(Case.street_code).where(Case.id == place["case_id"])
        ).one()
        moved += stored != now
    assert moved > 0
    told = city_session.scalars(
        text("select body_code from message where topic = 'look_back'")
    ).all()
    assert set(told) == {CGJ}
    assert len(told) == kept["places"]


def _duty(body: str, area: str) -> Duty:
    return city.duty(body, area, city.BUILDING, valid_from=dt.date(2026, 3, 1))


def _take(person, task):
    person.post(f"/v1/tasks/{task}/take", {"staff": None})


@pytest.fixture
def worker(client, clock):
    return Person(client, token_of(Role.GRID_WORKER, city.WEST, subject="the inspector"))


def test_it_has_lasted_or_is_a_case_again_with_its_history(
    kept, district, worker, look, clock, city_session
):
    clock.now = SPRING
    look()
    first, second = whole(district, kept)["listed"][:2]
    lasted, again = (one["looked"][0]["task_id"] for one in (first, second))
    for task in (lasted, again):
        worker.send("POST", f"/v1/tasks/{task}/take").raise_for_status()
    seen = {"note": "dry after the rain"}
    problem = worker.refused(f"/v1/tasks/{lasted}/done", seen, status=422)
    assert problem["field"] == "found"
    worker.refused(f"/v1/tasks/{lasted}/done", {**seen, "found": "maybe"}, status=422)
    worker.post(f"/v1/tasks/{lasted}/done", {**seen, "found": "lasted"})
    worker.post(f"/v1/tasks/{again}/done", {"note": "wet again", "found": "again"})
    found = whole(district, kept)
    assert (found["looked"]["lasted"], found["looked"]["again"]) == (1, 1)
    one, other = found["listed"][:2]
    assert one["looked"][0]["outcome"] == "lasted"
    assert one["case_id"] == first["case_id"]
    new = other["looked"][0]["case_id"]
    assert other["case_id"] == new != second["case_id"]
    case = district.get(f"/v1/cases/{new}")
    assert case["state"] == "open"
    assert case["reopened_from"] == second["case_id"]
    for id, action in ((new, "found_again"), (second["case_id"], "found_again")):
        entries = district.get(f"/v1/cases/{id}/trace")["entries"]
        assert action in {entry["action"] for entry in entries}
        assert district.get(f"/v1/cases/{id}/trace/verify")["intact"]
    page = district.send("GET", f"/v1/recurring/lists/{kept['id']}/page.html")
    assert page.status_code == 200
    for words, number in (("再次出现", 1), ("未再出现", 1), ("待回头看", kept["places"] - 2)):
        assert page.text.count(f"</i>{words} <small>") == number
    told = district.send("GET", "/v1/foresight/page.html", params={"area": city.WEST}).text
    row = "".join(f'<td class="number">{n}</td>' for n in (kept["places"], kept["places"], 1, 1))
    assert f"<td>{city.WEST}</td>{row}" in told
    # A case that is open has somebody already: no task for it next year.
    clock.now = SPRING.replace(year=2027)
    assert look() == kept["places"]
    assert whole(district, kept)["looked"]["open_already"] == 1


def test_of_two_who_finish_a_task_one_opens_the_case(
    kept, district, worker, look, clock, city_session
):
    clock.now = SPRING
    look()
    task = whole(district, kept)["listed"][0]["looked"][0]["task_id"]
    worker.send("POST", f"/v1/tasks/{task}/take").raise_for_status()
    before = city_session.scalar(text("select count(*) from case_file"))
    answers = []

    def finish() -> None:
        sent = {"note": "wet", "found": "again"}
        answers.append(worker.send("POST", f"/v1/tasks/{task}/done", json=sent).status_code)

    threads = [threading.Thread(target=finish) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(answers) == [200, 409, 409, 409]
    city_session.rollback()
    assert city_session.scalar(text("select count(*) from case_file")) == before + 1


def test_a_place_that_changed_its_district_is_looked_at_there(
    kept, district, client, look, clock, city_engine
):
    """The west gives all its ground to the east: tasks are the east's, the history stays."""
    everything = city.box(116.30, 39.88, 116.34, 39.90)
    with session_factory(city_engine).begin() as session:
        for level, drawn in (
            ("district", [NewArea(city.EAST, "丰台区", everything)]),
            ("street", [NewArea(city.OTHER, "太平桥街道", everything)]),
            ("community", [NewArea(f"{city.OTHER}001", "一社区", everything)]),
        ):
            load_edition(
                session,
                id=f"{level}-2026",
                level=level,
                title="Made up",
                source="made up for a test",
                licence="CC0",
                accuracy_m=5.0,
                approximate=False,
                effective_from=dt.datetime(2026, 3, 1, tzinfo=dt.UTC),
                areas=drawn,
                at=WINTER,
            )
            activate_edition(
                session, f"{level}-2026", without_audit="made up", why="merged", at=WINTER
            )
    clock.now = SPRING
    assert look() == kept["places"]
    east = Person(client, token_of(Role.DISTRICT, city.EAST, subject="the east"))
    task = east.get("/v1/tasks", kind="revisit", limit=1)["tasks"][0]
    assert task["case_id"] is None
    assert task["area_code"] == f"{city.OTHER}001"
    worker = Person(client, token_of(Role.GRID_WORKER, city.EAST, subject="inspector of the east"))
    worker.send("POST", f"/v1/tasks/{task['id']}/take").raise_for_status()
    worker.post(f"/v1/tasks/{task['id']}/done", {"note": "wet", "found": "again"})
    (place,) = [
        one for one in whole(district, kept)["listed"] if one["looked"][0]["task_id"] == task["id"]
    ]
    assert place["case_district"] == city.EAST
    case = east.get(f"/v1/cases/{place['case_id']}")
    assert case["state"] == "open"


def test_who_may_not_keep_read_or_end_a_list_is_refused(kept, made, district, client, clock):
    path = f"/v1/recurring/lists/{kept['id']}"
    street = Person(client, token_of(Role.STREET, city.LEAD))
    street.refused("/v1/recurring/lists", {"name": "x", **ROOFS}, status=403)
    refusal(street.send("GET", path), 403)
    street.refused(f"{path}/end", {"reason": "no"}, status=403)
    refusal(district.send("GET", f"/v1/recurring/lists/{'0' * 8}-0000-0000-0000-{'0' * 12}"), 404)
    refusal(street.send("GET", "/v1/recurring/lists", params={"area": city.EAST}), 403)
    assert street.get("/v1/recurring/lists")["lists"] == []
    assert [one["id"] for one in district.get("/v1/recurring/lists")["lists"]] == [kept["id"]]
    for role, area, body in (
        (Role.CITIZEN, "", None),
        (Role.GRID_WORKER, city.WEST, None),
        (Role.DEPARTMENT, city.WEST, CGJ),
        (Role.ANALYST, "", None),
    ):
        person = Person(client, token_of(role, area, body))
        person.refused("/v1/recurring/lists", {"name": "x", **ROOFS}, status=403)
        refusal(person.send("GET", path), 403)


def test_an_ended_list_is_looked_at_no_more(kept, district, look, clock):
    path = f"/v1/recurring/lists/{kept['id']}/end"
    ended = district.post(path, {"reason": "all roofs were laid anew"})
    assert ended["end_reason"] == "all roofs were laid anew"
    district.refused(path, {"reason": "again"}, status=409)
    clock.now = SPRING
    assert look() == 0


def test_nothing_is_kept_of_nothing(made, district):
    sent = {"name": "x", **ROOFS, "q": "电梯"}
    assert district.refused("/v1/recurring/lists", sent, status=422)["field"] == "least"


def test_the_command_asks_as_the_worker_does(
    kept, clock, city_database, index_folder, monkeypatch, district
):
    monkeypatch.setenv("DATABASE_URL", city_database)
    monkeypatch.setenv("GRIDSVC_VAR_DIR", str(index_folder))
    monkeypatch.setattr("gridsvc.cli.recurring.utc_now", lambda: SPRING)
    get_settings.cache_clear()
    ran = CliRunner().invoke(app, ["recurring", "look-back", "--json"])
    shown = CliRunner().invoke(app, ["recurring", "look-back"])
    monkeypatch.undo()
    get_settings.cache_clear()
    assert ran.exception is None, ran.exception
    assert json.loads(ran.stdout) == {"places": kept["places"]}
    assert "0 places" in shown.stdout
