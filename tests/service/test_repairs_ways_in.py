"""Repairs over HTTP, from the command line, and as a page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import shapely
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from gridsvc.callers import Role
from gridsvc.cli.app import app
from gridsvc.registry.areas.service import NewArea, load_edition
from gridsvc.settings import get_settings
from tests import cities
from tests.service import joint_city as city
from tests.service.conftest import Person, refusal

PATH = "/v1/editions/drawn/repairs"
#: The western street claims a bulge of 17 m of the eastern one, across the border of the districts.
BULGE = [(116.30, 39.88), (116.32, 39.88), (116.3202, 39.885), (116.32, 39.89), (116.30, 39.89)]


@pytest.fixture
def drawn(city_session: Session) -> None:
    """A draft of the streets with one overlap."""
    areas = [
        NewArea(city.LEAD, "广安门外街道", shapely.Polygon(BULGE)),
        *(NewArea(it.code, it.name, it.geometry) for it in city.STREETS if it.code != city.LEAD),
    ]
    load_edition(
        city_session,
        id="drawn",
        level="street",
        title="Drawn anew",
        source="made up for a test",
        licence="CC0",
        accuracy_m=20.0,
        approximate=False,
        effective_from=city.SINCE,
        areas=areas,
        at=cities.now(),
    )
    city_session.commit()


@pytest.fixture
def admin(as_: Callable[..., Person]) -> Person:
    return as_(Role.ADMIN, "", subject="Li Na")


def the_fault(person: Person) -> dict[str, Any]:
    (fault,) = person.get(f"{PATH}/proposals")["faults"]
    return dict(fault)


@pytest.mark.usefixtures("drawn")
def test_a_fault_is_proposed_previewed_mended_and_taken_back_over_http(admin: Person) -> None:
    fault = the_fault(admin)
    give = f"{fault['id']}:give:{city.OTHER}"

    shown = admin.get(f"{PATH}/preview", proposal=give)
    made = admin.post(PATH, {"proposals": [give], "why": "both signed"}, key="1")
    again = admin.post(PATH, {"proposals": [give], "why": "both signed"}, key="1")
    repair = made["repairs"][0]
    back = admin.post(
        f"/v1/editions/{made['edition']}/repairs/undo", {"repairs": [repair["id"]], "why": "error"}
    )

    assert fault["fault"]["codes"] == [city.LEAD, city.OTHER]
    (area,) = shown["areas"]
    assert (area["code"], area["gained_m2"]) == (city.LEAD, 0.0)
    assert area["lost_m2"] == pytest.approx(fault["fault"]["area_m2"], abs=0.01)
    roles = [it["properties"]["role"] for it in shown["geojson"]["features"]]
    assert roles == ["fault", "before", "after"]
    assert (made["edition"], made["state"], again) == ("drawn.r1", "draft", made)
    assert (repair["by"], repair["why"], repair["method"]) == ("Li Na", "both signed", "give")
    assert (back["edition"], back["repairs"][0]["undoes"]) == ("drawn.r2", repair["id"])
    assert [it["id"] for it in admin.get(PATH)["repairs"]] == [repair["id"]]
    same = admin.get("/v1/editions/drawn.r2/repairs/proposals")["faults"]
    assert [it["id"] for it in same] == [fault["id"]]


@pytest.mark.usefixtures("drawn")
def test_who_may_not_change_both_borders_mends_nothing(
    admin: Person, as_: Callable[..., Person], client: httpx.Client
) -> None:
    fault = the_fault(admin)["id"]
    body = {"proposals": [f"{fault}:midline"], "why": "mine"}

    refusal(client.get(f"{PATH}/proposals"), 401)
    refusal(as_(Role.CITIZEN).send("GET", f"{PATH}/proposals"), 403)
    refusal(as_(Role.ANALYST).send("POST", PATH, json=body), 403)
    west = as_(Role.DISTRICT, city.WEST)
    assert city.OTHER in west.refused(PATH, body, status=403)["detail"]
    assert admin.get(PATH)["repairs"] == []
    own = {"proposals": [f"{fault}:give:{city.OTHER}"], "why": "ours to lose"}
    assert west.post(PATH, own)["edition"] == "drawn.r1"


@pytest.mark.usefixtures("drawn")
def test_bad_repairs_are_problems(admin: Person) -> None:
    fault = the_fault(admin)["id"]

    for body, status in (
        ({"proposals": [], "why": "x"}, 422),
        ({"proposals": [f"{fault}:midline"]}, 422),
        ({"proposals": [f"{fault}:midline"], "why": " "}, 422),
        ({"proposals": ["nonsense"], "why": "x"}, 422),
        ({"proposals": ["0123456789ab:midline"], "why": "x"}, 404),
        ({"proposals": [f"{fault}:midline"], "why": "x", "new_edition": "drawn"}, 409),
        ({"proposals": [f"{fault}:midline"], "why": "x", "effective_from": "soon"}, 422),
    ):
        admin.refused(PATH, body, status=status)
    refusal(admin.send("GET", f"{PATH}/proposals", params={"cursor": "x"}), 422)
    refusal(admin.send("GET", "/v1/editions/nowhere/repairs"), 404)


@pytest.fixture
def run(city_database: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run 'gridsvc edition repair' in the city; gives what it prints."""
    monkeypatch.setenv("DATABASE_URL", city_database)
    get_settings.cache_clear()

    def command(*words: str) -> str:
        result = CliRunner().invoke(app, ["edition", "repair", *words])
        if result.exception is not None:
            raise result.exception
        return result.stdout

    yield command
    get_settings.cache_clear()


@pytest.mark.usefixtures("drawn")
def test_the_command_goes_the_whole_way(run: Any, tmp_path: Path) -> None:
    (fault,) = json.loads(run("list", "drawn", "--json"))
    proposal = f"{fault['id']}:snap:{city.LEAD}"
    page, geojson = tmp_path / "preview.html", tmp_path / "preview.geojson"

    table = run("list", "drawn", "--fault", fault["id"])
    run("preview", "drawn", proposal, "--page", str(page), "--geojson", str(geojson))
    made = json.loads(
        run("apply", "drawn", proposal, "--by", "Li", "--why", "measured", "--as", "new", "--json")
    )
    repair = made["repairs"][0]["id"]
    undone = run("undo", "new", repair, "--by", "Li", "--why", "no", "--as", "old")
    history = json.loads(run("history", "new", "--json"))

    assert "overlap" in table
    # What is to be copied is not shortened.
    assert proposal in table
    assert made["edition"] == "new"
    assert "old is a draft" in undone
    assert [it["action"] for it in history] == ["applied", "undone"]
    roles = [it["properties"]["role"] for it in json.loads(geojson.read_text())["features"]]
    assert roles == ["fault", "before", "after"]
    html = page.read_text()
    # The side whose line stays is drawn and named beside the one whose line moves.
    assert "广安门外街道" in html
    assert re.search(r"太平桥街道 110106002</td><td[^>]*>不变 unchanged", html)
    assert html.count("<svg viewBox") == 2
    # Nothing on the page comes from another host.
    assert not re.findall(r'src="http|<link[^>]*href="http|url\(["\']?http', html)
