"""A direct route answers, and refuses, as FastAPI would answer by the same endpoint."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.testing import capture_logs

from gridsvc.api import rules
from gridsvc.api.direct import DirectRoute
from gridsvc.api.v1 import point, reports
from gridsvc.callers import Role
from gridsvc.cases.intake.schemas import ReportAnswer
from gridsvc.registry.placement.schemas import PointAnswer
from tests.service import joint_city as city
from tests.service.conftest import Person, refusal, report, token_of

LAT = 39.885
LON = city.BORDER_LON
JSON = "application/json"
LOOK_UPS = (
    f"lon={LON}&lat={LAT}",
    f"lon={LON - 0.002}&lat={LAT}&accuracy_m=5",
    f"lon={LON}&lat={LAT}&crs=gcj02",
    f"lon={LON}&lat={LAT}&crs=EPSG%3A4490",
    f"lon=+{LON}&lat={LAT}",
    f"&lon={LON}&&lat={LAT}&",
    f"lon=1&lat={LAT}&lon={LON}",
    f"lon={LON}&lat={LAT}&as_of=2100-01-01",
    "lon=0&lat=0",
)
BAD_LOOK_UPS = (
    "",
    "lon=116.3",
    f"lon={LON}&lat={LAT}&lng=1",
    "lng=1",
    f"lon={LON}&lat={LAT}&crs=",
    f"lon={LON}&lat=",
    f"lon={LON}&lat",
    f"lon={LAT}&lat={LON}",
    "lon=nan&lat=39.9",
    f"lon={LON}&lat={LAT}&crs=nowhere",
    f"lon={LON}&lat={LAT}&crs=%00",
    f"lon={LON}&lat={LAT}&%00=1",
    f"lon={LON}&lat={LAT}&accuracy_m=-1",
    f"lon={LON}&lat={LAT}&as_of=2026-13-01",
    f"lon={LON}&lat={LAT}&as_of=1800-01-01",
    f"lon={LON}&lat={LAT}&as_of=2026-11-01T00:00:00",
    "&".join(f"lon={LON}" for _ in range(9)) + f"&lat={LAT}&x=1",
)
BAD_BODIES = (
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"description": "no class"}',
    b'{"class": "06001", "location": {"lon": 116.31}}',
    b'{"class": "06001", "colour": "red"}',
    b'{"class": "06001", "description": "\\u0000", "location": {"lon": 116.31, "lat": 39.885}}',
    b'{"class": "99999", "location": {"lon": 116.31, "lat": 39.885}}',
    b'{"class": "06001", "location": {"lon": 0, "lat": 0}}',
    b'{"class": "06001"}',
)


def by_fastapi(app: FastAPI) -> None:
    """Let FastAPI itself answer by the endpoints of the direct routes."""
    for i, route in enumerate(app.router.routes):
        if isinstance(route, DirectRoute):
            app.router.routes[i] = APIRoute(
                route.path,
                route.endpoint,
                methods=route.methods,
                status_code=route.status_code,
                response_model=route.response_model,
                dependencies=[Depends(rules.follow)],
            )


class Both:
    """The service twice on one database: as it is, and as FastAPI would be."""

    def __init__(self, serve: Callable[..., httpx.Client]) -> None:
        self.clients = serve(), serve(by_fastapi)

    def send(self, method: str, path: str, **more: Any) -> list[httpx.Response]:
        """The two answers, the direct one first, which have one status and one set of headers."""
        direct, ordinary = answers = [one.request(method, path, **more) for one in self.clients]
        assert direct.status_code == ordinary.status_code, (direct.text, ordinary.text)
        own = {"date", "content-length", "x-request-id"}
        assert {name: value for name, value in direct.headers.items() if name not in own} == {
            name: value for name, value in ordinary.headers.items() if name not in own
        }
        return answers

    def post(self, body: bytes, token: str | None, query: str = "", **headers: str) -> Any:
        sent = {"content-type": JSON} | {k.replace("_", "-"): v for k, v in headers.items()}
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        kept = {name: value for name, value in sent.items() if value}
        return self.send("POST", f"/v1/reports{query}", content=body, headers=kept)


@pytest.fixture
def both(serve: Callable[..., httpx.Client]) -> Both:
    return Both(serve)


@pytest.fixture
def token() -> str:
    return token_of(Role.CITIZEN)


def told(answer: httpx.Response) -> dict[str, Any]:
    """What two reports at one place have in common."""
    own = ("id", "receipt", "secret", "proof", "case_id", "joined", "similar", "created_at")
    return {name: value for name, value in answer.json().items() if name not in own}


def test_a_look_up_is_answered_as_by_fastapi(both: Both) -> None:
    for query in LOOK_UPS:
        direct, ordinary = both.send("GET", f"/v1/locate?{query}")
        assert direct.status_code == 200, query
        assert direct.content == ordinary.content
        assert direct.headers["content-type"] == JSON


def test_a_bad_look_up_is_refused_as_by_fastapi(both: Both) -> None:
    for query in BAD_LOOK_UPS:
        direct, ordinary = both.send("GET", f"/v1/locate?{query}")
        refusal(direct, direct.status_code)
        assert direct.status_code >= 400, query
        assert direct.json() == ordinary.json()


@pytest.mark.parametrize("path", ["/v1/locate", "/v1/reports"])
@pytest.mark.parametrize("method", ["POST", "GET", "HEAD", "DELETE", "OPTIONS"])
def test_a_wrong_method_is_refused_as_by_fastapi(both: Both, method: str, path: str) -> None:
    direct, ordinary = both.send(method, path)
    assert direct.content == ordinary.content
    assert direct.status_code == (405 if (method, path) in WRONG else direct.status_code)


WRONG = {
    *((method, "/v1/locate") for method in ("POST", "DELETE", "OPTIONS")),
    *((method, "/v1/reports") for method in ("GET", "HEAD", "DELETE", "OPTIONS")),
}


@pytest.mark.parametrize("metres_east", [-400.0, -20.0, 300.0])
def test_a_report_is_taken_in_as_by_fastapi(both: Both, token: str, metres_east: float) -> None:
    body = json.dumps(report(metres_east, **{"class": "06010"})).encode()
    direct, ordinary = both.post(body, token)
    assert direct.status_code == 201
    assert told(direct) == told(ordinary)
    assert ordinary.json()["case_id"] == direct.json()["case_id"]


@pytest.mark.parametrize("media_type", [JSON, "application/vnd.report+json; charset=utf-8"])
def test_a_report_may_come_in_pieces_and_by_any_name_of_json(
    both: Both, token: str, media_type: str
) -> None:
    body = json.dumps(report(-400.0)).encode()
    for one in both.clients:
        answer = one.post(
            "/v1/reports",
            content=iter([body[:20], body[20:]]),
            headers={"Authorization": f"bearer {token}", "Content-Type": media_type},
        )
        assert answer.status_code == 201


def test_a_bad_report_is_refused_as_by_fastapi(both: Both, token: str) -> None:
    for body in BAD_BODIES:
        direct, ordinary = both.post(body, token)
        assert direct.status_code >= 400
        assert direct.json() == ordinary.json()
        refusal(direct, direct.status_code)


@pytest.mark.parametrize("media_type", ["", "text/plain", "application/jsonx", "json"])
def test_a_body_that_does_not_say_that_it_is_json_is_refused_as_by_fastapi(
    both: Both, token: str, media_type: str
) -> None:
    body = json.dumps(report(-400.0)).encode()
    direct, ordinary = both.post(body, token, content_type=media_type)
    assert direct.status_code == 422
    assert direct.json() == ordinary.json()


@pytest.mark.parametrize("key", ["", "k" * 201])
def test_a_bad_key_is_refused_as_by_fastapi(both: Both, token: str, key: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    for body in (report(-400.0), {"class": 7}):
        direct, ordinary = both.send("POST", "/v1/reports", json=body, headers=headers)
        assert refusal(direct, 422)["field"] == "Idempotency-Key"
        assert direct.json() == ordinary.json()


def test_the_day_of_a_report_is_heard_as_by_fastapi(both: Both, token: str) -> None:
    body = json.dumps(report(-400.0)).encode()
    for query, status in (
        ("?as_of=2100-01-01", 201),
        ("?as_of=1800-01-01", 404),
        ("?as_of=yesterday", 422),
        ("?as_of=%00", 422),
        ("?colour=red", 400),
    ):
        direct, ordinary = both.post(body, token, query)
        assert direct.status_code == status
        assert told(direct) == told(ordinary)


def test_of_several_faults_the_same_is_told_first(both: Both, token: str) -> None:
    sound, broken, bad = json.dumps(report(-400.0)).encode(), b"{", b'{"class": 7}'
    analyst = token_of(Role.ANALYST)
    for body, holder, query, status in (
        (broken, None, "?colour=red", 422),
        (bad, None, "?colour=red", 400),
        (bad, None, "?as_of=yesterday", 422),
        (bad, None, "", 401),
        (bad, token[:-4] + "AAAA", "", 401),
        (bad, analyst, "", 403),
        (sound, analyst, "", 403),
        (sound, None, "", 401),
    ):
        direct, ordinary = both.post(body, holder, query)
        assert direct.status_code == status, (body, query)
        assert direct.json() == ordinary.json()


def test_nobody_files_without_a_token_that_holds(both: Both, token: str) -> None:
    body = json.dumps(report(-400.0)).encode()
    for sent in (f"Bearer {token[:-4]}AAAA", "Bearer", f"Basic {token}", token):
        direct, ordinary = both.send(
            "POST",
            "/v1/reports",
            content=body,
            headers={"Authorization": sent, "Content-Type": JSON},
        )
        refusal(direct, 401)
        assert direct.headers["www-authenticate"] == "Bearer"
        assert direct.json() == ordinary.json()


def test_one_key_is_one_report_by_either_way(both: Both, token: str) -> None:
    body = json.dumps(report(-400.0)).encode()
    first, again = (
        one.post(
            "/v1/reports",
            content=body,
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": JSON,
                "Idempotency-Key": "phone-1",
            },
        )
        for one in both.clients
    )
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    others = both.post(json.dumps(report(300.0)).encode(), token, idempotency_key="phone-1")
    assert [answer.status_code for answer in others] == [409, 409]


def test_a_fault_of_ours_is_told_as_by_fastapi(
    both: Both, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(point, "answer", fail)
    monkeypatch.setattr(reports, "file_report", fail)
    with capture_logs() as logs:
        look_ups = both.send("GET", f"/v1/locate?{LOOK_UPS[0]}")
        filed = both.post(json.dumps(report(-400.0)).encode(), token)
    assert [entry["path"] for entry in logs] == ["/v1/locate"] * 2 + ["/v1/reports"] * 2
    for direct, ordinary in (look_ups, filed):
        assert "out of order" not in str(refusal(direct, 500))
        assert direct.json() == ordinary.json()


# One set of rules: the same fault at a direct and at an ordinary route.

READING = (f"/v1/locate?lon={LON}&lat={LAT}&", "/v1/areas?", "/v1/codes/00000000?")
WRITING = ("/v1/reports", "/v1/reports/similar")


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        ("colour=red", 400, "unknown-parameter"),
        ("as_of=%00", 422, "bad-input"),
        ("as_of=2026-13-01", 422, "bad-input"),
        ("as_of=2026-11-27T10:00:00", 422, "bad-input"),
    ],
)
@pytest.mark.parametrize("path", READING)
def test_every_route_refuses_a_bad_query_alike(
    client: httpx.Client, path: str, fault: str, status: int, kind: str
) -> None:
    problem = refusal(client.get(path + fault), status)
    assert problem["type"] == f"urn:gridsvc:problem:{kind}"
    assert problem["field"] == fault.partition("=")[0]


BAD_WRITES: dict[str, tuple[dict[str, Any], int]] = {
    "no JSON": ({"content": b"{"}, 422),
    "no text": ({"content": b"\xff\xfe"}, 422),
    "nothing": ({"content": b""}, 422),
    "null": ({"content": b"null"}, 422),
    "no end": ({"content": b"[" * 100_000}, 422),
    "another type": ({"content": b"{}", "headers": {"Content-Type": "text/plain"}}, 422),
    "a wrong field": ({"json": {"class": "06001", "colour": "red"}}, 422),
    "an unknown parameter": ({"json": report(-300), "params": {"colour": "red"}}, 400),
    "too large": ({"content": b" " * 1_001}, 413),
    "too large and not announced": ({"content": "pieces"}, 413),
    "no token": ({"json": report(-300), "headers": {"Authorization": ""}}, 401),
    "a forged token": ({"json": report(-300), "headers": {"Authorization": "Bearer x"}}, 401),
    "an unknown class": ({"json": report(-300, **{"class": "99999"})}, 422),
    "outside": ({"json": {"class": "06001", "location": {"lon": 0, "lat": 0}}}, 422),
}


@pytest.mark.parametrize("fault", BAD_WRITES)
def test_every_route_refuses_a_bad_write_alike(
    serve: Callable[..., httpx.Client], fault: str
) -> None:
    client = serve(max_body_bytes=1_000) if fault.startswith("too large") else serve()
    person = Person(client, token_of(Role.CITIZEN))
    request, status = BAD_WRITES[fault]
    answers = []
    for path in WRITING:
        more = {"headers": {"Content-Type": JSON}} | request
        if more.get("content") == "pieces":
            more["content"] = iter([b" " * 700] * 2)
        answers.append(person.send("POST", path, **more))
    direct, ordinary = answers
    assert refusal(direct, status) == refusal(ordinary, status)
    assert direct.headers.get("www-authenticate") == ordinary.headers.get("www-authenticate")


def test_an_analyst_writes_nowhere(as_: Callable[..., Person]) -> None:
    analyst = as_(Role.ANALYST)
    direct, ordinary = (analyst.send("POST", path, json=report(-300)) for path in WRITING)
    assert refusal(direct, 403) == refusal(ordinary, 403)


def operations(app_document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in app_document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def test_every_operation_refuses_a_parameter_that_it_does_not_have(client: httpx.Client) -> None:
    asked = 0
    for method, path, operation in operations(client.get("/openapi.json").json()):
        filled = re.sub(r"\{\w+\}", str(uuid.UUID(int=7)), path)
        problem = refusal(client.request(method, filled, params={"colour": "red"}), 400)
        assert problem["type"] == "urn:gridsvc:problem:unknown-parameter", path
        names = {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}
        assert problem["detail"] == (
            "This address has no query parameter 'colour'; it takes"
            f" {', '.join(sorted(names)) or 'none'}."
        )
        asked += 1
    assert asked > 80


class Counting:
    """What a later rule may be: middleware that sees every request, whoever answers it."""

    def __init__(self, app: ASGIApp, seen: list[str]) -> None:
        self._app = app
        self._seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self._seen.append(scope["path"])
        await self._app(scope, receive, send)


def test_one_middleware_more_sees_every_request(serve: Callable[..., httpx.Client]) -> None:
    seen: list[str] = []
    client = serve(lambda app: app.add_middleware(Counting, seen=seen))
    person = Person(client, token_of(Role.CITIZEN))
    person.get("/v1/locate", lon=LON, lat=LAT)
    person.report(-300)
    person.get("/v1/areas")
    person.send("GET", "/nowhere")
    assert seen == ["/v1/locate", "/v1/reports", "/v1/areas", "/nowhere"]


def test_one_rule_more_is_obeyed_by_every_route(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    obey, seen = rules.obey, []

    def obey_and_count(scope: Scope, *more: Any) -> None:
        seen.append((scope["path"], scope["route"].path))
        obey(scope, *more)

    monkeypatch.setattr(rules, "obey", obey_and_count)
    person = Person(client, token_of(Role.CITIZEN))
    person.get("/v1/locate", lon=LON, lat=LAT)
    person.report(-300)
    person.get(f"/v1/areas/{city.LEAD}")
    assert [path for path, _ in seen] == ["/v1/locate", "/v1/reports", f"/v1/areas/{city.LEAD}"]
    assert [route for _, route in seen] == ["/v1/locate", "/v1/reports", "/v1/areas/{code}"]


# What is documented is what is answered.


def keys(value: Any) -> Any:
    """The names in a JSON value, and how long its lists are."""
    if isinstance(value, dict):
        return {name: keys(part) for name, part in value.items()}
    return [keys(part) for part in value] if isinstance(value, list) else value is None


def _agrees(model: type[BaseModel], answer: Any) -> None:
    read = model.model_validate_json(json.dumps(answer))
    assert keys(read.model_dump(mode="json", by_alias=True)) == keys(answer)


def test_answers_are_as_their_models_say(citizen: Person) -> None:
    for query in LOOK_UPS:
        _agrees(PointAnswer, citizen.client.get(f"/v1/locate?{query}").json())
    for metres_east, more in (
        (-400.0, {}),
        (-401.0, {"place_text": "西直门内大街10号", "class": "06010"}),
        (-8.0, {"place_text": "西直门内大街10号"}),
        (300.0, {"class": "06010"}),
        (302.0, {"class": "06010"}),
    ):
        _agrees(ReportAnswer, citizen.report(metres_east, **more))


def test_direct_routes_are_documented_as_any_other(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    look_up = document["paths"]["/v1/locate"]["get"]
    assert {one["name"]: one["required"] for one in look_up["parameters"]} == {
        "lon": True,
        "lat": True,
        "crs": False,
        "accuracy_m": False,
        "as_of": False,
    }
    filing = document["paths"]["/v1/reports"]["post"]
    assert {(one["in"], one["name"]) for one in filing["parameters"]} == {
        ("query", "as_of"),
        ("header", "Idempotency-Key"),
    }
    assert filing["security"] == [{"HTTPBearer": []}]
    body = filing["requestBody"]["content"][JSON]["schema"]
    assert body == {"$ref": "#/components/schemas/ReportIn"}
    for operation, status, model in ((look_up, "200", "Point"), (filing, "201", "Report")):
        schema = operation["responses"][status]["content"][JSON]["schema"]
        assert schema == {"$ref": f"#/components/schemas/{model}Answer"}
