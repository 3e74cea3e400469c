"""What a hostile sender tries: a refusal each time, never a fault of the service."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from gridsvc.callers import Role
from tests.service.conftest import Person, refusal, report

LATER = "2026-11-27T10:00:00+23:30"
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"as_of": LATER}, 200),
        ({"as_of": "2026-11-27T10:00:00+00:00:30"}, 200),
        ({"as_of": "0001-01-01T00:00:00+14:00"}, 422),
        ({"as_of": "9999-12-31T23:59:59-12:00"}, 422),
    ],
)
def test_a_moment_of_any_offset_is_understood_or_refused(
    client: httpx.Client, query: dict[str, str], status: int
) -> None:
    answer = client.get("/v1/locate", params={"lon": 116.31, "lat": 39.885, **query})
    assert answer.status_code == status, answer.text


def test_a_layer_of_a_day_with_an_odd_offset_comes_whole(client: httpx.Client) -> None:
    answer = client.get("/exports/districts.geojson", params={"as_of": LATER})
    assert answer.json()["type"] == "FeatureCollection"


def test_an_earlier_report_may_name_an_offset_that_the_database_does_not_know(
    as_: Callable[..., Person],
) -> None:
    staff = as_(Role.ADMIN)
    filed = staff.report(-300, received_at="2024-11-27T10:00:00+23:30")
    kept = staff.get(f"/v1/cases/{filed['case_id']}/reports")["reports"][0]
    assert kept["created_at"] == "2024-11-26T10:30:00Z"


@pytest.mark.parametrize(
    "cursor",
    [
        "2026-11-27T10:00:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
    ],
)
def test_a_cursor_outside_the_calendar_is_refused(as_: Callable[..., Person], cursor: str) -> None:
    staff = as_(Role.ADMIN)
    case = staff.report(-300)["case_id"]
    place = f"{cursor}_{case}"
    answer = staff.send("GET", f"/v1/cases/{case}/reports", params={"cursor": place})
    assert refusal(answer, 422)["field"] == "cursor"


def test_half_a_character_is_quoted_as_what_it_is(citizen: Person) -> None:
    body = report(footprint={"type": "\ud800", "coordinates": []})
    answer = citizen.send(
        "POST", "/v1/reports/similar", content=json.dumps(body).encode(), headers=JSON
    )
    assert "\N{REPLACEMENT CHARACTER}" in refusal(answer, 422)["detail"]


@pytest.mark.parametrize("name", ["x" * 100_000, "word " * 20_000])
@pytest.mark.parametrize("where", ["value", "name"])
def test_what_was_sent_is_quoted_and_never_sent_back_whole(
    citizen: Person, name: str, where: str
) -> None:
    code: Any = {"code": name} if where == "value" else {"code": "00713965", name: 1}
    answer = citizen.send("POST", "/v1/reports/similar", json=report(part=code))
    problem = refusal(answer, 422)
    assert len(problem["detail"]) < 2_100
    assert len(problem.get("field", "")) < 2_100
    assert "x" * 50 in answer.text or "word" in answer.text


@pytest.mark.parametrize("name", ["x" * 3_000, "index.html", "..%2Fviewer.py", "%00"])
def test_the_map_gives_its_own_files_and_no_other(client: httpx.Client, name: str) -> None:
    refusal(client.get(f"/map/static/{name}"), 404)


@pytest.mark.parametrize(
    "days", [{"until": "9999-12-31"}, {"until": "0001-05-01"}, {"since": "0001-01-01"}]
)
def test_no_mans_land_has_days_inside_the_calendar(
    as_: Callable[..., Person], days: dict[str, str]
) -> None:
    answer = as_(Role.ADMIN).send("GET", "/v1/no-mans-land", params=days)
    assert refusal(answer, 422)["field"] == next(iter(days))


def test_every_operation_tells_of_unknown_parameters_of_large_bodies_and_of_any_other_problem(
    client: httpx.Client,
) -> None:
    document = client.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert {"400", "default"} <= set(operation["responses"]), path
            assert "requestBody" not in operation or "413" in operation["responses"], path


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"lon,lat\r116.31,39.885\r", 200),
        (b"lon,lat\n" + b"x" * 200_000 + b",1\n", 422),
        (b"lon,lat,lon\n116.31,39.885,10\n", 422),
    ],
)
def test_a_csv_with_any_end_of_line_is_read_and_one_that_is_none_refused(
    client: httpx.Client, text: bytes, status: int
) -> None:
    answer = client.post("/v1/locate/batch", content=text, headers={"Content-Type": "text/csv"})
    assert answer.status_code == status
    assert status == 200 or "CSV" in refusal(answer, status)["detail"]
