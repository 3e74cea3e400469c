"""Lanes: imported, kept by a chief, patrolled by tracks; reports in reach go to the chief too."""

from __future__ import annotations

import datetime as dt
import json
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyproj
import pytest
import shapely
from typer.testing import CliRunner

from gridsvc.callers import Role
from gridsvc.cli.app import app
from tests.service import joint_city as city
from tests.service.conftest import report
from tests.service.procedures_world import CGJ, COMMUNITY, Clock, World, register

GEOD = pyproj.Geod(ellps="WGS84")
#: Beside the district border, on the border of two streets of the west, and inside the lead street.
BORDER, STREETS, INNER = "L-BORDER", "L-STREETS", "L-INNER"


def place(east: float, north: float) -> tuple[float, float]:
    lon, lat = city.beside_border(east, north).values()
    return lon, lat


LINES = {
    BORDER: shapely.LineString([place(0, -700), place(0, -500), place(0, -300)]),
    STREETS: shapely.LineString([place(-900, 0), place(-600, 0)]),
    INNER: shapely.LineString([place(-400, -555), place(-200, -555), place(-200, -400)]),
}


@pytest.fixture
def clock(monkeypatch):
    return Clock.held(monkeypatch)


@pytest.fixture
def world(client, city_engine, clock):
    register(city_engine)
    return World(client, clock)


@pytest.fixture
def run(commands):
    """A command against the city; gives its exit code and its JSON."""

    def call(*words: str) -> tuple[int, Any]:
        result = CliRunner().invoke(app, [*words, "--json"])
        return result.exit_code, json.loads(result.stdout) if result.stdout else result.exception

    return call


@pytest.fixture
def load(run, tmp_path):
    def call(lines: dict[str, Any], street: str = city.LEAD, **more: Any) -> tuple[int, Any]:
        features = [
            {
                "type": "Feature",
                "geometry": shapely.geometry.mapping(line),
                "properties": {"code": code, "name": f"{code}胡同", "street": street, **more},
            }
            for code, line in lines.items()
        ]
        path = tmp_path / "lanes.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        given = ("--district", city.WEST, "--on", "2026-01-01")
        return run("import", "lanes", str(path), *given)

    return call


def enter(world: World, code: str, role: str = "chief", **more: Any) -> Any:
    given = {"name": f"Chief {code}", "office": city.LEAD, "valid_from": "2026-01-01"}
    return world["supervision"].post("/v1/staff", {"code": code, "role": role, **given, **more})


def keep(world: World, segment: str, staff: str, role: str = "chief", **more: Any) -> Any:
    sent = {"staff": staff, "role": role, "valid_from": "2026-01-01", **more}
    return world[city.LEAD].post(f"/v1/lanes/{city.WEST}/{segment}/keepers", sent)


def lanes(world: World, by: str = city.LEAD, **asked: Any) -> dict[str, Any]:
    return {one["code"]: one for one in world[by].get("/v1/lanes", **asked)["lanes"]}


def track(world: World, *corners: tuple[float, float], minutes_ago: float = 60) -> dict[str, Any]:
    """Walked at 4 km/h with a fix every 10 m, from so many minutes ago on."""
    way = shapely.LineString([place(*one) for one in corners])
    metres = GEOD.geometry_length(way)
    count, start = round(metres / 10), world.clock.now - dt.timedelta(minutes=minutes_ago)
    fixes = []
    for n in range(count + 1):
        point = way.interpolate(n / count, normalized=True)
        moment = start + dt.timedelta(seconds=n * metres / count / (4 / 3.6))
        fixes.append({"lon": point.x, "lat": point.y, "at": moment.isoformat()})
    return {"track": fixes}


def patrol(world: World, sent: dict[str, Any], staff: str = "W1", by: str = city.LEAD) -> Any:
    walker = {"staff": {"district": city.WEST, "code": staff}}
    return world[by].post("/v1/lanes/patrols", {**sent, **walker})


