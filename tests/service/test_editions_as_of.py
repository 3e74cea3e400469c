"""Every route that answers with areas takes ``as_of`` and answers from the edition of that day."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from gridsvc.callers import Role
from gridsvc.cli.app import app
from gridsvc.db import session_factory
from gridsvc.registry.editions.service import activate_edition
from gridsvc.settings import get_settings
from tests import cities
from tests.service import joint_city as city
from tests.service.conftest import token_of
from tests.service.test_editions_diff import NEW_STREET, load_new_streets

#: The new streets are in force since 2026-01-01.
BEFORE, SINCE = "2025-12-31", "2026-01-02"
#: 100 m east of the old border, which is now west of the new one.
PLACE = city.beside_border(100.0)
HERE = {"lon": PLACE["lon"], "lat": PLACE["lat"]}
OUTLINE = city.astride(-90.0, 120.0)


def _csv(client: httpx.Client, **query: str) -> str:
    body = f"lon,lat\n{HERE['lon']},{HERE['lat']}\n"
    answer = client.post(
        "/v1/locate/batch", content=body, headers={"Content-Type": "text/csv"}, params=query
    )
    assert answer.status_code == 200, answer.text
    return answer.text.splitlines()[1].split(",")[3]


def _arrow(client: httpx.Client, **query: str) -> str:
    table, sink = pa.table({"lon": [HERE["lon"]], "lat": [HERE["lat"]]}), io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    answer = client.post(
        "/v1/locate/batch",
        content=sink.getvalue(),
        headers={"Content-Type": "application/vnd.apache.arrow.stream"},
        params=query,
    )
    assert answer.status_code == 200, answer.text
    located = pa.ipc.open_stream(answer.content).read_all()
    return str(located.column("street_code")[0].as_py())


def _json(path: str, read: Callable[[Any], Any]) -> Callable[..., Any]:
    """Get a path, and what of its answer tells the editions apart."""

    def ask(client: httpx.Client, **query: str) -> Any:
        answer = client.get(httpx.URL(path).copy_merge_params(query))
        return read(answer.json()) if answer.status_code == 200 else answer.status_code

    return ask


def _post(path: str, body: Any, read: Callable[[Any], Any]) -> Callable[..., Any]:
    def ask(client: httpx.Client, **query: str) -> Any:
        answer = client.post(path, json=body, params=query)
        assert answer.is_success, answer.text
        return read(answer.json())

    return ask


def _parts(found: Any) -> Any:
    return next(it["street_code"] for it in found["parts"] if it["district_code"] == city.EAST)


def _tile(client: httpx.Client, **query: str) -> bool:
    """Whether the tile names the street that is new."""
    x, y = 26973, 12418
    answer = client.get(f"/tiles/streets/15/{x}/{y}.mvt", params=query)
    assert answer.status_code == 200
    return NEW_STREET.encode() in answer.content


def _export(layer: str, code: str) -> Callable[..., Any]:
    def ask(client: httpx.Client, **query: str) -> Any:
        answer = client.get(f"/exports/{layer}.geojson", params=query)
        features = json.loads(answer.content)["features"]
        found = [it["properties"] for it in features if it["properties"]["code"] == code]
        return [it.get("street_code", it["code"]) for it in found][-1] if found else None

    return ask


@dataclass(frozen=True)
class Case:
    """A way to ask a route, and its answers by the old and by the new edition."""

    ask: Callable[..., Any]
    old: Any
    new: Any


_PART = f"/v1/parts/{city.EAST}/{city.SHARED}"
_STREET = f"/v1/areas/{city.LEAD}"

#: Every route that answers with areas, as the API document names it.
ROUTES: dict[str, list[Case]] = {
    "GET /v1/locate": [
        Case(
            _json(
                f"/v1/locate?lon={HERE['lon']}&lat={HERE['lat']}", lambda it: it["street"]["code"]
            ),
            city.OTHER,
            city.LEAD,
        )
    ],
    "POST /v1/locate/batch": [
        Case(
            _post(
                "/v1/locate/batch",
                {"points": [[HERE["lon"], HERE["lat"]]]},
                lambda it: it["results"][0]["street_code"],
            ),
            city.OTHER,
            city.LEAD,
        ),
        Case(_csv, city.OTHER, city.LEAD),
        Case(_arrow, city.OTHER, city.LEAD),
    ],
    "POST /v1/straddle": [
        Case(
            _post(
                "/v1/straddle",
                {"geometry": OUTLINE, "level": "street"},
                lambda it: [share["code"] for share in it["shares"]],
            ),
            [city.OTHER],
            [city.LEAD],
        )
    ],
    "GET /v1/areas": [
        Case(
            _json("/v1/areas?level=street", lambda it: len(it["areas"])),
            4,
            5,
        )
    ],
    "GET /v1/areas/{code}": [
        Case(
            _json(_STREET, lambda it: (it["version"], it["edition"]["id"])),
            (1, "street-2020"),
            (2, "street-new"),
        )
    ],
    "GET /v1/areas/{code}/children": [
        Case(_json(f"/v1/areas/{city.EAST}/children", lambda it: len(it["areas"])), 2, 3)
    ],
    "GET /v1/areas/{code}/neighbours": [
        Case(_json(f"/v1/areas/{NEW_STREET}/neighbours", lambda it: len(it["neighbours"])), 404, 2)
    ],
    "GET /v1/areas/{code}/geometry": [
        Case(
            _json(f"{_STREET}/geometry", lambda it: it["edition"]["id"]),
            "street-2020",
            "street-new",
        )
    ],
    "GET /v1/codes/{code}": [
        Case(
            _json(
                f"/v1/codes/{city.SHARED}",
                lambda it: [one["street_code"] for one in it["matches"]],
            ),
            [city.LEAD, city.OTHER],
            [city.LEAD, city.LEAD],
        ),
        Case(
            _json("/v1/codes/00200002", lambda it: [it["matches"][-1]["street_code"]]),
            [city.OTHER],
            [NEW_STREET],
        ),
    ],
    "GET /v1/districts/{district}/codes/{code}": [
        Case(
            _json(
                f"/v1/districts/{city.EAST}/codes/00200002",
                lambda it: it["matches"][0]["street_code"],
            ),
            city.OTHER,
            NEW_STREET,
        )
    ],
    "GET /v1/parts": [
        Case(
            _json(f"/v1/parts?near={HERE['lon']},{HERE['lat']}", _parts),
            city.OTHER,
            city.LEAD,
        )
    ],
    "GET /v1/parts/{district}/{code}": [
        Case(_json(_PART, lambda it: it["street_code"]), city.OTHER, city.LEAD)
    ],
    "GET /tiles/{layer}/{z}/{x}/{y}.mvt": [Case(_tile, False, True)],
    "GET /exports/{layer}.geojson": [
        Case(_export("streets", NEW_STREET), None, NEW_STREET),
        Case(_export("parts", city.SHARED), city.OTHER, city.LEAD),
    ],
}

#: Routes that take ``as_of`` but are asked elsewhere, because they need a token or write.
ASKED_APART = {
    "GET /v1/reports/{name}": "below, with a report of its own",
    "POST /v1/reports": "routes by the edition of its day, as locate does, and stores that",
    "POST /v1/reports/{name}/move": "as above",
    "POST /v1/reports/{name}/confirm": "as above",
    "POST /v1/reports/{name}/reopen": "as above",
    "POST /v1/reports/{name}/object": "as above",
    "POST /v1/reports/{name}/part": "as above",
    "POST /v1/parts": "as above",
    "POST /v1/cases": "as above",
    "POST /v1/reports/similar": "as above; tested with the joining of reports",
    "POST /v1/cases/{case_id}/split": "as above",
    "POST /v1/what-if": "moves a border of the edition of its day; tested with disputes",
    "POST /v1/duties/what-if": "places reports by the editions of its day; tested with the lists",
    "POST /v1/lines": "takes a line and a token; tested with lines",
    "POST /v1/lines/page.html": "as above",
    "POST /v1/lines/teams": "calls who is there now",
    "GET /v1/no-mans-land": "tests borders of a day; tested with the watch",
    "POST /v1/no-mans-land/disputes": "as above",
}

#: Routes whose answers bear no areas of an edition, or those that were stored, by how they begin.
WITHOUT_AREAS = {
    "/healthz": "says that the service lives",
    "/readyz": "says that the service answers",
    "/metrics": "counts what happens now",
    "/v1/tokens": "tells who may ask",
    "/v1/reports/mine": "lists what somebody filed",
    "/v1/audit": "tells who did what",
    "/v1/log": "proves what was recorded",
    "/map": "pages; what they show they ask for here",
    "/v1/editions": "names its editions itself",
    "/v1/cases": "tells what was decided then, and by whom",
    "/v1/whistles": "tells who was called then",
    "/v1/demand": "forecasts from the last count; names streets by their codes",
    "/v1/recurring": "tells what was said; its areas are those of the cases",
    "/v1/lists": "tells what there is now; its areas are those of the cases",
    "/v1/supervision": "tells what waits now",
    "/v1/bodies": "tells who there is now, and what a body was told",
    "/v1/duties": "names areas by their codes; takes a day of its own",
    "/v1/powers": "names areas by their codes; takes a day of its own",
    "/v1/agreements": "has zones of its own; takes a day of its own",
    "/v1/classes": "tells what classes there are",
    "/v1/staff": "tells who serves where, by days of its own",
    "/v1/postings": "names areas by their codes; takes a moment of its own",
    "/v1/lanes": "names areas by their codes; takes a day of its own",
    "/v1/members": "names areas by their codes, as they were entered",
    "/v1/leader-notes": "names areas by their codes, as they were then",
    "/v1/help-requests": "names areas by their codes, as they were entered",
    "/v1/funds": "names areas by their codes, as they were entered",
    "/v1/banned-demands": "tells a list of words",
    "/v1/demands": "tells what was sent",
    "/v1/campaigns": "of the streets in force; takes days of its own",
    "/v1/group-links/": "answers in a case",
    "/v1/contact-points": "names areas by their codes; takes a day of its own",
    "/v1/trials": "names areas by their codes",
    "/v1/tasks": "tells what waits now",
    "/v1/leaders": "tells what is late now",
    "/v1/reports/{name}/": "writes; what was routed before stays",
    "GET /v1/areas/{code}/feed.atom": "tells what happened in reports of the area",
    "PATCH /v1/parts": "writes; gives the part as it is stored",
    "POST /v1/relations": "takes as_of, or an edition, for each side in its body",
    "/v1/heat": "counts reports in the cells of now",
    "/v1/foresight": "as above",
    "/v1/alarms": "tells what was found hot, and where",
    "/v1/assessments": "counts cases by the places that they were given then",
    "/v1/disputes": "tells of a fault between editions that it names",
    "/v1/procedures": "tells what steps there are",
    "/v1/social-grids": "tells the list that a district gave last; earlier ones are not kept",
}


@pytest.fixture
def two_editions(city_engine: Engine) -> None:
    with session_factory(city_engine).begin() as session:
        load_new_streets(session)
        activate_edition(session, "street-new", without_audit="made up", at=cities.now())


@pytest.fixture
def asked(two_editions: None, client: httpx.Client) -> httpx.Client:
    return client


@pytest.mark.parametrize(
    ("route", "case"),
    [(route, case) for route, cases in ROUTES.items() for case in cases],
    ids=[route for route, cases in ROUTES.items() for _ in cases],
)
def test_a_route_answers_from_the_edition_of_the_day(
    asked: httpx.Client, route: str, case: Case
) -> None:
    assert case.ask(asked, as_of=BEFORE) == case.old
    assert case.ask(asked, as_of=SINCE) == case.new
    assert case.ask(asked, as_of="2025-12-31T23:59:59Z") == case.old
    assert case.ask(asked, as_of="2026-01-01T00:00:00Z") == case.new


def test_every_route_takes_as_of_or_answers_without_areas(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    takes, others = set(), set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            names = {it["name"] for it in operation.get("parameters", []) if it["in"] == "query"}
            (takes if "as_of" in names else others).add(f"{method.upper()} {path}")
    assert takes - ASKED_APART.keys() == ROUTES.keys(), "ask a route that takes as_of in ROUTES"
    unexplained = {
        route
        for route in others
        if not any(route.startswith(p) or route.split()[1].startswith(p) for p in WITHOUT_AREAS)
    }
    assert unexplained == set(), "give the route as_of, or say in WITHOUT_AREAS why it has none"


def test_a_report_is_placed_by_the_day_that_is_asked_for(asked: httpx.Client) -> None:
    headers = {"Authorization": f"Bearer {token_of(Role.CITIZEN)}"}
    given = {"class": city.NOISE, "location": {**HERE, "accuracy_m": 5.0}}
    filed = asked.post("/v1/reports", json=given, headers=headers).json()

    def street(**query: str) -> Any:
        answer = asked.get(f"/v1/reports/{filed['id']}", params=query).json()
        return answer["placement"]["street"]["code"]

    assert street() == city.LEAD
    assert street(as_of=BEFORE) == city.OTHER
    assert street(as_of=SINCE) == city.LEAD
    assert street() == city.LEAD


def test_a_day_before_all_editions_or_no_day_is_a_clear_problem(asked: httpx.Client) -> None:
    for path in (_PART, f"/v1/codes/{city.SHARED}", _STREET):
        none = asked.get(path, params={"as_of": "1999-01-01"})
        assert (none.status_code, none.json()["field"]) == (404, "as_of")
        for wrong in ("yesterday", "0001-01-01T00:00:00+23:00"):
            bad = asked.get(path, params={"as_of": wrong})
            assert (bad.status_code, bad.json()["field"]) == (422, "as_of")
        far = asked.get(path, params={"as_of": "1999-01-01T00:00:00+23:00"})
        assert (far.status_code, far.json()["field"]) == (404, "as_of")
    assert asked.get("/tiles/streets/15/0/0.mvt", params={"as_of": "x"}).status_code == 422


def test_the_commands_answer_from_the_edition_of_the_day(
    two_editions: None, city_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", city_engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("GRIDSVC_VAR_DIR", str(tmp_path))
    get_settings.cache_clear()
    outline = tmp_path / "outline.geojson"
    outline.write_text(json.dumps(OUTLINE), "utf-8")

    def ask(*words: str) -> Any:
        answered = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
        assert answered.exit_code == 0, answered.output
        return json.loads(answered.stdout.splitlines()[-1])

    place = ("locate", str(HERE["lon"]), str(HERE["lat"]))
    found = [ask(*place, "--as-of", day)["street"]["code"] for day in (BEFORE, SINCE)]
    shared = [
        [it["code"] for it in ask("straddle", str(outline), *words)["shares"]]
        for words in (("--level", "street", "--as-of", BEFORE), ("--level", "street"))
    ]
    get_settings.cache_clear()

    assert found == [city.OTHER, city.LEAD]
    assert shared == [[city.OTHER], [city.LEAD]]
