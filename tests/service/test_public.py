"""What everybody may know of a report, and who is told where exactly its pin is."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from gridsvc.callers import Role
from tests.service import joint_city as city
from tests.service.conftest import Person, refusal, token_of

EXACT = {"point", "accuracy_m", "border"}


@pytest.fixture
def resident(as_: Callable[..., Person]) -> Person:
    return as_(Role.CITIZEN, subject="a resident")


@pytest.mark.parametrize("as_of", [{}, {"as_of": "2026-01-01"}])
def test_the_pin_of_a_report_is_told_to_its_staff_and_whoever_filed_it(
    client: httpx.Client, resident: Person, as_: Callable[..., Person], as_of: dict[str, str]
) -> None:
    filed = resident.report(-300)
    for name in (filed["id"], filed["receipt"]):
        where = f"/v1/reports/{name}"
        for person in (
            resident,
            as_(Role.STREET, city.LEAD),
            as_(Role.GRID_WORKER, f"{city.LEAD}001"),
            as_(Role.DISTRICT, city.WEST),
            as_(Role.CITY),
        ):
            placement = person.get(where, **as_of)["placement"]
            assert placement.keys() >= EXACT
        public = client.get(where, params=as_of).json()["placement"]
        for placement in (
            public,
            as_(Role.CITIZEN).get(where, **as_of)["placement"],
            as_(Role.STREET, city.LEAD_NORTH).get(where, **as_of)["placement"],
            as_(Role.DISTRICT, city.EAST).get(where, **as_of)["placement"],
        ):
            assert not placement.keys() & EXACT
            assert placement["street"]["code"] == city.LEAD


@pytest.mark.parametrize("open_parts", [False, True])
def test_owners_and_notes_of_parts_are_exported_to_staff_or_as_open_data(
    serve: Callable[..., httpx.Client], open_parts: bool
) -> None:
    client = serve(open_parts=open_parts)
    for token, told in (
        (None, open_parts),
        (token_of(Role.CITIZEN), open_parts),
        (token_of(Role.STREET, city.LEAD_NORTH), True),
    ):
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        features = client.get("/exports/parts.geojson", headers=headers).json()["features"]
        names = {"owner_body", "maintainer_body", "note"}
        shown = [names & feature["properties"].keys() for feature in features]
        assert shown == [names if told else set()] * 4


def test_a_street_moves_no_pin_of_its_neighbour(
    resident: Person, as_: Callable[..., Person]
) -> None:
    filed = resident.report(-300)
    move = {"location": city.beside_border(-300, 300.0), "reason": "seen there"}
    for stranger in (
        as_(Role.STREET, city.LEAD_NORTH),
        as_(Role.GRID_WORKER, f"{city.LEAD_NORTH}001"),
        as_(Role.DISTRICT, city.EAST),
    ):
        problem = refusal(stranger.send("POST", f"/v1/reports/{filed['id']}/move", json=move), 403)
        assert "place" in problem["detail"]
    as_(Role.GRID_WORKER, f"{city.LEAD}001").post(f"/v1/reports/{filed['id']}/move", move)
    as_(Role.STREET, city.LEAD_NORTH).post(f"/v1/reports/{filed['id']}/move", move)


def test_a_community_worker_reads_the_cases_of_the_community_alone(
    resident: Person, as_: Callable[..., Person]
) -> None:
    case = resident.report(-300)["case_id"]
    own, other = (as_(Role.GRID_WORKER, f"{s}001") for s in (city.LEAD, city.LEAD_NORTH))
    own.get(f"/v1/cases/{case}")
    assert [it["id"] for it in own.get("/v1/cases")["cases"]] == [case]
    refusal(other.send("GET", f"/v1/cases/{case}"), 403)
    assert other.get("/v1/cases")["cases"] == []


def test_the_other_side_of_a_joint_case_finds_it_in_its_list(
    as_: Callable[..., Person],
) -> None:
    case = as_(Role.STREET, city.LEAD).report(-6, footprint=city.astride())["case_id"]
    for side in (city.LEAD, city.OTHER):
        assert [it["id"] for it in as_(Role.STREET, side).get("/v1/cases")["cases"]] == [case]
    for stranger in (city.LEAD_NORTH, city.OTHER_NORTH):
        assert as_(Role.STREET, stranger).get("/v1/cases")["cases"] == []


def test_what_if_tells_the_open_cases_of_the_own_area_alone(
    resident: Person, as_: Callable[..., Person]
) -> None:
    case = resident.report(-100)["case_id"]
    west, south, east, north = city.STREETS[0].geometry.bounds
    moved = dict(city.box(west, south, east - 0.002, north).__geo_interface__)
    given = dict(city.box(east - 0.002, south, east + 0.02, north).__geo_interface__)
    border = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": {"code": code}, "geometry": shape}
            for code, shape in ((city.LEAD, moved), (city.OTHER, given))
        ],
    }
    for person, seen in (
        (as_(Role.STREET, city.LEAD), [case]),
        (as_(Role.CITY), [case]),
        (as_(Role.STREET, city.LEAD_NORTH), []),
        (as_(Role.DISTRICT, city.EAST), []),
    ):
        told = person.post("/v1/what-if", {"geojson": border})["cases"]["listed"]
        assert [it["id"] for it in told] == seen