@pytest.mark.system(21)
def test_lanes_come_in_with_the_streets_on_both_sides(load, world):
    assert load({BORDER: LINES[BORDER], INNER: LINES[INNER]}) == (
        *(0, {"rows": 2, "loaded": 2, "known": 0, "refused": []}),
    )
    assert load({STREETS: LINES[STREETS]}, city.LEAD_NORTH)[0] == 0
    found = lanes(world, "supervision")
    assert {code: one["beside"] for code, one in found.items()} == {
        BORDER: [city.LEAD, city.OTHER],
        STREETS: [city.LEAD_NORTH, city.LEAD],
        INNER: [city.LEAD],
    }
    for code, line in LINES.items():
        assert found[code]["length_m"] == pytest.approx(GEOD.geometry_length(line), abs=0.01)
    # What lies on the border is in the list of either side.
    assert set(lanes(world, city.LEAD)) == {BORDER, STREETS, INNER}
    assert set(lanes(world, city.OTHER)) == {BORDER}
    assert load({INNER: LINES[INNER]})[1]["known"] == 1


def test_one_bad_line_keeps_all_out_and_is_told_with_its_number(load, world):
    good = LINES[INNER]
    for code, line, more, told in (
        ("L 2", good, {}, "'code' of a segment is 'L 2'"),
        ("L2", good, {"name": ""}, "'name' of a segment is ''"),
        ("L2", good, {"street": city.OTHER}, "'street' of a segment is"),
        ("L2", good, {"street": city.LEAD_NORTH}, f"runs in {city.LEAD}, not beside"),
        ("L2", shapely.Point(place(0, 0)), {}, "not one line"),
        (
            "L2",
            shapely.MultiLineString([LINES[STREETS], LINES[BORDER]]),
            {},
            "not one line; divide it",
        ),
        ("L2", shapely.LineString([place(-300, -300), place(-300, -299.5)]), {}, "shorter than"),
        ("L2", shapely.LineString([(117, 41), (117, 41.001)]), {}, "none of the city"),
    ):
        exit_code, answer = load({code: line}, **more)
        assert (exit_code, answer["loaded"]) == (1, 0)
        assert told in answer["refused"][0]["reason"], answer
    assert lanes(world) == {}


@pytest.mark.system(21)
def test_a_segment_has_one_chief_on_a_day_and_wardens_beside(load, world):
    load({INNER: LINES[INNER]})
    for code, role in (("C1", "chief"), ("C2", "chief"), ("W1", "grid_worker")):
        enter(world, code, role)
    path = f"/v1/lanes/{city.WEST}/{INNER}/keepers"
    keep(world, INNER, "C1", valid_to="2026-12-01")
    keep(world, INNER, "W1", "warden")
    own = world[city.LEAD]
    day = {"valid_from": "2026-06-01"}
    for sent, status, told in (
        ({"staff": "C2", "role": "chief", **day}, 409, "C1 keeps L-INNER as chief"),
        ({"staff": "W1", "role": "warden", **day}, 409, "W1 keeps L-INNER as warden"),
        ({"staff": "W1", "role": "chief", **day}, 422, "as grid_worker; 'chief' needs chief"),
        ({"staff": "C9", "role": "chief", **day}, 422, "has nobody 'C9'"),
        ({"staff": "C2", "role": "chief", "valid_from": "2025-01-01"}, 422, "has nobody 'C2'"),
        ({"staff": "C2", "role": "chief", **day, "valid_to": "2026-06-01"}, 422, "come after"),
    ):
        assert told in own.refused(path, sent, status=status)["detail"], sent
    for by in (city.OTHER, CGJ, "worker"):
        sent = {"staff": "C2", "role": "chief", **day}
        world[by].refused(path, sent, status=403)
    neighbour = world.person(Role.STREET, city.LEAD_NORTH)
    neighbour.refused(path, {"staff": "C2", "role": "chief", **day}, status=403)
    nowhere = f"/v1/lanes/{city.WEST}/L-9/keepers"
    own.refused(nowhere, {"staff": "C2", "role": "chief", **day}, status=404)
    keep(world, INNER, "C2", valid_from="2026-12-01")
    one = lanes(world)[INNER]
    assert (one["chief"]["staff_code"], one["chief"]["name"]) == ("C1", "Chief C1")
    assert [it["staff_code"] for it in one["wardens"]] == ["W1"]
    assert lanes(world, day="2026-12-01")[INNER]["chief"]["staff_code"] == "C2"
    ended = own.post(f"{path}/W1/end", {"on": "2026-11-23", "reason": "moved away"})
    assert ended["valid_to"] == "2026-11-23"
    assert lanes(world)[INNER]["wardens"] == []
    own.refused(f"{path}/W1/end", {"on": "2026-11-23", "reason": "again"}, status=409)


