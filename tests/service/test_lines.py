"""A line picks what it crosses, and a team is made from it, over HTTP and from the command line."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import httpx
import pyproj
import pytest
import shapely
from geoalchemy2.shape import to_shape
from sqlalchemy import select
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from gridsvc.callers import Role
from gridsvc.cli.app import app
from gridsvc.registry.areas.service import NewArea, load_edition
from gridsvc.registry.editions.service import activate_edition
from gridsvc.registry.grids.models import UnitGrid
from gridsvc.settings import get_settings
from gridsvc.spatial.crs import from_wgs84
from tests import cities
from tests.service import joint_city as city
from tests.service.conftest import Person, refusal, token_of

GEOD = pyproj.Geod(ellps="WGS84")
#: As Line S1 goes from one district into the next, here from west to east, with two bends.
S1 = shapely.LineString(
    [(116.303, 39.884), (116.311, 39.886), (116.325, 39.8845), (116.338, 39.887)]
)
#: On the border of the districts, from south to north.
BORDER = shapely.LineString([(city.BORDER_LON, 39.881), (city.BORDER_LON, 39.899)])
GZ = [f"{city.WEST}-GZ", f"{city.EAST}-GZ"]


def sent(line: shapely.Geometry, **more: Any) -> dict[str, Any]:
    return {"line": shapely.geometry.mapping(line), "class": city.BUILDING, **more}


def team(line: shapely.Geometry = S1, **more: Any) -> dict[str, Any]:
    return sent(line, task="Clear the sheds under the viaduct.", **more)


@pytest.fixture
def command(client: httpx.Client) -> Person:
    """The command of the whole city."""
    return Person(client, token_of(Role.CITY, ""))


@pytest.fixture
def lead(client: httpx.Client) -> Person:
    return Person(client, token_of(Role.STREET, city.LEAD))


@pytest.fixture
def other(client: httpx.Client) -> Person:
    return Person(client, token_of(Role.STREET, city.OTHER))


def codes(level: dict[str, Any]) -> list[str]:
    return [one["code"] for one in level["members"]]


@pytest.mark.system(29)
def test_a_line_picks_grids_streets_and_districts_in_the_order_of_travel(
    command: Person, city_session: Session
) -> None:
    forth = command.post("/v1/lines", sent(S1))
    back = command.post("/v1/lines", sent(shapely.reverse(S1)))

    assert codes(forth["districts"]) == [city.WEST, city.EAST]
    assert codes(forth["streets"]) == [city.LEAD, city.OTHER]
    assert codes(forth["communities"]) == [f"{city.LEAD}001", f"{city.OTHER}001"]
    assert len(codes(forth["unit_grids"])) == 4
    for level in ("districts", "streets", "communities", "unit_grids"):
        assert codes(back[level]) == codes(forth[level])[::-1]
        assert sum(one["metres"] for one in forth[level]["members"]) == pytest.approx(
            GEOD.geometry_length(S1), rel=1e-5
        )
        assert (forth[level]["outside_m"], forth[level]["shared_m"]) == pytest.approx(
            (0, 0), abs=0.01
        )
    for cell in city_session.scalars(select(UnitGrid)):
        inside = GEOD.geometry_length(shapely.intersection(S1, to_shape(cell.geometry)))
        told = [
            one["metres"]
            for one in forth["unit_grids"]["members"]
            if one["code"] == cell.national_id
        ]
        assert told == ([pytest.approx(inside, rel=1e-5)] if inside else [])


@pytest.mark.system(29)
def test_the_four_bodies_of_the_line_are_the_streets_and_who_is_listed_for_the_class(
    command: Person,
) -> None:
    found = command.post("/v1/lines", sent(S1))["bodies"]

    assert [(one["code"], one["roles"]) for one in found] == [
        (city.LEAD, ["territory", "lead"]),
        (GZ[0], ["assist"]),
        (city.OTHER, ["territory", "lead"]),
        (GZ[1], ["assist"]),
    ]
    west = GEOD.geometry_length(shapely.intersection(S1, city.STREETS[0].geometry))
    assert found[0]["metres"] == found[1]["metres"] == pytest.approx(west, rel=1e-5)


@pytest.mark.system(29)
def test_along_a_border_both_sides_are_in_with_their_bodies(command: Person) -> None:
    found = command.post("/v1/lines", sent(BORDER))

    every = {street.code for street in city.STREETS}
    assert set(codes(found["streets"])) == every
    assert {one["code"] for one in found["bodies"]} == every | set(GZ)
    length = GEOD.geometry_length(BORDER)
    assert found["streets"]["shared_m"] == pytest.approx(length, rel=1e-5)
    assert sum(it["metres"] for it in found["streets"]["members"]) == pytest.approx(
        2 * length, rel=1e-5
    )


def test_a_side_that_only_the_width_reaches_is_in_with_its_bodies(command: Person) -> None:
    beside = shapely.LineString(
        [tuple(city.beside_border(-30.0, north).values()) for north in (-900.0, -200.0)]
    )

    narrow = command.post("/v1/lines", sent(beside, width_m=40))
    wide = command.post("/v1/lines", sent(beside, width_m=80))

    assert codes(narrow["streets"]) == [city.LEAD]
    assert codes(wide["streets"]) == [city.LEAD, city.OTHER]
    assert wide["streets"]["members"][1]["metres"] == 0
    assert wide["streets"]["members"][1]["corridor_m2"] == pytest.approx(7_000, rel=0.02)
    assert {one["code"] for one in wide["bodies"]} == {city.LEAD, city.OTHER, *GZ}


def test_a_line_of_a_chinese_map_is_brought_to_wgs84(command: Person) -> None:
    shifted = shapely.LineString([from_wgs84(*place, "gcj02") for place in S1.coords])

    found = command.post("/v1/lines", sent(shifted, crs="gcj02"))

    assert found["length_m"] == pytest.approx(GEOD.geometry_length(S1), rel=1e-4)
    assert codes(found["streets"]) == [city.LEAD, city.OTHER]


@pytest.mark.parametrize(
    ("line", "more", "type", "field"),
    [
        (shapely.Point(116.31, 39.89), {}, "bad-geometry", "line"),
        (shapely.LineString([(116.31, 39.89), (116.31, 39.89)]), {}, "bad-geometry", "line"),
        (shapely.LineString([(110.0, 30.0), (110.1, 30.0)]), {}, "outside-city", "line"),
        (shapely.LineString([(-63.6, -39.9), (-63.6, -39.8)]), {}, "outside-city", "line"),
        (S1, {"class": "99999"}, "unknown-class", "class"),
        (S1, {"width_m": 0}, "bad-input", "width_m"),
        (S1, {"crs": "EPSG:1"}, "unknown-crs", "crs"),
    ],
)
def test_a_line_that_cannot_be_is_refused_with_its_field(
    command: Person, line: Any, more: Any, type: str, field: str
) -> None:
    problem = command.refused("/v1/lines", sent(line) | more, status=422, type=type)
    assert problem["field"] == field


def test_the_page_of_a_line_names_its_streets_and_bodies(command: Person) -> None:
    page = command.send("POST", "/v1/lines/page.html", json=sent(S1))

    assert page.status_code == 200, page.text
    assert "太平桥街道" in page.text
    assert "丰台区规划分局" in page.text
    assert page.text.count("<tr>") > 12


@pytest.mark.system(29)
def test_a_team_of_four_bodies_is_formed_from_a_line_and_works_to_its_end(
    client: httpx.Client, lead: Person, other: Person
) -> None:
    formed = lead.post("/v1/lines/teams", team(), key="once")
    again = lead.post("/v1/lines/teams", team(), key="once")

    assert again == formed
    (whistle,) = formed["whistles"]
    assert (whistle["ground"], whistle["step"], whistle["joint"]) == ("line", "agree_plan", True)
    assert whistle["demand"]["letter"] == {"task": "Clear the sheds under the viaduct."}
    assert [it["code"] for it in whistle["facts"]["streets"]] == [city.LEAD, city.OTHER]
    assert {(it["body_code"], it["role"], it["called_from"]) for it in whistle["called"]} == {
        (city.LEAD, "side", city.LEAD),
        (city.OTHER, "side", city.OTHER),
        (GZ[0], "department", city.LEAD),
        (GZ[1], "department", city.OTHER),
    }
    everybody = {city.LEAD: lead, city.OTHER: other}
    for code in GZ:
        everybody[code] = Person(client, token_of(Role.DEPARTMENT, code[:6], code))
        inbox = everybody[code].get(f"/v1/bodies/{code}/inbox")["messages"]
        assert [it["topic"] for it in inbox] == ["called"]

    steps = f"/v1/cases/{whistle['case_id']}/steps"
    plan = {"time": dt.datetime.now(dt.UTC).isoformat(), "place": "pier 7", "division": "by side"}
    for side in (lead, other):
        side.post(steps, {"step": "agree_plan", "evidence": {"plan": plan}})
    address = f"/v1/whistles/{whistle['id']}/bodies"
    # Two kilometres from the place of the case, but on the line; and 300 m beside it.
    at, beside = {"lon": 116.337, "lat": 39.88681}, {"lon": 116.337, "lat": 39.8895}
    for code, who in everybody.items():
        who.post(f"{address}/{code}/accept")
        came = who.post(f"{address}/{code}/report-in", beside)
        assert (came["far"], came["reported_in_at"]) == (True, None)
        assert who.post(f"{address}/{code}/report-in", at)["far"] is False
    other.post(steps, {"step": "joint_action", "note": "Cleared."})
    for code, who in everybody.items():
        who.post(f"{address}/{code}/done", {"note": "Done."})
    lead.refused(steps, {"step": "close", "note": "Clear."}, status=409)
    for code in (city.OTHER, GZ[0]):
        lead.post(f"{address}/{code}/score", {"score": 90})
    for code in (city.LEAD, GZ[1]):
        other.post(f"{address}/{code}/score", {"score": 90})
    lead.post(steps, {"step": "close", "note": "Clear."})
    assert other.post(steps, {"step": "close", "note": "Clear."})["state"] == "closed"
    page = client.get(f"/map/whistles/{whistle['id']}")
    assert page.status_code == 200
    assert "沿线联合执法" in page.text


def test_whom_the_line_does_not_cross_can_neither_lead_nor_be_called(
    lead: Person, command: Person, client: httpx.Client
) -> None:
    path = "/v1/lines/teams"
    north = Person(client, token_of(Role.STREET, city.LEAD_NORTH))
    east = Person(client, token_of(Role.DISTRICT, city.EAST))

    problem = command.refused(path, team(lead=city.LEAD_NORTH), status=422)
    assert (problem["field"], city.OTHER in problem["detail"]) == ("lead", True)
    north.refused(path, team(), status=403)
    east.refused(path, team(lead=city.LEAD), status=403)
    assert lead.refused(path, team(bodies=["110108-CGJ"]), status=422)["field"] == "bodies"
    problem = lead.refused(path, team(bodies=[city.OTHER_NORTH]), status=422)
    assert city.OTHER_NORTH in problem["detail"]
    within = shapely.LineString([(116.302, 39.884), (116.318, 39.886)])
    assert lead.refused(path, team(within), status=422)["field"] == "line"


def test_the_caller_chooses_who_comes_and_the_city_units_come_with_the_lead(lead: Person) -> None:
    bodies = [city.WATER, f"{city.EAST}-CGJ"]

    (whistle,) = lead.post("/v1/lines/teams", team(bodies=bodies))["whistles"]

    came = {it["body_code"]: it["called_from"] for it in whistle["called"]}
    assert came == {
        city.LEAD: city.LEAD,
        city.OTHER: city.OTHER,
        city.WATER: city.LEAD,
        f"{city.EAST}-CGJ": city.OTHER,
    }


def test_inside_one_district_the_streets_are_the_sides(lead: Person) -> None:
    north = shapely.LineString([(116.31, 39.881), (116.31, 39.899)])

    (whistle,) = lead.post("/v1/lines/teams", team(north))["whistles"]

    assert {it["body_code"]: it["role"] for it in whistle["called"]} == {
        city.LEAD: "side",
        city.LEAD_NORTH: "side",
        GZ[0]: "department",
    }


THIRD, THIRD_STREET = "110107", "110107001"


@pytest.fixture
def three_districts(city_session: Session) -> None:
    """A third district east of the two."""
    ground = city.box(116.34, 39.88, 116.36, 39.90)
    added = {"district": NewArea(THIRD, "石景山区", ground)}
    added["street"] = NewArea(THIRD_STREET, "八宝山街道", ground)
    for level, drawn in (("district", city.DISTRICTS), ("street", city.STREETS)):
        load_edition(
            city_session,
            id=f"{level}-2021",
            level=level,
            title="Made up",
            source="made up for a test",
            licence="CC0",
            accuracy_m=5.0,
            approximate=False,
            effective_from=city.SINCE + dt.timedelta(days=366),
            areas=[*drawn, added[level]],
            at=cities.now(),
        )
        activate_edition(
            city_session, f"{level}-2021", without_audit="made up for a test", at=cities.now()
        )
    city_session.add(city.body(THIRD_STREET, "八宝山街道办事处", "street", THIRD_STREET))
    city_session.commit()


@pytest.mark.system(29)
@pytest.mark.usefixtures("three_districts")
def test_through_three_districts_every_other_one_is_a_side(client: httpx.Client) -> None:
    lead = Person(client, token_of(Role.STREET, city.LEAD))
    line = shapely.LineString([*S1.coords, (116.355, 39.89)])

    whistles = lead.post("/v1/lines/teams", team(line))["whistles"]

    assert [it["participant_district"] for it in whistles] == [city.EAST, THIRD]
    assert [{one["body_code"] for one in it["called"]} for it in whistles] == [
        {city.LEAD, city.OTHER, *GZ},
        {city.LEAD, THIRD_STREET, GZ[0]},
    ]


@pytest.fixture
def run(city_database: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the command in the city; gives its result."""
    monkeypatch.setenv("DATABASE_URL", city_database)
    get_settings.cache_clear()
    yield lambda *words: CliRunner().invoke(app, ["line", *words])
    get_settings.cache_clear()


def test_the_command_lists_what_the_lines_of_a_file_cross(run: Any, tmp_path: Path) -> None:
    file, page = tmp_path / "s1.geojson", tmp_path / "s1.html"
    file.write_text(json.dumps(shapely.geometry.mapping(S1)))

    told = run(str(file), "--class", city.BUILDING, "--json", "--page", str(page))
    shown = run(str(file), "--class", city.BUILDING)

    assert (told.exit_code, shown.exit_code) == (0, 0), told.output + shown.output
    answer = json.loads(told.stdout)
    assert codes(answer["streets"]) == [city.LEAD, city.OTHER]
    assert "太平桥街道" in shown.stdout
    assert "太平桥街道" in page.read_text(encoding="utf-8")


def test_a_file_without_lines_is_refused(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "point.geojson"
    file.write_text(json.dumps(shapely.geometry.mapping(shapely.Point(116.31, 39.89))))
    assert "not a line" in str(run(str(file)).exception)


def test_nobody_without_a_token_asks_along_a_line(client: httpx.Client) -> None:
    refusal(client.post("/v1/lines", json=sent(S1)), 401)
