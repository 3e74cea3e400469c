"""Hot places: the scan of a day raises an alarm, its case goes round until the place has cooled."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h3
import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from gridsvc.callers import Role
from gridsvc.cli.alarms import scan_due
from gridsvc.cli.app import app
from gridsvc.settings import get_settings
from tests import cities
from tests.service import joint_city as city
from tests.service.alarms_world import DAY, SCOOTERS, STAND, Strewn
from tests.service.conftest import refusal
from tests.service.procedures_world import CGJ, GZ, Case, Clock, World, register

ONE = dt.timedelta(days=1)
HERE = {"area": city.WEST}


@pytest.fixture
def clock(monkeypatch):
    return Clock.held(monkeypatch)


@pytest.fixture
def world(client, city_engine, clock):
    register(city_engine)
    return World(client, clock)


@pytest.fixture
def strewn(city_engine, index_folder) -> Strewn:
    return Strewn(city_engine, index_folder)


def alarms(world: World, **asked: Any) -> list[Any]:
    found: list[Any] = world["supervision"].get("/v1/alarms", **HERE, **asked)["alarms"]
    return found


def at(clock: Clock, day: dt.date) -> dt.date:
    """Turn the clock to ten o'clock in the morning of a day."""
    clock.now = cities.calendar().begins(day) + dt.timedelta(hours=10)
    return day


def ordered(world: World, strewn: Strewn) -> tuple[Case, str]:
    """A stand that became hot in the last four days: its alarm, and the case of that."""
    strewn.background(days=364, a_day=20)
    strewn.heap(DAY - 3 * ONE, days=4, a_day=8)
    strewn.calibrated()
    assert strewn.scan().raised == 1
    (alarm,) = alarms(world)
    return Case(world, alarm["case_id"]), alarm["id"]


def measure(case: Case, strewn: Strewn, clock: Clock) -> dt.date:
    """Study, and take the measure on the tenth day, before which the stand stays as hot."""
    strewn.background(days=60, a_day=20, until=DAY + 60 * ONE, seed=19)
    strewn.heap(DAY + ONE, days=10, a_day=8)
    case.take(city.LEAD, "study", cause="No stand near the station.", who=[CGJ])
    day = at(clock, DAY + 10 * ONE)
    case.take(CGJ, "measure", measure="A stand for 200, and a patrol at 8:00.")
    return day


@pytest.mark.system(18)
def test_an_alarm_tells_the_bodies_is_measured_watched_and_closed_with_its_effect(
    world, strewn, clock
):
    case, alarm = ordered(world, strewn)
    seen = case.seen()
    assert (seen["procedure"]["name"], seen["step"], seen["lead_body"]) == (
        "hot_spot",
        "study",
        city.LEAD,
    )
    assert {one["body_code"] for one in seen["called"]} >= {CGJ, GZ}
    (entry,) = [one for one in case.trace() if one["action"] == "alarm"]
    assert entry["content"]["alarm_id"] == alarm
    query = text("select content from message where body_code = :body")
    with strewn.engine.connect() as connection:
        told = connection.execute(query, {"body": CGJ}).scalars().all()
    assert any(one.get("alarm_id") == alarm for one in told)
    measured = measure(case, strewn, clock)
    strewn.heap(measured + ONE, days=20, a_day=2)
    told = case.refused("supervision", "watch", effect="cooled", note="quiet")["detail"]
    assert "watched for 14 days" in told
    at(clock, measured + 10 * ONE)
    early = world["supervision"].get(f"/v1/alarms/{alarm}")["measured"]
    assert early["after_to"] == f"{measured + 9 * ONE}"
    at(clock, measured + 15 * ONE)
    case.take("supervision", "watch", effect="cooled", note="Four of five scooters are gone.")
    whole = world["supervision"].get(f"/v1/alarms/{alarm}")
    assert whole["measured"]["why"] is None, whole
    effect = whole["measured"]["effect"]
    assert (effect["before"], effect["after"]) == (
        8 * 9 + at_stand(strewn, DAY + ONE, measured - ONE, whole["places"]),
        2 * 14 + at_stand(strewn, measured + ONE, measured + 14 * ONE, whole["places"]),
    )
    assert effect["low"] < effect["ratio"] < effect["high"] < 0.6
    assert effect["controls"] >= 20
    page = world["supervision"].send("GET", "/v1/foresight/page.html", params=HERE).text
    asked = {"area": city.WEST, "period": "2026-11"}
    review = world["supervision"].send("GET", "/v1/assessments/review", params=asked).text
    shown = f"× {effect['ratio']:.2f} <small>（{effect['low']:.2f} – {effect['high']:.2f}, 95 %）"
    for text_of in (page, review):
        assert shown in text_of
        assert "http://" not in text_of.replace("http://www.w3.org", "")
    assert (whole["case_state"], case.intact()) == ("closed", True)


