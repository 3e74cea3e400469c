"""Every answer agrees on which edition, grid, part, duty and agreement is in force at a moment.

Moments lie around midnight of the city and of UTC, on days before and after unit grids are rebuilt,
in two zones. They are asked for by ``as_of``, and as the present by turning the service's clock.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pyogrio
import pytest
import shapely
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from gridsvc.api import clock
from gridsvc.api.app import create_app
from gridsvc.callers import Role
from gridsvc.cli.app import app as command
from gridsvc.db import PrivateCluster, create_engine, session_factory
from gridsvc.settings import Settings, get_settings
from tests.scratch import copy_of
from tests.service import areas_world as areas
from tests.service import days_world as world
from tests.service.conftest import REPORTER_KEY, TOKEN_KEY, token_of
from tests.service.test_tiles import address

BEIJING, ANGELES = "Asia/Shanghai", "America/Los_Angeles"
#: The ground that goes from one community to the other, and what a tile of zoom 13 is asked at.
STRIP = (116.3088, 39.8795, 116.3105, 39.8905)
WEST, SOUTH, EAST, NORTH = 116.30, 39.88, 116.34, 39.90
ZOOM = 13


class Asgi:
    """A client of an application without a server, so that nothing goes on behind a held clock."""

    def __init__(self, app: FastAPI, portal: BlockingPortal) -> None:
        transport = httpx.ASGITransport(app=app)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://test")
        self._portal = portal

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self._portal.call(partial(self._client.request, method, path, **more))


@dataclass
class City:
    """A city, what is true of it, and ways to ask it at a moment."""

    url: str
    zone: str
    facts: world.Facts
    client: Asgi
    folder: Path
    #: Gives what a question at a moment needs: turns the clock, or gives the query ``as_of``.
    at: Callable[[dt.datetime], dict[str, str]] = lambda moment: {
        "as_of": moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    }

    def get(self, path: str, moment: dt.datetime, **query: Any) -> httpx.Response:
        return self.client.request("GET", path, params={**query, **self.at(moment)})

    def post(self, path: str, moment: dt.datetime, body: Any, role: Role | None = None) -> Any:
        headers = {} if role is None else {"Authorization": f"Bearer {token_of(role)}"}
        answer = self.client.request(
            "POST", path, params=self.at(moment), json=body, headers=headers
        )
        assert answer.is_success, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(scope="module", params=[BEIJING, ANGELES])
def city(
    request: pytest.FixtureRequest,
    cluster: PrivateCluster,
    template_database: str,
    portal: BlockingPortal,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[City]:
    folder = tmp_path_factory.mktemp("days")
    with copy_of(cluster, template_database) as url:
        engine = create_engine(url)
        with session_factory(engine).begin() as session:
            facts = world.make(session, request.param)
        app = create_app(
            Settings(
                DATABASE_URL=url,
                var_dir=folder,
                token_key=TOKEN_KEY,
                reporter_key=REPORTER_KEY,
                zone=request.param,
            )
        )
        yield City(url, request.param, facts, Asgi(app, portal), folder)
        app.state.service.engine.dispose()
        engine.dispose()


@pytest.fixture
def held(city: City, monkeypatch: pytest.MonkeyPatch) -> City:
    """The same city at present, where the present is what is asked for."""
    present = SimpleNamespace(moment=dt.datetime.now(dt.UTC))
    clocks = SimpleNamespace(now=lambda zone: present.moment.astimezone(zone))
    monkeypatch.setattr(clock, "dt", SimpleNamespace(datetime=clocks, UTC=dt.UTC))

    def turn(moment: dt.datetime) -> dict[str, str]:
        if present.moment != moment:
            present.moment = moment
            time.sleep(0.3)  # a store of atlases looks twice in a half second what is in force
        return {}

    return replace(city, at=turn)


def moments(zone: str) -> st.SearchStrategy[dt.datetime]:
    """Around the midnights of a day on which something changes, of the city's and of UTC."""
    days = st.sampled_from([world.FIRST, world.REBUILT, world.LAST])
    zones = st.sampled_from([world.ZoneInfo(zone), dt.UTC])
    shifts = st.one_of(
        st.sampled_from([-1, 0, 1, 3600 * 7, 3600 * 16]), st.integers(-30 * 3600, 54 * 3600)
    )
    return st.builds(
        lambda day, of, shift: (
            dt.datetime.combine(day, dt.time(), tzinfo=of) + dt.timedelta(seconds=shift)
        ).astimezone(dt.UTC),
        days,
        zones,
        shifts,
    )