def test_of_two_who_name_a_chief_at_once_one_is_named(load, world):
    load({INNER: LINES[INNER]})
    for n in range(8):
        enter(world, f"C{n}")
    path = f"/v1/lanes/{city.WEST}/{INNER}/keepers"

    def name(n: int) -> int:
        sent = {"staff": f"C{n}", "role": "chief", "valid_from": "2026-01-01"}
        return world[city.LEAD].send("POST", path, json=sent).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(name, range(8))) == [201] + [409] * 7


@pytest.mark.system(21)
def test_a_chief_who_has_left_is_none_and_the_lane_is_listed(load, world, client):
    load({INNER: LINES[INNER], BORDER: LINES[BORDER]})
    member = enter(world, "C1")
    keep(world, INNER, "C1")
    keep(world, BORDER, "C1")
    assert lanes(world, without_chief="true") == {}
    end = {"on": "2026-11-23", "reason": "left"}
    world["supervision"].post(f"/v1/staff/{member['id']}/end", end)
    assert set(lanes(world, without_chief="true")) == {BORDER, INNER}
    assert lanes(world, without_chief="true", day="2026-11-22") == {}
    layer = json.loads(client.get("/exports/lanes.geojson").content)["features"]
    assert [(one["properties"]["code"], one["properties"]["chief"]) for one in layer] == [
        *((BORDER, False), (INNER, False)),
    ]
    before = client.get("/exports/lanes.geojson", params={"as_of": "2026-11-23"}).json()
    assert {one["properties"]["chief"] for one in before["features"]} == {False}


# -- patrols --------------------------------------------------------------------------------------


