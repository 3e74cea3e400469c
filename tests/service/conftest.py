"""The made-up city of joint_city in a database of each test's own, and the service that serves it.

The city is loaded once a run into a database that is only copied.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from gridsvc.api.app import create_app
from gridsvc.api.connections import BoundedConfig, ConnectionLimits
from gridsvc.callers import Role
from gridsvc.cli.logs import configure_logs
from gridsvc.db import PrivateCluster, create_engine, session_factory
from gridsvc.db.roles import SERVICE_ROLE
from gridsvc.registry.access.service import issue_token
from gridsvc.settings import Settings, get_settings
from gridsvc.texts import said_in
from tests.scratch import copy_of
from tests.service import joint_city as city
from tests.service.answers import true_to_models
from tests.waiting import PATIENCE_S

TOKEN_KEY = "a1" * 32
REPORTER_KEY = "b2" * 32
#: The footprint of any of these blows a joint whistle: most tests begin with one that blew.
EVERYBODY = ",".join(Role)


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> None:
    """The log as commands write it; with all local variables a fault takes half a minute."""
    configure_logs()


@pytest.fixture(scope="session")
def city_template(cluster: PrivateCluster, template_database: str) -> Iterator[str]:
    """The name of a database that holds the city; never connect to it, copy it."""
    with copy_of(cluster, template_database) as url:
        engine = create_engine(url)
        with session_factory(engine).begin() as session:
            city.make_city(session)
        engine.dispose()
        name = make_url(url).database
        assert name is not None
        yield name


@pytest.fixture
def city_database(cluster: PrivateCluster, city_template: str) -> Iterator[str]:
    """The URL of a copy of the city, this test's own."""
    with copy_of(cluster, city_template) as url:
        yield url


@pytest.fixture
def city_engine(city_database: str) -> Iterator[Engine]:
    """An engine with the rights of the database's owner, who may do everything."""
    engine = create_engine(city_database, application_name="gridsvc test")
    yield engine
    engine.dispose()


@pytest.fixture
def city_session(city_engine: Engine) -> Iterator[Session]:
    with session_factory(city_engine)() as session:
        yield session


@pytest.fixture(scope="session")
def index_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the indexes of the city are kept, so that they are built once a run."""
    return tmp_path_factory.mktemp("city")


class _Server(uvicorn.Server):
    """Stops as soon as it is told and its clients have gone: there are a thousand of them.

    Uvicorn's own looks every 100 ms whether it shall, and leaves its clients 100 ms more.
    """

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            await asyncio.sleep(0.005)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        while self.server_state.connections or self.server_state.tasks:
            await asyncio.sleep(0.002)
        await self.lifespan.shutdown()


@contextmanager
def served(app: FastAPI) -> Iterator[httpx.Client]:
    """A client of the application on a free port of this machine; holds answers to their models."""
    config = BoundedConfig(
        app,
        limits=ConnectionLimits.of(app.state.service.settings),
        port=0,
        log_level="critical",
        lifespan="on",
    )
    server = _Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server has not started"
            time.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as client:
            client.event_hooks["response"] = [true_to_models(app)]
            yield client
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def service_database(cluster: PrivateCluster, city_database: str) -> str:
    """The URL of the same copy for the service's own login."""
    return cluster.url(make_url(city_database).database, login=SERVICE_ROLE)


@pytest.fixture
def serve(service_database: str, index_folder: Path) -> Iterator[Callable[..., httpx.Client]]:
    """Start the service with settings of a test's own, or changed by it; gives its client."""
    with ExitStack() as open_servers:

        def start(
            change: Callable[[FastAPI], None] = lambda app: None, **settings: Any
        ) -> httpx.Client:
            app = create_app(
                Settings(
                    DATABASE_URL=service_database,
                    var_dir=index_folder,
                    token_key=TOKEN_KEY,
                    reporter_key=REPORTER_KEY,
                    **{"joint_whistle_roles": EVERYBODY, **settings},
                )
            )
            change(app)
            return open_servers.enter_context(served(app))

        yield start