_SLOW = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@_SLOW
@given(data=st.data())
def test_all_answers_as_of_a_moment_agree(city: City, data: st.DataObject) -> None:
    check(city, data.draw(moments(city.zone)))


@_SLOW
@given(data=st.data())
def test_all_answers_of_the_present_agree(held: City, data: st.DataObject) -> None:
    check(held, data.draw(moments(held.zone)))


@pytest.mark.parametrize("day", [world.FIRST, world.REBUILT, world.LAST])
def test_a_day_begins_at_midnight_of_the_city(city: City, held: City, day: dt.date) -> None:
    begins = dt.datetime.combine(day, dt.time(), tzinfo=city.facts.zone)
    for asked in (city, held):
        for hours in (-1 / 3600, 0, 7):
            check(asked, (begins + dt.timedelta(hours=hours)).astimezone(dt.UTC))
    # A bare day asks for its end.
    by_day = replace(city, at=lambda moment: {"as_of": city.facts.day(moment).isoformat()})
    for last in (begins, begins + dt.timedelta(days=1)):
        check(by_day, last - dt.timedelta(seconds=1))


def check(city: City, moment: dt.datetime) -> None:
    for one in (places, batches, exports, tiles, relations, codes, parts, borders, what_if):
        one(city, moment)


def places(city: City, moment: dt.datetime) -> None:
    """/v1/locate: the grid of the day, and the editions of the moment."""
    for point, _ in city.facts.parts.values():
        found = city.get("/v1/locate", moment, lon=point.x, lat=point.y).json()
        grid = found["unit_grid"]
        assert (grid and grid["code"]) == city.facts.grid_of(moment, point)
        named = {level: found["edition"][level]["id"] for level in city.facts.editions}
        assert named == {level: city.facts.edition(level, moment) for level in named}


def batches(city: City, moment: dt.datetime) -> None:
    points = [point for point, _ in city.facts.parts.values()]
    body = {"points": [[point.x, point.y] for point in points]}
    found = city.post("/v1/locate/batch", moment, body)["results"]
    assert [row["grid_code"] for row in found] == [
        city.facts.grid_of(moment, point) for point in points
    ]


def exports(city: City, moment: dt.datetime) -> None:
    drawn = {
        (it["properties"]["district_code"], it["properties"]["code"]): it
        for it in _features(city, moment, "unit_grids")
    }
    grids = city.facts.grids_at(moment)
    assert drawn.keys() == grids.keys()
    for key, grid in grids.items():
        polygon = shapely.geometry.shape(drawn[key]["geometry"])
        assert shapely.equals_exact(polygon, grid.polygon), key
        assert drawn[key]["properties"]["area_m2"] == grid.area_m2
    listed = {it["properties"]["code"]: it["properties"] for it in _features(city, moment, "parts")}
    assert listed.keys() == city.facts.registered(moment)
    if "as_of" in city.at(moment):
        for code, properties in listed.items():
            point, _ = city.facts.parts[code]
            assert properties["grid_code"] == city.facts.grid_of(moment, point)
    for level, layer in (("street", "streets"), ("community", "communities")):
        named = {it["properties"]["edition"] for it in _features(city, moment, layer)}
        assert named == {city.facts.edition(level, moment)}


def _features(city: City, moment: dt.datetime, layer: str) -> list[Any]:
    found: list[Any] = city.get(f"/exports/{layer}.geojson", moment).json()["features"]
    return found


def tiles(city: City, moment: dt.datetime) -> None:
    grids = _tiled(city, moment, "unit_grids", ("district_code", "code", "area_m2"))
    expected = city.facts.grids_at(moment)
    assert grids == {(*key, round(grid.area_m2)) for key, grid in expected.items()}
    there = _tiled(city, moment, "parts", ("code",))
    assert there == {(code,) for code in city.facts.standing(moment)}
    for level, layer in (("street", "streets"), ("community", "communities")):
        newest = city.facts.edition(level, moment) == f"{level}-new"
        assert _tiled(city, moment, layer, ("accuracy_m",)) == {(7.0 if newest else 5.0,)}