@pytest.mark.system(21)
def test_the_share_patrolled_is_the_union_of_what_was_walked_and_days_count(load, world, clock):
    load({BORDER: LINES[BORDER], INNER: LINES[INNER]})
    enter(world, "W1", "grid_worker")
    whole = GEOD.geometry_length(LINES[BORDER])
    first = patrol(world, track(world, (3, -700), (3, -500)))
    (walked,) = first["stretches"]
    assert (walked["segment_code"], walked["from_m"]) == (BORDER, pytest.approx(0, abs=0.5))
    assert walked["to_m"] == pytest.approx(whole / 2, abs=0.7)
    clock.forward(days=3)
    patrol(world, track(world, (-4, -400), (-4, -600)))
    one = lanes(world)[BORDER]
    # By hand: -700 to -500 and -600 to -400 are three quarters of 400 m, walked twice or not.
    assert one["patrolled_percent"] == pytest.approx(75, abs=0.4)
    assert (one["last_patrolled"], one["days_since"]) == ("2026-11-26", 0)
    assert lanes(world, days=1)[BORDER]["patrolled_percent"] == pytest.approx(50, abs=0.4)
    listed = world[city.OTHER].get("/v1/lanes/patrols")["patrols"]
    assert [it["staff_code"] for it in listed] == ["W1", "W1"]
    assert listed[0]["id"] == first["id"]
    page = world[city.LEAD].get("/v1/lanes/patrols", limit=1)
    rest = world[city.LEAD].get("/v1/lanes/patrols", cursor=page["next"])["patrols"]
    assert [it["id"] for it in (*page["patrols"], *rest)] == [it["id"] for it in listed]
    assert world[city.LEAD].get("/v1/lanes/patrols", since="2026-11-27")["patrols"] == []
    assert world[city.OTHER].get(f"/v1/lanes/{city.WEST}/{BORDER}")["code"] == BORDER
    for name, status in ((INNER, 403), ("L-9", 404)):
        answer = world[city.OTHER].send("GET", f"/v1/lanes/{city.WEST}/{name}")
        assert answer.status_code == status
    assert (lanes(world)[INNER]["patrolled_m"], lanes(world)[INNER]["days_since"]) == (0, None)
    clock.forward(days=5)
    assert set(lanes(world, not_patrolled=5)) == {BORDER, INNER}
    assert set(lanes(world, not_patrolled=6)) == {INNER}
    assert lanes(world)[BORDER]["days_since"] == 5
    # The month's review, from the lengths by GEOS and the three quarters that were walked.
    asked = {"area": city.LEAD, "period": "2026-11"}
    review = world["supervision"].send("GET", "/v1/assessments/review", params=asked).text
    share = 75 * whole / (whole + GEOD.geometry_length(LINES[INNER]))
    cells = ("2", "2", "1", f"{share:.1f}")
    assert "".join(f'<td class="number">{cell}</td>' for cell in cells) in review


def test_a_track_is_not_kept_and_one_person_walks_once_at_a_time(load, world, city_session):
    load({INNER: LINES[INNER]})
    enter(world, "W1", "grid_worker")
    sent = track(world, (-400, -555), (-200, -555))
    walker = {"staff": {"district": city.WEST, "code": "W1"}}
    patrol(world, sent)
    told = world[city.LEAD].refused("/v1/lanes/patrols", {**sent, **walker}, status=409)
    assert "has a patrol from" in told["detail"]
    assert load({INNER: LINES[INNER]})[0] == 0
    moved = shapely.LineString([place(-400, -550), place(-200, -555)])
    code, answer = load({INNER: moved})
    assert (code, "give the new line a new code" in answer["refused"][0]["reason"]) == (1, True)


def test_a_track_that_cannot_be_a_patrol_is_refused(load, world):
    load({INNER: LINES[INNER]})
    enter(world, "W1", "grid_worker", subject="warden one")
    sent = track(world, (-400, -555), (-200, -555))
    fix = sent["track"][0]
    later = (world.clock.now + dt.timedelta(hours=1)).isoformat()
    walker = {"staff": {"district": city.WEST, "code": "W1"}}
    for wrong, told in (
        ({"track": [fix, {**fix, "at": later}]}, "lies in the future"),
        ({"track": [fix, fix]}, "lasts more than no time"),
        ({"track": [fix, {**fix, "at": "2026-11-23T09:30:00"}]}, "no time zone"),
        ({"track": [fix, {**sent["track"][1], "lon": 110}]}, "wider than a city"),
        ({"staff": {"district": city.WEST, "code": "W9"}}, "has nobody 'W9'"),
    ):
        refused = world[city.LEAD].refused(
            "/v1/lanes/patrols", {**sent, **walker, **wrong}, status=422
        )
        assert told in refused["detail"]
    assert (
        "does not know this token"
        in (world[city.LEAD].refused("/v1/lanes/patrols", sent, status=422)["detail"])
    )
    world[city.OTHER].refused("/v1/lanes/patrols", {**sent, **walker}, status=403)
    world["worker"].refused("/v1/lanes/patrols", {**sent, **walker}, status=403)
    warden = world.person(Role.GRID_WORKER, COMMUNITY, subject="warden one")
    assert warden.post("/v1/lanes/patrols", sent)["staff_code"] == "W1"


