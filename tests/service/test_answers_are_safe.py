"""What every answer has, whatever was asked: over HTTP, for each route of the interface."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from gridsvc.callers import Role
from tests.service import joint_city as city
from tests.service.conftest import Person, refusal, report, token_of
from tests.service.slow_clients import answer, connected, request

ONE = "00000000-0000-0000-0000-000000000007"
LON_LAT = {"lon": city.BORDER_LON, "lat": 39.885}
READ = {
    "/v1/locate": LON_LAT,
    "/v1/parts": {"near": f"{city.BORDER_LON},39.885", "radius_m": 100},
}


def paths(client: httpx.Client, method: str) -> Iterator[str]:
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        if method in operations:
            yield path


def filled(path: str) -> str:
    known = {"layer": "districts", "z": "9", "x": "421", "y": "194", "name": "viewer.js"}
    return re.sub(r"\{(\w+)\}", lambda found: known.get(found[1], ONE), path)


def test_every_get_has_a_head_that_says_the_same(client: httpx.Client) -> None:
    admin = Person(client, token_of(Role.ADMIN))
    asked = 0
    for path in paths(client, "get"):
        if path.endswith("/events"):
            continue
        got, head = (
            admin.send(method, filled(path), params=READ.get(path)) for method in ("GET", "HEAD")
        )
        assert head.status_code == got.status_code, path
        assert head.content == b""
        own = {"date", "x-request-id", "transfer-encoding", "etag"} | (
            {"content-length"}
            if path in ("/metrics", "/v1/audit", "/v1/lanes/page.html")
            else set()  # each is in the next; a map has names of its own, which are packed
        )
        assert {k: v for k, v in head.headers.items() if k not in own} == {
            k: v for k, v in got.headers.items() if k not in own
        }, path
        asked += 1
    assert asked > 40


def test_a_head_of_an_event_stream_ends(client: httpx.Client) -> None:
    lead = Person(client, token_of(Role.STREET, city.LEAD))
    head = lead.send("HEAD", f"/v1/bodies/{city.LEAD}/events")
    assert head.headers["content-type"].startswith("text/event-stream")


def test_every_answer_forbids_guessing_and_says_who_may_keep_it(client: httpx.Client) -> None:
    admin = Person(client, token_of(Role.ADMIN))
    for method in ("get", "post"):
        for path in paths(client, method):
            if path.endswith("/events"):
                continue
            for person in (admin, Person(client, "x")):
                told = person.send(method.upper(), filled(path), params=READ.get(path))
                assert told.headers.get_list("x-content-type-options") == ["nosniff"], path
                assert told.headers["content-security-policy"], path
                kept = told.headers["cache-control"]
                assert "no-store" in kept or "no-cache" in kept or "max-age" in kept, path
    for path in ("/docs", "/openapi.json", "/nowhere", "/map"):
        assert client.get(path).headers["x-content-type-options"] == "nosniff"
    filed = admin.send("POST", "/v1/reports", json=report(-300))
    assert filed.headers["cache-control"] == "no-store"
    own = admin.send("GET", f"/v1/reports/{filed.json()['receipt']}")
    assert own.headers["cache-control"] == "no-store"


def test_the_pages_ask_no_other_host(client: httpx.Client) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", page.text)
    policy = page.headers["content-security-policy"]
    assert "http" not in policy
    assert "script-src 'self' 'sha256-" in policy
    for link in re.findall(r"(?:src|href)=\"([^\"]+)\"", page.text):
        assert client.get(f"/{link}").status_code == 200, link
    assert client.get("/redoc").status_code == 404


@pytest.mark.parametrize("path", ["/v1/areas", "/exports/unit_grids.geojson", "/openapi.json"])
def test_text_is_compressed_for_whoever_takes_it(client: httpx.Client, path: str) -> None:
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    with connected(
        client, request("GET", path, "Accept-Encoding: gzip", "Connection: close")
    ) as own:
        head, _, _ = answer(own).partition(b"\r\n\r\n")
    assert b"content-encoding: gzip" in head.lower()
    assert client.get(path, headers={"Accept-Encoding": "gzip"}).content == plain.content


WRITES = ("/v1/reports", "/v1/reports/similar", "/v1/locate/batch", "/v1/straddle")


@pytest.mark.parametrize("path", WRITES)
def test_a_compressed_body_is_refused_in_words(client: httpx.Client, path: str) -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    staff = Person(client, token_of(Role.CITY))
    bomb = gzip.compress(b" " * 100_000_000)
    problem = refusal(staff.send("POST", path, content=bomb, headers=headers), 415)
    assert "Content-Encoding" in problem["detail"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("TEXT/CSV; Charset=UTF-8", b"lon,lat\n116.31,39.885\n"),
        ("Application/JSON", b'{"points": [[116.31, 39.885]]}'),
    ],
)
def test_a_media_type_is_known_in_any_case(client: httpx.Client, kind: str, body: bytes) -> None:
    answered: dict[str, Any] = {}
    for written in (kind, kind.lower()):
        told = client.post("/v1/locate/batch", content=body, headers={"Content-Type": written})
        assert told.status_code == 200, told.text
        answered[written] = told.content
    assert len(set(answered.values())) == 1
    staff = Person(client, token_of(Role.CITY))
    filed = staff.send(
        "POST",
        "/v1/reports",
        content=json.dumps(report(-300)),
        headers={"Content-Type": "APPLICATION/JSON"},
    )
    assert filed.status_code == 201
