"""The routes of areas over HTTP: shapes of answers, problems, exact geometry."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import shapely
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from gridsvc.api import problems, rules
from gridsvc.api.app import make_service
from gridsvc.api.v1 import areas
from gridsvc.settings import Settings
from tests.service import areas_world as world

Get = Callable[..., httpx.Response]


@pytest.fixture
def get(database: str, session: Session, tmp_path: Path) -> Iterator[Get]:
    """GET a path of an application that has the routes of areas alone."""
    world.make_city(session)
    session.commit()
    app = FastAPI(dependencies=[Depends(rules.follow)])
    app.state.service = make_service(Settings(DATABASE_URL=database, var_dir=tmp_path))
    problems.install(app)
    app.include_router(areas.router)

    async def fetch(path: str, params: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://gridsvc") as client:
            return await client.get(path, params=params)

    yield lambda path, params=None: asyncio.run(fetch(path, params))
    app.state.service.engine.dispose()


def test_a_list_names_its_editions_and_the_next_page(get: Get) -> None:
    first = get("/v1/areas", params={"level": "street", "limit": 2}).json()

    assert [it["code"] for it in first["areas"]] == ["110102007", "110102020"]
    assert first["areas"][0]["parent"] == {"code": "110102", "name": "area 110102"}
    edition = first["edition"]["street"]
    assert (edition["id"], edition["approximate"], edition["accuracy_m"]) == ("streets", False, 5.0)
    params = {"level": "street", "limit": 2, "cursor": first["next"]}
    second = get("/v1/areas", params=params).json()
    assert ([it["code"] for it in second["areas"]], second["next"]) == (["110106002"], None)


def test_an_area_its_children_and_its_neighbours_have_an_address(get: Get) -> None:
    one = get("/v1/areas/110102").json()
    children = get("/v1/areas/110102/children").json()
    neighbours = get("/v1/areas/110102/neighbours").json()

    assert (one["level"], one["parent"], one["edition"]["id"]) == ("district", None, "districts")
    assert [it["code"] for it in children["areas"]] == ["110102007", "110102020"]
    (east,) = neighbours["neighbours"]
    assert (east["code"], east["corner"]) == ("110106", False)
    assert east["border_m"] == pytest.approx(2220.6, abs=0.4)


def test_the_geometry_is_geojson_of_its_own_kind(get: Get) -> None:
    answer = get("/v1/areas/110102020/geometry")

    assert answer.headers["content-type"] == "application/geo+json"
    document = answer.json()
    assert shapely.geometry.shape(document).equals(world.STREETS[0].geometry)
    assert document["edition"]["id"] == "streets"


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/v1/areas?levle=street", 400, "levle"),
        ("/v1/areas?level=grid", 422, "level"),
        ("/v1/areas?limit=0", 422, "limit"),
        ("/v1/areas?limit=1001", 422, "limit"),
        ("/v1/areas?cursor=%00", 422, "cursor"),
        ("/v1/areas?parent=11", 422, "parent"),
        ("/v1/areas?as_of=yesterday", 422, "as_of"),
        ("/v1/areas?as_of=2019-12-31", 404, "as_of"),
        ("/v1/areas/110199", 404, "code"),
        ("/v1/areas/11", 422, "code"),
        ("/v1/areas/110102020/geometry?as_of=2019-12-31", 404, "as_of"),
        ("/v1/areas/110199020/neighbours", 404, "code"),
        ("/v1/areas/11019902x/children", 422, "code"),
    ],
)
def test_a_bad_question_is_answered_with_a_problem(
    get: Get, path: str, status: int, field: str
) -> None:
    answer = get(path)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == field


def test_a_name_with_a_nul_is_a_bad_question_and_no_fault(get: Get) -> None:
    answer = get("/v1/areas", params={"name": "a\0"})

    assert answer.status_code == 422
    assert answer.json()["field"] == "name"