# -- reports --------------------------------------------------------------------------------------


def told_of(world: World, case_id: str) -> list[dict[str, Any]]:
    entries = world["supervision"].get(f"/v1/cases/{case_id}/trace")["entries"]
    return [one["content"] for one in entries if one["action"] == "lane_told"]


@pytest.mark.system(21)
def test_a_report_on_either_side_of_a_lane_that_is_the_border_goes_to_its_chief(load, world):
    load({BORDER: LINES[BORDER]})
    enter(world, "C1", subject="chief one")
    keep(world, BORDER, "C1")
    chief = world.person(Role.GRID_WORKER, city.LEAD, subject="chief one")
    west, east = (
        world["citizen"].post("/v1/reports", report(metres, **{"class": city.RUBBISH}))
        for metres in (-30, 30)
    )
    far = world["citizen"].post("/v1/reports", report(-70, **{"class": city.NOISE}))
    mine = chief.get("/v1/lanes/mine")
    assert [one["code"] for one in mine["lanes"]] == [BORDER]
    found = {one["report_id"]: one for one in mine["reports"]}
    assert len(found) == 2
    assert {one["case_district"] for one in found.values()} == {city.WEST, city.EAST}
    for filed, metres_east in ((west, -30), (east, 30)):
        one = next(it for it in found.values() if it["case_id"] == filed["case_id"])
        wanted = GEOD.inv(*place(metres_east, -555), *place(0, -555))[2]
        assert one["metres"] == pytest.approx(wanted, abs=1e-3)
    assert far["case_id"] not in {one["case_id"] for one in found.values()}
    (entry,) = told_of(world, west["case_id"])
    assert entry["lanes"][0] | {"metres": 0} == {
        **{"district": city.WEST, "segment": BORDER, "metres": 0, "chief": "C1"}
    }
    assert told_of(world, far["case_id"]) == []


def test_a_report_that_is_moved_goes_to_the_chiefs_of_where_it_is(load, world):
    load({BORDER: LINES[BORDER], INNER: LINES[INNER]})
    for code, segment in (("C1", BORDER), ("C2", INNER)):
        enter(world, code, subject=f"chief {code}")
        keep(world, segment, code)
    chiefs = {
        code: world.person(Role.GRID_WORKER, city.LEAD, subject=f"chief {code}")
        for code in ("C1", "C2")
    }

    def seen() -> dict[str, int]:
        return {code: len(one.get("/v1/lanes/mine")["reports"]) for code, one in chiefs.items()}

    filed = world["citizen"].post("/v1/reports", report(-30, **{"class": city.RUBBISH}))
    assert seen() == {"C1": 1, "C2": 0}
    moved = {"location": {**city.beside_border(-300), "accuracy_m": 5}, "reason": "seen there"}
    world["supervision"].post(f"/v1/reports/{filed['receipt']}/move", moved)
    assert seen() == {"C1": 0, "C2": 1}


@pytest.mark.system(21)
def test_which_lanes_are_in_reach_is_as_a_dense_walk_along_every_line_tells(load, world):
    load({BORDER: LINES[BORDER], INNER: LINES[INNER]})
    load({STREETS: LINES[STREETS]}, city.LEAD_NORTH)
    chance = random.Random(21)
    dense = {
        code: shapely.get_coordinates(
            [
                *shapely.line_interpolate_point(line, np.linspace(0, 1, 40_001), normalized=True),
                line,
            ]
        )
        for code, line in LINES.items()
    }
    for _ in range(60):
        line = LINES[chance.choice(list(LINES))]
        near = line.interpolate(chance.random(), normalized=True)
        lon = near.x + chance.uniform(-70, 70) / city.LON_M
        lat = near.y + chance.uniform(-70, 70) / city.LAT_M
        found = world["worker"].get("/v1/lanes/near", lon=lon, lat=lat)["lanes"]
        wanted = {}
        for code, xy in dense.items():
            ends = np.full(len(xy), lon), np.full(len(xy), lat)
            metres = float(GEOD.inv(*ends, xy[:, 0], xy[:, 1])[2].min())
            if metres <= 50:
                wanted[code] = metres
        assert {one["code"]: one["metres"] for one in found} == pytest.approx(wanted, abs=1e-3)
        assert [one["metres"] for one in found] == sorted(one["metres"] for one in found)