def at_stand(strewn: Strewn, first: dt.date, last: dt.date, places: list[str]) -> int:
    """The reports of the background in an alarm's places, counted one by one."""
    query = text(
        "select st_y(point), st_x(point) from report where created_at >= :since"
        " and created_at < :until and st_distance(point, st_setsrid(st_makepoint(:x, :y), 4326))"
        " > 1e-9"
    )
    days = cities.calendar()
    asked = {"since": days.begins(first), "until": days.begins(last + ONE)}
    with strewn.engine.connect() as connection:
        rows = connection.execute(query, asked | {"x": STAND["lon"], "y": STAND["lat"]})
        return sum(h3.latlng_to_cell(y, x, 10) in places for y, x in rows)


@pytest.mark.system(18)
def test_what_is_hot_again_behind_its_measure_is_ordered_again_by_the_scan(world, strewn, clock):
    case, alarm = ordered(world, strewn)
    measured = measure(case, strewn, clock)
    assert strewn.scan(measured - ONE).raised == 0
    # The days before the measure are hot still, and are no reason.
    strewn.scan(measured)
    assert case.seen()["step"] == "watch"
    strewn.heap(measured + 6 * ONE, days=3, a_day=9)
    assert strewn.scan(measured + 8 * ONE).raised == 0
    seen = case.seen()
    assert (seen["step"], seen["state"]) == ("measure", "open")
    entry = case.trace()[-1]
    assert (entry["action"], entry["actor"]) == ("order_again", "gridsvc")
    assert "反弹" in entry["content"]["note"]
    (told,) = alarms(world)
    assert (told["id"], told["last_day"]) == (alarm, f"{measured + 8 * ONE}")
    assert seen["next"][0]["step"] == "measure"


def test_a_place_that_is_hot_after_its_case_was_closed_is_a_new_alarm_that_names_the_old(
    world, strewn, clock
):
    case, alarm = ordered(world, strewn)
    measured = measure(case, strewn, clock)
    at(clock, measured + 15 * ONE)
    case.take("supervision", "watch", effect="降温", note="Gone.")
    strewn.heap(measured + 17 * ONE, days=4, a_day=9)
    assert strewn.scan(measured + 20 * ONE).raised == 1
    new, old = alarms(world)
    assert (new["again_of"], old["id"]) == (None, alarm) or new["again_of"] == alarm
    assert (new["case_state"], old["case_state"]) == ("open", "closed")


def test_the_same_hot_place_is_one_alarm_day_after_day(world, strewn):
    ordered(world, strewn)
    strewn.heap(DAY + ONE, days=3, a_day=8)
    assert [strewn.scan(DAY + n * ONE).raised for n in (1, 2, 3)] == [0, 0, 0]
    (alarm,) = alarms(world)
    exported = world.client.get("/exports/alarms.geojson").json()["features"]
    assert [one["properties"]["id"] for one in exported] == [alarm["id"]]
    # The tile of zoom 12 in which the stand lies.
    assert alarm["id"].encode() in world.client.get("/tiles/alarms/12/3371/1552.mvt").content
    page = world["supervision"].send("GET", "/v1/foresight/page.html", params=HERE).text
    assert "分析成因" in page
    assert "尚未落实措施" in page
    assert (alarm["first_day"], alarm["last_day"]) == (f"{DAY}", f"{DAY + 3 * ONE}")


def test_two_who_scan_the_same_day_at_the_same_moment_raise_one_alarm(world, strewn):
    strewn.background(days=364, a_day=20)
    strewn.heap(DAY - 3 * ONE, days=4, a_day=8)
    strewn.calibrated()
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: strewn.scan().made_at, range(4)))
    assert len(set(made)) == 1
    assert len(alarms(world)) == 1