def _tiled(
    city: City, moment: dt.datetime, layer: str, columns: tuple[str, ...]
) -> set[tuple[Any, ...]]:
    """These columns of all features in the tiles of a layer that hold the city."""
    zoom = 15 if layer == "parts" else ZOOM  # where parts are drawn without thinning
    (left, top), (right, bottom) = address(WEST, NORTH, zoom), address(EAST, SOUTH, zoom)
    found: set[tuple[Any, ...]] = set()
    for x in range(left, right + 1):
        for y in range(top, bottom + 1):
            answer = city.get(f"/tiles/{layer}/{zoom}/{x}/{y}.mvt", moment)
            if answer.status_code == 200:
                file = city.folder / "tile.mvt"
                file.write_bytes(answer.content)
                table = pyogrio.read_dataframe(file, layer=layer, read_geometry=False)
                found |= set(table[list(columns)].itertuples(index=False, name=None))
    return found


def relations(city: City, moment: dt.datetime) -> None:
    """Which grids a strip touches, and which parts lie in the district; the edition of an area."""
    strip = {"geojson": shapely.geometry.mapping(shapely.box(*STRIP))}
    dated = city.at(moment)
    touched = {
        key
        for key, grid in city.facts.grids_at(moment).items()
        if shapely.intersects(grid.polygon, shapely.box(*STRIP))
    }
    assert _related(city, strip, {"layer": "unit_grids", **dated}) == touched
    standing = {(areas.WEST, code) for code in city.facts.standing(moment)}
    assert _related(city, strip, {"layer": "parts", **dated}) == standing
    answer = _relate(city, strip, {"layer": "streets", **dated})
    assert answer.json()["b"]["edition"] == city.facts.edition("street", moment)


def _related(city: City, a: Any, b: Any) -> set[world.Key]:
    answer = _relate(city, a, b)
    if answer.status_code == 404:  # the layer holds nothing
        return set()
    assert answer.status_code == 200, answer.text
    return {(pair["b"]["district"], pair["b"]["code"]) for pair in answer.json()["pairs"]}


def _relate(city: City, a: Any, b: Any) -> httpx.Response:
    body = {"relation": "intersects", "a": a, "b": b, "limit": 1000}
    return city.client.request("POST", "/v1/relations", json=body)


def codes(city: City, moment: dt.datetime) -> None:
    """/v1/codes: as of a day what bore the code then; without one, what the register has."""
    if "as_of" not in city.at(moment):
        return
    before, after = (grids for _, grids in city.facts.grids)
    changed = [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)]
    for district, code in sorted(changed)[:8]:
        answer = city.get(f"/v1/districts/{district}/codes/{code}", moment)
        grid = city.facts.grids_at(moment).get((district, code))
        if grid is None:
            begun = city.facts.day(moment) >= world.REBUILT
            assert answer.status_code == (200 if begun else 404), answer.text
            assert not begun or answer.json()["matches"][0]["state"] == "void"
            continue
        (match,) = answer.json()["matches"]
        assert (match["state"], match["area_m2"]) == ("valid", grid.area_m2)
        assert shapely.equals_exact(shapely.geometry.shape(match["geometry"]), grid.polygon)


def parts(city: City, moment: dt.datetime) -> None:
    near = f"{STRIP[0]},39.885"
    found = city.get("/v1/parts", moment, near=near, radius_m=2000, limit=1000).json()["parts"]
    assert {part["code"] for part in found} == city.facts.registered(moment)
    if "as_of" in city.at(moment):
        for code in city.facts.parts:
            status = 200 if code in city.facts.registered(moment) else 404
            for path in (f"/v1/parts/{areas.WEST}/{code}", f"/v1/codes/{code}"):
                assert city.get(path, moment).status_code == status


def borders(city: City, moment: dt.datetime) -> None:
    """/v1/areas and what lies below it."""
    for level in ("street", "community"):
        edition = city.facts.edition(level, moment)
        page = city.get("/v1/areas", moment, level=level).json()
        assert page["edition"][level]["id"] == edition
        code = page["areas"][0]["code"]
        for path in ("", "/neighbours", "/geometry"):
            assert city.get(f"/v1/areas/{code}{path}", moment).json()["edition"]["id"] == edition