# -- list, layer, page, command -------------------------------------------------------------------


@pytest.mark.system(21)
def test_the_list_the_layer_the_page_and_the_command_say_the_same(
    load, run, world, client, tmp_path
):
    load({BORDER: LINES[BORDER], INNER: LINES[INNER]})
    enter(world, "C1")
    enter(world, "W1", "grid_worker")
    path = tmp_path / "keepers.csv"
    rows = [f"{INNER},C1,chief,2026-01-01", f"{INNER},W1,warden,2026-01-01"]
    for bad, told in (
        (f"{INNER},C1,boss,2026-01-01", "'role' is"),
        ("X,C1,chief,2026-01-01", "no"),
    ):
        path.write_text("\n".join(["segment,staff,role,valid_from", rows[1], bad]) + "\n")
        code, answer = run("import", "lane-keepers", str(path), "--district", city.WEST)
        assert (code, told in answer["refused"][0]["reason"]) == (1, True)
    path.write_text("\n".join(["segment,staff,role,valid_from", *rows]) + "\n")
    for loaded in (2, 0):
        code, answer = run("import", "lane-keepers", str(path), "--district", city.WEST)
        assert (code, answer["loaded"], answer["known"]) == (0, loaded, 2 - loaded)
    patrol(world, track(world, (-400, -555), (-200, -555)))
    page = tmp_path / "lanes.html"
    today = ("--day", "2026-11-23")
    code, listed = run("lanes", "--area", city.LEAD, "--page", str(page), *today)
    assert {
        one["code"]: one["chief"] and one["chief"]["staff_code"] for one in listed["lanes"]
    } == {**{BORDER: None, INNER: "C1"}}
    assert [one["code"] for one in run("lanes", "--without-chief", *today)[1]["lanes"]] == [BORDER]
    assert [one["code"] for one in run("lanes", "--not-patrolled", "1", *today)[1]["lanes"]] == [
        BORDER
    ]
    assert "L-BORDER胡同" in page.read_text(encoding="utf-8")
    served = world[city.LEAD].send("GET", "/v1/lanes/page.html")
    assert "无街巷长" in served.text
    features = client.get("/exports/lanes.geojson").json()["features"]
    told = {one["properties"]["code"]: one["properties"] for one in features}
    assert (told[INNER]["chief"], told[BORDER]["chief"]) == (True, False)
    assert (told[INNER]["last_patrolled"], told[BORDER]["last_patrolled"]) == ("2026-11-23", None)
    assert "Chief" not in json.dumps(features)
    x, y = (int(n) for n in _tile(*place(-300, -555), 15))
    tile = client.get(f"/tiles/lanes/15/{x}/{y}.mvt")
    assert (tile.status_code, INNER.encode() in tile.content) == (200, True)


def test_a_page_of_the_list_goes_on_where_the_one_before_ended(load, world):
    load({f"L{n}": LINES[INNER] for n in range(7)})
    seen, cursor = [], ""
    while cursor is not None:
        page = world[city.LEAD].get("/v1/lanes", limit=3, cursor=cursor)
        seen += [one["code"] for one in page["lanes"]]
        cursor = page["next"]
    assert seen == [f"L{n}" for n in range(7)]


def _tile(lon: float, lat: float, zoom: int) -> tuple[float, float]:
    n, phi = 2**zoom, np.radians(lat)
    return (lon + 180) / 360 * n, (1 - np.arcsinh(np.tan(phi)) / np.pi) / 2 * n