@pytest.mark.system(18)
def test_a_place_that_is_always_busy_is_on_a_list_and_no_alarm(world, strewn):
    strewn.background(days=364, a_day=20)
    strewn.heap(DAY - 363 * ONE, days=364, a_day=4)
    strewn.calibrated()
    assert strewn.scan().raised == 0
    assert alarms(world) == []
    (scan,) = world["supervision"].get("/v1/alarms/scans", **HERE)["scans"]
    (place,) = scan["chronic"]
    assert place["place"] == h3.latlng_to_cell(STAND["lat"], STAND["lon"], 10)
    assert place["count"] >= 364 * 4
    assert place["blocks"] == 12
    page = world["supervision"].send("GET", "/v1/foresight/page.html", params=HERE).text
    assert place["place"] in page
    assert "近 90 天无告警" in page


def test_a_hundred_callers_about_one_thing_are_no_hot_place(world, strewn):
    strewn.background(days=364, a_day=20)
    strewn.heap(DAY - 3 * ONE, days=4, a_day=25, one_case=True)
    strewn.calibrated()
    assert strewn.scan().raised == 0


def test_without_a_quarter_of_history_nobody_is_alarmed(strewn):
    strewn.background(days=60, a_day=20)
    strewn.heap(DAY - 3 * ONE, days=4, a_day=20)
    scan = strewn.scan()
    assert (scan.threshold, scan.raised) == (None, 0)


def test_the_first_scan_of_a_month_calibrates_and_the_others_do_not(strewn):
    strewn.background(days=364, a_day=8)
    first, second = strewn.scan(DAY - ONE), strewn.scan(DAY)
    assert 8.0 < first.threshold < 20.0
    assert (second.threshold, second.calibrated_on) == (first.threshold, DAY - ONE)


@pytest.mark.system(18)
@pytest.mark.parametrize(("classes", "hours"), [("", ""), ("event:09", "22-6"), ("event:0902", "")])
def test_heat_is_what_a_count_of_every_report_gives(world, strewn, classes, hours):
    strewn.background(days=20, a_day=10)
    strewn.heap(DAY, days=1, a_day=7, hour=23)
    strewn.heap(DAY, days=1, a_day=5, hour=5, code="09021")
    asked = {"cells": "h3-10", "classes": classes, "hours": hours, "until": f"{DAY}"}
    answer = world["supervision"].get("/v1/heat", **HERE, **asked, since=f"{DAY - 9 * ONE}")
    query = text(
        "select st_y(point), st_x(point) from report"
        " where created_at >= :since and created_at < :until"
        " and (:classes = '' or starts_with('event:' || class_code, :classes))"
        " and (:hours = '' or extract(hour from created_at at time zone 'Asia/Shanghai')"
        " in (22, 23, 0, 1, 2, 3, 4, 5))"
    )
    days = cities.calendar()
    span = {"since": days.begins(DAY - 9 * ONE), "until": days.begins(DAY + ONE)}
    with strewn.engine.connect() as connection:
        rows = connection.execute(query, span | {"classes": classes, "hours": hours}).all()
    by_hand = Counter(h3.latlng_to_cell(y, x, 10) for y, x in rows)
    assert {one["code"]: one["count"] for one in answer["listed"]} == by_hand
    assert (answer["reports"], answer["places"]) == (len(rows), len(by_hand))
    for one in answer["listed"]:
        assert one["per_km2"] == pytest.approx(
            one["count"] / h3.cell_area(one["code"], "km^2"), rel=1e-9
        )
    assert answer["listed"][0]["code"] == h3.latlng_to_cell(STAND["lat"], STAND["lon"], 10)


def test_unit_grids_are_counted_too_in_a_district_and_in_a_street(world, strewn):
    strewn.heap(DAY, days=1, a_day=7)
    strewn.add([116.315], [39.895], [DAY])
    whole = world["supervision"].get("/v1/heat", **HERE, until=f"{DAY}")
    assert sorted(one["count"] for one in whole["listed"]) == [1, 7]
    assert whole["listed"][0]["per_km2"] == pytest.approx(7 / whole["listed"][0]["area_km2"])
    for cells in ("unit_grid", "h3-8"):
        street = world[city.LEAD].get("/v1/heat", area=city.LEAD, until=f"{DAY}", cells=cells)
        assert [one["count"] for one in street["listed"]] == [7]


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"area": "110106"}, 403),
        ({"area": "11010"}, 422),
        ({"classes": "streets"}, 422),
        ({"hours": "22"}, 422),
        ({"hours": "6-6"}, 422),
        ({"cells": "h3-15"}, 422),
        ({"since": "2026-11-22", "until": "2026-11-21"}, 422),
        ({"since": "2024-11-22", "until": "2026-11-21"}, 422),
        ({"until": "0001-01-01"}, 422),
    ],
)
def test_questions_about_heat_that_cannot_be_answered_say_why(world, asked, status):
    given = world["supervision"].send("GET", "/v1/heat", params=HERE | asked)
    refusal(given, status)


