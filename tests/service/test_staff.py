"""The register of staff: imported, kept over HTTP, and asked who is on duty where."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from gridsvc.callers import Role
from gridsvc.cli.app import app
from gridsvc.registry.access.keys import unseal
from gridsvc.settings import get_settings
from tests.service import joint_city as city
from tests.service.conftest import REPORTER_KEY
from tests.service.procedures_world import CGJ, COMMUNITY, Clock, World, register

HEADER = "code,name,office,role,places,shifts,telephone,subject,valid_from,valid_to,district\n"
#: The unit grid in which 300 m west of the border lies, and the one beside it.
CELL, BESIDE = f"{city.LEAD[6:]}00002", f"{city.LEAD[6:]}00001"
HERE = city.beside_border(-300)


@pytest.fixture
def clock(monkeypatch):
    return Clock.held(monkeypatch)


@pytest.fixture
def world(client, city_engine, clock):
    register(city_engine)
    return World(client, clock)


@pytest.fixture
def load(city_database, city_engine, tmp_path, monkeypatch):
    """The import against the city; gives its exit code and its JSON."""
    monkeypatch.setenv("DATABASE_URL", city_database)
    monkeypatch.setenv("GRIDSVC_VAR_DIR", str(tmp_path))
    monkeypatch.setenv("GRIDSVC_REPORTER_KEY", REPORTER_KEY)
    get_settings.cache_clear()

    def call(*rows: str, words: tuple[str, ...] = ()) -> tuple[int, Any]:
        path = tmp_path / "staff.csv"
        path.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
        result = CliRunner().invoke(app, ["import", "staff", str(path), "--json", *words])
        return result.exit_code, json.loads(result.stdout) if result.stdout else result.exception

    yield call
    monkeypatch.undo()
    get_settings.cache_clear()


def member(code: str = "W1", **more: Any) -> dict[str, Any]:
    return {
        "code": code,
        "name": "Zhang San",
        "office": city.LEAD,
        "role": "inspector",
        "valid_from": "2026-01-01",
        **more,
    }


def on_duty(world: World, by: str = "supervision", **asked: Any) -> list[str]:
    return [one["code"] for one in world[by].get("/v1/staff/on-duty", **asked)["on_duty"]]


def enter(world: World, *members: dict[str, Any], by: str = "supervision") -> list[Any]:
    return [world[by].post("/v1/staff", one) for one in members]


def test_a_list_comes_in_whole_with_telephones_sealed(load, city_session):
    rows = (
        f"W1,Zhang San,{city.LEAD},inspector,{CELL} {BESIDE},daily 08:00-18:00,010-5550101,w1,"
        "2026-01-01,,",
        f"W2,Li Si,{city.WATER},contact_point,,,,,2026-01-01,,{city.WEST}",
    )
    code, told = load(*rows)
    assert (code, told["rows"], told["loaded"], told["known"]) == (0, 2, 2, 0)
    sealed = city_session.scalar(text("select sealed from staff where code = 'W1'"))
    assert unseal(bytes.fromhex(REPORTER_KEY), bytes(sealed)) == {"telephone": "010-5550101"}
    places = city_session.execute(
        text("select kind, code, area_code from staff_place order by 1, 2")
    )
    assert [tuple(row) for row in places] == [
        ("area", city.WEST, city.WEST),
        ("unit_grid", BESIDE, f"{city.LEAD}001"),
        ("unit_grid", CELL, f"{city.LEAD}001"),
    ]


def test_a_row_that_is_known_is_written_anew_and_keeps_its_telephone(load, city_session):
    row = f"W1,Zhang San,{city.LEAD},inspector,,,010-5550101,,2026-01-01,,"
    load(row)
    again = (
        row.replace("Zhang San", "Zhang Er")
        .replace("010-5550101", "")
        .replace(",inspector,,", f",chief,{CELL},")
    )
    code, told = load(again)
    assert (code, told["loaded"], told["known"]) == (0, 0, 1)
    kept = city_session.execute(text("select name, role, sealed is not null from staff")).all()
    assert [tuple(one) for one in kept] == [("Zhang Er", "chief", True)]
    assert city_session.scalar(text("select code from staff_place")) == CELL


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (f"W 1,Zhang,{city.LEAD},inspector,,,,,2026-01-01,,", "'code' is 'W 1'"),
        (f"W1,,{city.LEAD},inspector,,,,,2026-01-01,,", "'name' is ''"),
        ("W1,Zhang,nobody,inspector,,,,,2026-01-01,,", "No body has the code 'nobody'"),
        (f"W1,Zhang,{city.LEAD},boss,,,,,2026-01-01,,", "'role' is 'boss'"),
        (f"W1,Zhang,{city.LEAD},inspector,{city.OTHER},,,,2026-01-01,,", "is no area, unit grid"),
        (f"W1,Zhang,{city.LEAD},inspector,,sometimes,,,2026-01-01,,", "'sometimes'"),
        (f"W1,Zhang,{city.LEAD},inspector,,,call me,,2026-01-01,,", "'telephone' is 'call me'"),
        (f"W1,Zhang,{city.LEAD},inspector,,,,,1 January,,", "valid_from is '1 January'"),
        (
            f"W1,Zhang,{city.LEAD},inspector,,,,,2026-01-01,2026-01-01,",
            "must come after 2026-01-01",
        ),
        (f"W1,Zhang,{city.WATER},inspector,,,,,2026-01-01,,", "works in more than one district"),
        (f"W1,Zhang,{city.LEAD},inspector,,,,2026-01-01,,", "fields"),
        (f"A1,Zhang,{city.LEAD},inspector,,,,,2026-06-01,,", "is in line 2 already"),
    ],
)
def test_one_bad_row_keeps_all_out_and_is_told_with_its_line(load, city_session, row, told):
    code, answer = load(f"A1,Wang,{city.LEAD},inspector,,,,,2026-01-01,,", row)
    assert (code, answer["loaded"]) == (1, 0)
    (fault,) = answer["refused"]
    assert fault["line"] == 3
    assert told in fault["reason"]
    assert city_session.scalar(text("select count(*) from staff")) == 0


def test_a_trial_run_keeps_nothing(load, city_session):
    code, told = load(f"W1,Zhang,{city.LEAD},chief,,,,,2026-01-01,,", words=("--dry-run",))
    assert (code, told["loaded"]) == (0, 1)
    assert city_session.scalar(text("select count(*) from staff")) == 0


def test_days_of_one_person_never_overlap_the_register(load):
    load(f"W1,Zhang,{city.LEAD},chief,,,,,2026-01-01,,")
    later = f"W1,Zhang,{city.LEAD_NORTH},chief,,,,,2026-06-01,,"
    code, told = load(later)
    assert (code, told["refused"][0]["reason"]) == (
        1,
        "W1 is in the register from 2026-01-01 on already",
    )
    code, told = load(f"W1,Zhang,{city.LEAD},chief,,,,,2026-01-01,2026-06-01,", later)
    assert (code, told["loaded"], told["known"]) == (0, 1, 1)


def test_who_serves_nearest_is_named_first(world):
    enter(
        world,
        member("DISTRICT", office=CGJ, role="contact_point"),
        member("STREET", role="chief"),
        member("CELL", places=[CELL]),
        member("BESIDE", places=[BESIDE]),
        member("COMMUNITY", places=[COMMUNITY], role="grid_worker"),
        member("NORTH", office=city.LEAD_NORTH),
    )
    assert on_duty(world, **HERE) == ["CELL", "COMMUNITY", "STREET", "DISTRICT"]
    assert on_duty(world, district=city.WEST, grid=CELL) == on_duty(world, **HERE)
    street = on_duty(world, area=city.LEAD)
    assert street == ["STREET", "BESIDE", "CELL", "COMMUNITY", "DISTRICT"]
    assert on_duty(world, area=city.WEST)[0] == "DISTRICT"
    assert on_duty(world, **HERE, role=["chief", "contact_point"]) == ["STREET", "DISTRICT"]
    assert on_duty(world, area=city.EAST) == []


def test_nobody_is_on_duty_out_of_their_hours_or_days(world, clock):
    enter(
        world,
        member("DAY", shifts="workday 08:00-18:00"),
        member("NIGHT", shifts="daily 18:00-08:00"),
        member("GONE", valid_to="2026-11-23"),
        member("NEW", valid_from="2026-11-24"),
    )
    assert on_duty(world, **HERE) == ["DAY"]
    assert on_duty(world, **HERE, at="2026-11-23T03:00:00+08:00") == ["NIGHT"]
    assert on_duty(world, **HERE, at="2026-11-22T09:00:00+08:00") == ["GONE"]
    clock.forward(hours=10)
    assert on_duty(world, **HERE) == ["NIGHT"]


def test_workers_of_a_social_grid_have_names(world, city_session):
    city_session.execute(
        text(
            "insert into social_grid (district_code, code, level, name, area_code, workers, source)"
            " values (:d, 'V1', 1, 'one', :c, 1, 't'), (:d, :cell, 1, 'two', :c, 0, 't')"
        ),
        {"d": city.WEST, "c": COMMUNITY, "cell": CELL},
    )
    city_session.commit()
    worker = member("G1", role="grid_worker", places=["V1"], subject="worker one")
    (entered,) = enter(world, worker, by=city.LEAD)
    assert entered["places"] == [{"kind": "social_grid", "code": "V1", "area_code": COMMUNITY}]
    assert on_duty(world, district=city.WEST, grid="V1") == ["G1"]
    assert on_duty(world, **HERE) == ["G1"]
    twice = member("G2", places=[CELL])
    assert (
        "is a unit grid and a social grid"
        in world[city.LEAD].refused("/v1/staff", twice, status=422)["detail"]
    )
    (entered,) = enter(world, member("G2", places=[f"social_grid:{CELL}"]))
    assert entered["places"][0]["kind"] == "social_grid"


def test_a_street_keeps_its_own_people_and_no_others(world):
    own = world[city.LEAD]
    (entered,) = enter(
        world, member(office=CGJ, role="posted_officer", places=[city.LEAD]), by=city.LEAD
    )
    address = f"/v1/staff/{entered['id']}"
    assert own.send("PATCH", address, json={"shifts": "daily 08:00-09:00"}).json()["shifts"] != ""
    assert own.send("PATCH", address, json={"name": None}).status_code == 422
    moved = own.send("PATCH", address, json={"places": [city.LEAD_NORTH]})
    assert moved.status_code == 403
    own.refused("/v1/staff", member("W2", office=city.LEAD_NORTH), status=403)
    world[city.OTHER].refused(f"{address}/end", {"on": "2026-12-01", "reason": "x"}, status=403)
    ended = own.post(f"{address}/end", {"on": "2026-12-01", "reason": "moved"})
    assert ended["valid_to"] == "2026-12-01"
    own.refused(f"{address}/end", {"on": "2026-12-01", "reason": "moved"}, status=409)
    own.refused("/v1/staff", member(), status=409)
    assert enter(world, member(valid_from="2026-12-01"), by=city.LEAD)


def test_a_telephone_is_read_with_a_reason_and_that_is_kept(world):
    (entered,) = enter(world, member(telephone="010-5550101"), member("W2", role="chief"))[:1]
    assert entered["telephone"] is True
    address = f"/v1/staff/{entered['id']}/telephone"
    assert world[city.LEAD].post(address, {"reason": "late"})["telephone"] == "010-5550101"
    world[city.OTHER].refused(address, {"reason": "late"}, status=403)
    admin = world.person(Role.ADMIN)
    (kept,) = [one for one in admin.get("/v1/audit")["entries"] if one["act"] == "read telephone"]
    assert (kept["subject"], kept["reason"]) == (f"{city.WEST} W1", "late")


def test_the_list_holds_the_own_area_and_pages_by_key(world):
    enter(world, *(member(f"W{n}") for n in range(5)), member("N1", office=city.LEAD_NORTH))
    first = world[city.LEAD].get("/v1/staff", limit=3)
    rest = world[city.LEAD].get("/v1/staff", limit=3, cursor=first["next"])
    assert [one["code"] for one in first["staff"] + rest["staff"]] == ["W0", "W1", "W2", "W3", "W4"]
    assert rest["next"] is None
    assert len(world["supervision"].get("/v1/staff", on="2026-11-23")["staff"]) == 6
    assert world["supervision"].get("/v1/staff", on="2025-11-23")["staff"] == []
    found = world["city"].get("/v1/staff", area=city.WEST, office=city.LEAD_NORTH, role="inspector")
    assert [one["code"] for one in found["staff"]] == ["N1"]
    refused = world[city.LEAD].send("GET", "/v1/staff", params={"area": city.OTHER})
    assert refused.status_code == 403


@pytest.mark.parametrize(
    "asked",
    [{}, {"lon": 116.31}, {**HERE, "area": city.LEAD}, {"grid": CELL}, {"district": city.WEST}],
)
def test_a_question_names_one_place(world, asked):
    answer = world["supervision"].send("GET", "/v1/staff/on-duty", params=asked)
    assert (answer.status_code, answer.json()["field"]) == (422, "area")


def test_two_who_enter_one_person_at_once_enter_them_once(world):
    start = threading.Barrier(4)
    answers: list[int] = []

    def enter_one(first: str) -> None:
        start.wait()
        sent = world["supervision"].send("POST", "/v1/staff", json=member(valid_from=first))
        answers.append(sent.status_code)

    days = [f"2026-0{n}-01" for n in range(1, 5)]
    threads = [threading.Thread(target=enter_one, args=(day,)) for day in days]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201, 409, 409, 409]
