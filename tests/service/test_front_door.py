"""A plain look-up is answered at the door, word for word as its route would answer it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gridsvc.api.app import create_app
from gridsvc.api.front_door import FrontDoor
from gridsvc.settings import Settings
from tests.service.conftest import REPORTER_KEY, TOKEN_KEY
from tests.service.joint_city import BORDER_LON

LAT = 39.885
PLAIN = (
    f"lon={BORDER_LON}&lat={LAT}",
    f"lon={BORDER_LON - 0.002}&lat={LAT}&accuracy_m=5",
    f"lon={BORDER_LON}&lat={LAT}&crs=gcj02",
    f"lon={BORDER_LON}&lat={LAT}&crs=EPSG%3A4490",
    "lon=0&lat=0",
)
ODD = (
    "",
    "lon=116.3",
    f"lon={BORDER_LON}&lat={LAT}&lng=1",
    f"lon={BORDER_LON}&lat={LAT}&crs=",
    f"lon={BORDER_LON}&lat=",
    f"lon={LAT}&lat={BORDER_LON}",
    "lon=nan&lat=39.9",
    f"lon={BORDER_LON}&lat={LAT}&crs=nowhere",
    f"lon={BORDER_LON}&lat={LAT}&accuracy_m=-1",
    f"lon={BORDER_LON}&lat={LAT}&as_of=2026-13-01",
    "&".join(f"lon={BORDER_LON}" for _ in range(9)) + f"&lat={LAT}",
)


@pytest.mark.parametrize("query", PLAIN)
def test_the_door_gives_the_answer_of_the_route(client, query):
    at_the_door = client.get(f"/v1/locate?{query}")
    # A question about a day is the route's; today's boundaries are those in force.
    by_the_route = client.get(f"/v1/locate?{query}&as_of=2100-01-01")
    assert at_the_door.status_code == by_the_route.status_code == 200
    assert at_the_door.content == by_the_route.content
    assert at_the_door.headers["content-type"] == "application/json"


@pytest.mark.parametrize("query", ODD)
def test_what_is_odd_goes_on_to_the_route(city_database, index_folder, query):
    assert _passed_on(city_database, index_folder, query)


def test_what_is_plain_does_not(city_database, index_folder):
    for query in PLAIN:
        assert not _passed_on(city_database, index_folder, query)


@pytest.mark.parametrize("method", ["POST", "HEAD", "DELETE"])
def test_another_method_is_not_answered_at_the_door(client, method):
    assert client.request(method, f"/v1/locate?{PLAIN[0]}").status_code == 405


def _passed_on(database: str, folder: Any, query: str) -> bool:
    settings = Settings(
        DATABASE_URL=database, var_dir=folder, token_key=TOKEN_KEY, reporter_key=REPORTER_KEY
    )
    service = create_app(settings).state.service
    service.atlases.watch()
    seen: list[Any] = []
    sent: list[Any] = []

    async def behind(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)

    async def receive() -> Any:
        raise AssertionError("a look-up has no body")

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "path": "/v1/locate",
        "method": "GET",
        "query_string": query.encode(),
    }
    try:
        asyncio.run(FrontDoor(behind, service)(scope, receive, send))
    finally:
        service.atlases.close()
        service.engine.dispose()
    assert len(seen) + len(sent[:1]) == 1
    return bool(seen)