@pytest.fixture
def client(serve: Callable[..., httpx.Client]) -> httpx.Client:
    """The service with its own settings."""
    return serve()


@pytest.fixture
def commands(city_database: str, tmp_path: Path) -> Iterator[None]:
    """Lets commands in this process work on the city, with a folder of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", city_database)
        patch.setenv("GRIDSVC_VAR_DIR", str(tmp_path))
        patch.setenv("GRIDSVC_REPORTER_KEY", REPORTER_KEY)
        get_settings.cache_clear()
        yield
    get_settings.cache_clear()


class Person:
    """Somebody with a token: posts and gets, and gives the answer's JSON."""

    def __init__(self, client: httpx.Client, token: str) -> None:
        self.client = client
        self.headers = {"Authorization": f"Bearer {token}"}

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        more["headers"] = self.headers | more.pop("headers", {})
        return self.client.request(method, path, **more)

    def get(self, path: str, **query: Any) -> Any:
        return _good(self.send("GET", path, params=query))

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        return _good(self.send("POST", path, json=body, headers=headers))

    def refused(self, path: str, body: Any = None, *, status: int, type: str = "") -> Any:
        """The problem that the answer must be, of this status and kind."""
        problem = refusal(self.send("POST", path, json=body), status)
        if type:
            assert problem["type"] == f"urn:gridsvc:problem:{type}", problem
        return problem

    def report(self, metres_east: float | None = None, **more: Any) -> Any:
        """File a report of an illegal building, so far east of the border."""
        return self.post("/v1/reports", report(metres_east, **more))


def report(metres_east: float | None = None, **more: Any) -> dict[str, Any]:
    """The body of a report, known to 10 m where it has a place of its own."""
    given: dict[str, Any] = {"class": city.BUILDING, "description": "Two storeys, no papers."}
    if metres_east is not None:
        given["location"] = {**city.beside_border(metres_east), "accuracy_m": 10.0}
    return given | more


#: Three words of English that are neither quoted nor a remark of another program.
_ENGLISH = re.compile("[a-z]{2,} [a-z]{2,} [a-z]{2,}")
_QUOTED = re.compile("“[^”]*”|'[^']*'|（[^）]*）|：[^：]*$")


def refusal(response: httpx.Response, status: int) -> dict[str, Any]:
    """The problem document of a refusal, checked for its form."""
    assert response.status_code == status, (response.status_code, response.text)
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["type"].startswith("urn:gridsvc:problem:")
    assert problem["title"]
    assert problem["detail"]
    # What quotes too much of what was sent is cut, and its end with it: no template knows it again.
    whole = [name for name in ("title", "detail") if "..." not in problem[name]]
    for name in whole:
        chinese = said_in("zh", problem[name])
        assert not _ENGLISH.search(_QUOTED.sub("", chinese)), chinese
    return problem


def _good(response: httpx.Response) -> Any:
    assert response.is_success, (response.status_code, response.text)
    return response.json()


def token_of(
    role: Role, area: str = "", body: str | None = None, *, subject: str | None = None
) -> str:
    return issue_token(
        bytes.fromhex(TOKEN_KEY),
        role=role,
        area=area,
        body=body,
        subject=subject,
        valid_for=dt.timedelta(hours=1),
        now=dt.datetime.now(dt.UTC),
    )


@pytest.fixture
def as_(client: httpx.Client) -> Callable[..., Person]:
    """Somebody with a token of a role, an area and a body, who speaks to the service."""

    def person(role: Role, area: str = "", body: str | None = None, **more: Any) -> Person:
        return Person(client, token_of(role, area, body, **more))

    return person


@pytest.fixture
def citizen(as_: Callable[..., Person]) -> Person:
    return as_(Role.CITIZEN)


@pytest.fixture
def lead(as_: Callable[..., Person]) -> Person:
    """The office of the street west of the border."""
    return as_(Role.STREET, city.LEAD)


@pytest.fixture
def other(as_: Callable[..., Person]) -> Person:
    """The office of the street east of the border."""
    return as_(Role.STREET, city.OTHER)
