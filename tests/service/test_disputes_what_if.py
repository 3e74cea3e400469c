"""What-if: counted by hand in the made-up city, and nothing written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import shapely
from sqlalchemy import Engine, text
from typer.testing import CliRunner

from gridsvc.callers import Role
from gridsvc.cli import app as command
from gridsvc.db import session_factory
from gridsvc.settings import get_settings
from tests.service import disputed_city as disputed
from tests.service import joint_city as city
from tests.service.conftest import Person

#: The eastern street takes 150 m of the western one, from 800 m to 300 m south of the middle.
LOW, HIGH = city.beside_border(-150.0, -800.0), city.beside_border(0.0, -300.0)
TAKEN = shapely.box(*LOW.values(), *HIGH.values())


@pytest.fixture
def staff(as_: Callable[..., Person]) -> Person:
    return as_(Role.DISTRICT, city.WEST)


def border(**more: Any) -> dict[str, Any]:
    by_code = {area.code: area.geometry for area in city.STREETS}
    moved = {
        city.LEAD: by_code[city.LEAD].difference(TAKEN),
        city.OTHER: by_code[city.OTHER].union(TAKEN),
    }
    return {
        "type": "FeatureCollection",
        "features": [feature(code, area) for code, area in (moved | more).items()],
    }


def feature(code: Any, area: Any) -> dict[str, Any]:
    geometry = None if area is None else shapely.geometry.mapping(area)
    return {"type": "Feature", "properties": {"code": code}, "geometry": geometry}


def test_a_moved_border_takes_parts_grids_cases_duties_and_bodies_with_it(
    staff: Person, citizen: Person, city_engine: Engine
) -> None:
    inside = citizen.report(-100.0)
    citizen.report(-300.0, description="outside", **{"class": city.NOISE})
    before = rows(city_engine)

    answer = staff.post("/v1/what-if", {"geojson": border()})

    (transfer,) = answer["transfers"]
    assert (transfer["from"]["code"], transfer["to"]["code"]) == (city.LEAD, city.OTHER)
    assert transfer["area_m2"] == pytest.approx(150 * 500, rel=2e-3)
    assert transfer["across_districts"] is True
    changes = {it["code"]: it["after_m2"] - it["before_m2"] for it in answer["areas"]}
    assert changes[city.LEAD] == pytest.approx(-transfer["area_m2"], abs=0.1)
    assert changes[city.OTHER] == pytest.approx(transfer["area_m2"], abs=0.1)
    assert (answer["overlapping_m2"], answer["unclaimed_m2"]) == (0.0, 0.0)

    parts = {it["code"]: it for it in answer["parts"]["listed"]}
    assert set(parts) == {city.OWNED, city.UNOWNED, city.SHARED}
    assert parts[city.OWNED]["body_before"] == parts[city.OWNED]["body_after"]
    assert parts[city.UNOWNED]["body_before"]["code"] == city.LEAD
    assert parts[city.UNOWNED]["body_after"]["code"] == city.OTHER

    (grid,) = answer["unit_grids"]["listed"]
    assert (grid["district_code"], grid["code"]) == (city.WEST, "02000002")
    assert grid["touched_m2"] == pytest.approx(transfer["area_m2"], abs=0.1)

    (case,) = answer["cases"]["listed"]
    assert case["id"] == inside["case_id"]
    assert (case["body_before"]["code"], case["body_after"]["code"]) == (city.LEAD, city.OTHER)

    duties = {(it["body"], it["change"]) for it in answer["duties"]["listed"]}
    assert duties == {
        (body.format(d), change)
        for d, street, change in (
            (city.WEST, city.LEAD, "ends"),
            (city.EAST, city.OTHER, "begins"),
        )
        for body in ("{}-CGJ", "{}-GZ", street)
    }
    assert {city.LEAD, city.OTHER} <= {it["code"] for it in answer["bodies"]["listed"]}
    assert rows(city_engine) == before


def test_a_border_that_is_drawn_carelessly_says_what_is_claimed_twice_and_by_nobody(
    staff: Person,
) -> None:
    by_code = {area.code: area.geometry for area in city.STREETS}
    given_away = border(**{city.OTHER: by_code[city.OTHER]})
    taken_only = border(**{city.LEAD: by_code[city.LEAD]})

    left = staff.post("/v1/what-if", {"geojson": given_away})
    assert left["unclaimed_m2"] == pytest.approx(150 * 500, rel=2e-3)
    assert left["transfers"][0]["to"] is None
    twice = staff.post("/v1/what-if", {"geojson": taken_only})
    assert twice["overlapping_m2"] == pytest.approx(150 * 500, rel=2e-3)


def test_a_border_drawn_as_it_is_changes_nothing(staff: Person) -> None:
    by_code = {area.code: area.geometry for area in city.STREETS}
    answer = staff.post("/v1/what-if", {"geojson": border(**by_code)})

    assert answer["transfers"] == answer["areas"] == []
    for name in ("parts", "unit_grids", "cases", "duties", "bodies"):
        assert answer[name]["count"] == 0


def test_an_agreement_changes_who_answers_inside_its_zone_for_its_classes(
    staff: Person, citizen: Person, city_engine: Engine
) -> None:
    building = citizen.report(-100.0)
    citizen.report(-100.0, **{"class": city.NOISE})
    citizen.report(-300.0, description="outside")
    draft = disputed.draft(zone=dict(shapely.geometry.mapping(TAKEN)))
    draft["duties"].append({"body": f"{city.EAST}-CGJ", "kind": "part", "class": "01"})
    before = rows(city_engine)

    answer = staff.post("/v1/what-if", {"agreement": draft})

    assert answer["kind"] == "agreement"
    (street,) = [it for it in answer["areas"] if it["in_zone_m2"] > 1]
    assert street["code"] == city.LEAD
    assert street["in_zone_m2"] == pytest.approx(150 * 500, rel=2e-3)
    (case,) = answer["cases"]["listed"]
    assert case["id"] == building["case_id"]
    assert case["body_after"]["code"] == f"{city.EAST}-CGJ"
    assert {it["code"] for it in answer["parts"]["listed"]} == {city.UNOWNED, city.SHARED}
    changed = {(it["body"], it["change"]) for it in answer["duties"]["listed"]}
    assert (city.LEAD, "ends") in changed
    assert (f"{city.EAST}-CGJ", "begins") in changed
    assert rows(city_engine) == before

    with session_factory(city_engine).begin() as session:
        session.execute(text("update duty set valid_to = valid_from"))
    unlisted = staff.post("/v1/what-if", {"agreement": draft})
    assert (city.LEAD, "ends") not in {
        (it["body"], it["change"]) for it in unlisted["duties"]["listed"]
    }


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        ({}, 422, "Send exactly one"),
        ({"geojson": {"type": "Point"}}, 422, "FeatureCollection"),
        ({"geojson": {"type": "FeatureCollection", "features": []}}, 422, "no features"),
        ({"geojson": feature(None, TAKEN)}, 422, "'code'"),
        ({"geojson": feature("11010", TAKEN)}, 422, "11010"),
        ({"geojson": feature(city.LEAD, None)}, 422, "has no geometry"),
        ({"geojson": feature(city.LEAD, TAKEN.centroid)}, 422, "Polygon"),
        (
            {
                "geojson": {
                    "type": "FeatureCollection",
                    "features": [feature(city.LEAD, TAKEN), feature(city.WEST, TAKEN)],
                }
            },
            422,
            "several levels",
        ),
        (
            {
                "geojson": {
                    "type": "FeatureCollection",
                    "features": [feature(city.LEAD, TAKEN), feature(city.LEAD, TAKEN)],
                }
            },
            422,
            "drawn twice",
        ),
        ({"geojson": feature(city.LEAD, TAKEN), "crs": "mars"}, 422, "mars"),
        ({"agreement": {"title": "x"}}, 422, "zone"),
    ],
)
def test_a_proposal_that_cannot_be_is_refused_with_what_is_wrong(
    staff: Person, given: dict[str, Any], status: int, words: str
) -> None:
    assert words in staff.refused("/v1/what-if", given, status=status)["detail"]


def test_citizens_and_strangers_ask_no_what_if(citizen: Person, client: Any) -> None:
    citizen.refused("/v1/what-if", {"geojson": border()}, status=403, type="not-allowed")
    assert client.post("/v1/what-if", json={"geojson": border()}).status_code == 401


def test_the_command_finds_shows_and_asks(
    city_database: str, city_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", city_database)
    monkeypatch.setenv("GRIDSVC_VAR_DIR", str(tmp_path))
    get_settings.cache_clear()
    with session_factory(city_engine).begin() as session:
        disputed.draw(session)
    file = tmp_path / "border.geojson"
    file.write_text(json.dumps(border()), encoding="utf-8")

    def run(*words: str) -> Any:
        result = CliRunner().invoke(command.app, ["disputes", *words])
        assert result.exit_code == 0, (result.output, result.exception)
        return result.stdout

    try:
        found = json.loads(run("find", "street-2026", "--json"))
        assert len(found["new"]) == 3
        assert json.loads(run("find", "street-2026", "--json"))["new"] == []
        listed = json.loads(run("list", "--state", "open", "--json"))
        assert {it["id"] for it in listed} == set(found["new"])
        name = found["new"][0]
        assert name in run("list"), "whole, so that it can be copied"
        run("note", name, "measured on the spot")
        run("state", name, "under_negotiation", "--why", "a meeting")
        assert json.loads(run("show", name))["state"] == "under_negotiation"
        run("dossier", name, str(tmp_path / "d.html"))
        run("dossier", name, str(tmp_path / "d.gpkg"))
        assert (tmp_path / "d.gpkg").read_bytes()[:6] == b"SQLite"
        asked = json.loads(run("what-if", str(file), "--json").splitlines()[-1])
        # The file also takes back what the western street claims east of the border.
        assert asked["unit_grids"]["count"] == 2
        assert "unit grids" in run("what-if", str(file))
    finally:
        get_settings.cache_clear()


def rows(engine: Engine) -> dict[str, int]:
    tables = (*city.WRITTEN, "area", "edition", "agreement", "agreement_duty", "duty", "dispute")
    query = " union all ".join(
        f"select '{it}', count(*) from {it}"  # noqa: S608 - names of our own tables
        for it in tables
    )
    with engine.connect() as connection:
        return {row[0]: row[1] for row in connection.execute(text(query))}