def what_if(city: City, moment: dt.datetime) -> None:
    """What would change if a street took the strip: its grids, parts and duties of the day."""
    taken = shapely.union(areas.box(0, 1, 2, 1), shapely.box(*STRIP[:3], 39.89))
    feature = {
        "type": "Feature",
        "properties": {"code": "110102007"},
        "geometry": shapely.geometry.mapping(taken),
    }
    body = {"geojson": {"type": "FeatureCollection", "features": [feature]}}
    answer = city.post("/v1/what-if", moment, body, Role.ADMIN)
    assert answer["day"] == city.facts.day(moment).isoformat()
    assert answer["edition"] == city.facts.edition("street", moment)
    assert {it["code"] for it in answer["parts"]["listed"]} == city.facts.standing(moment)
    strip = shapely.box(STRIP[0], 39.88, STRIP[2], 39.89)
    touched = {
        key
        for key, grid in city.facts.grids_at(moment).items()
        if shapely.intersection(grid.polygon, strip).area > 1e-10
    }
    listed = answer["unit_grids"]["listed"]
    assert {(it["district_code"], it["code"]) for it in listed} == touched
    assert {it["body"] for it in answer["duties"]["listed"]} == city.facts.duty(moment)


@pytest.mark.parametrize("hours", [-1 / 3600, 0, 7, 16, 23.9])
@pytest.mark.parametrize("day", [world.REBUILT, world.LAST])
def test_a_report_goes_to_whom_the_lists_of_its_day_name(
    held: City, day: dt.date, hours: float
) -> None:
    begins = dt.datetime.combine(day, dt.time(), tzinfo=held.facts.zone)
    moment = (begins + dt.timedelta(hours=hours)).astimezone(dt.UTC)
    n = int(hours) % 5 + (5 if day == world.LAST else 0)
    place = {"lon": 116.3005 + 0.0018 * n, "lat": 39.8815 if n % 2 else 39.8885}
    body = {"class": world.NOISE, "location": {**place, "accuracy_m": 5.0}}

    responsible = held.post("/v1/reports", moment, body, Role.CITIZEN)["responsibility"]

    facts = held.facts
    expected = {world.AGREED_BODY} if facts.is_agreed(moment) else facts.duty(moment)
    assert {responsible["lead"]["code"]} == expected
    assert responsible["ground"] == ("agreement" if facts.is_agreed(moment) else "duty")


def test_the_commands_agree(city: City, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", city.url)
    monkeypatch.setenv("GRIDSVC_VAR_DIR", str(city.folder))
    monkeypatch.setenv("GRIDSVC_ZONE", city.zone)
    get_settings.cache_clear()
    strip = tmp_path / "strip.geojson"
    strip.write_text(json.dumps(shapely.geometry.mapping(shapely.box(*STRIP))), "utf-8")
    point, _ = city.facts.parts["02010000"]
    begins = dt.datetime.combine(world.REBUILT, dt.time(), tzinfo=city.facts.zone)
    for moment in (begins - dt.timedelta(seconds=1), begins, begins + dt.timedelta(hours=7)):
        as_of = moment.isoformat()
        located = _run("locate", str(point.x), str(point.y), "--as-of", as_of)
        assert located["unit_grid"]["code"] == city.facts.grid_of(moment, point)
        pairs = _run("relate", str(strip), "intersects", "unit_grids", "--b-as-of", as_of)["pairs"]
        assert {(it["b"]["district"], it["b"]["code"]) for it in pairs} == {
            key
            for key, grid in city.facts.grids_at(moment).items()
            if shapely.intersects(grid.polygon, shapely.box(*STRIP))
        }
    for day in (world.FIRST, world.REBUILT, world.LAST):
        gaps = _run("duties", "gaps", "--day", day.isoformat(), "--district", areas.WEST)
        assert gaps["streets"] == 2
    get_settings.cache_clear()


def _run(*words: str) -> Any:
    answered = CliRunner().invoke(command, [*words, "--json"], catch_exceptions=False)
    assert answered.exit_code == 0, answered.output
    return json.loads(answered.stdout.splitlines()[-1])