def test_alarms_of_another_district_are_not_shown(world, strewn):
    _, alarm = ordered(world, strewn)
    east = world.person(Role.DISTRICT, city.EAST)
    refusal(east.send("GET", f"/v1/alarms/{alarm}"), 403)
    refusal(east.send("GET", "/v1/alarms", params=HERE), 403)
    refusal(east.send("GET", "/v1/foresight/page.html", params=HERE), 403)
    refusal(world["citizen"].send("GET", "/v1/alarms", params=HERE), 403)
    refusal(world["city"].send("GET", f"/v1/alarms/{'0' * 8}-0000-7000-8000-{'0' * 12}"), 404)


def test_alarms_have_pages_and_are_narrowed(world, strewn):
    ordered(world, strewn)
    assert len(alarms(world, watch="all", state="open", since=f"{DAY}", until=f"{DAY}")) == 1
    for other in ({"watch": "night"}, {"state": "closed"}, {"until": f"{DAY - ONE}"}):
        assert alarms(world, **other) == []
    page = world[city.LEAD].get("/v1/alarms", area=city.LEAD, limit=1)
    again = {"area": city.LEAD, "limit": 1, "cursor": page["next"]}
    assert world[city.LEAD].get("/v1/alarms", **again)["alarms"] == []
    assert world["city"].get("/v1/alarms", area=city.LEAD_NORTH)["alarms"] == []


@pytest.fixture
def own_watches(
    tmp_path: Path, service_database: str, index_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Let commands and the worker watch scooters in H3 cells."""
    (tmp_path / "watches.csv").write_text(
        "name,title,title_zh,classes,hours,places,alpha\n"
        f"all,Scooters,非机动车,event:{SCOOTERS},,h3-10,0.05\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("DATABASE_URL", service_database)
    monkeypatch.setenv("GRIDSVC_VAR_DIR", str(index_folder))
    monkeypatch.setenv("GRIDSVC_PROCEDURES_DIR", str(tmp_path))
    get_settings.cache_clear()

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["alarms", "scan", *arguments])

    yield run
    get_settings.cache_clear()


def test_the_command_scans_a_day_and_tells_what_it_found(own_watches, world, strewn):
    strewn.background(days=364, a_day=20)
    strewn.heap(DAY - 3 * ONE, days=4, a_day=8)
    strewn.calibrated()
    for _ in range(2):
        answer = own_watches("--day", f"{DAY}", "--district", city.WEST, "--json")
        (scan,) = json.loads(answer.stdout)
        assert (scan["watch"], scan["raised"], scan["threshold"]) == ("all", 1, 12.0)
    assert len(alarms(world)) == 1
    table = own_watches("--day", f"{DAY}").stdout
    assert "too little history" in table, table
    assert "12.00" in table


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("--day", "yesterday"), "write a day"),
        (("--day", "2999-01-01"), "is not over"),
        (("--watch", "moths"), "There is no watch 'moths'; there are all"),
        (("--district", "999999", "--day", "2026-01-01"), "There is no district 999999"),
    ],
)
def test_the_command_refuses_what_it_cannot_scan(own_watches, given, told):
    assert told in str(own_watches(*given).exception)


def test_the_worker_scans_yesterday_once(own_watches, world, strewn, monkeypatch):
    strewn.background(days=364, a_day=20)
    strewn.heap(DAY - 3 * ONE, days=4, a_day=8)
    strewn.calibrated()
    monkeypatch.setattr("gridsvc.cli.alarms.utc_now", lambda: world.clock.now)
    found = cities.city(**_settings())
    assert [scan_due(found, stopped) for stopped in (lambda: True, lambda: False)] == [1, 0]
    with strewn.engine.connect() as connection:
        made = connection.execute(
            text("select count(*) from alarm_scan where raised >= 0 and day = :day"), {"day": DAY}
        )
        # Of the two districts one was scanned before it was stopped, and the other behind that.
        assert made.scalar_one() == 2


def _settings() -> dict[str, Any]:
    now = get_settings()
    return {
        "DATABASE_URL": now.database_url,
        "var_dir": now.var_dir,
        "procedures_dir": now.procedures_dir,
    }
