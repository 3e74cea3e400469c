"""The demonstration, played once for all acceptance tests, and a server on its data."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from gridsvc.db import PrivateCluster, create_engine
from tests.scratch import server_folder
from tests.waiting import GRIDSVC, PATIENCE_S, Command


@dataclass(frozen=True)
class City:
    """A var folder in which the demonstration was played, and what it printed."""

    var: Path
    printed: dict[str, Any]
    seconds: float

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A gridsvc command on this city."""
        return subprocess.run(
            [*GRIDSVC, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a command on this city; a user's own database is never touched."""
        kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        return {**kept, "GRIDSVC_VAR_DIR": str(self.var)}


@pytest.fixture(scope="session")
def city() -> Iterator[City]:
    """Real Beijing with unit grids, parts and the story, as 'gridsvc demo --once' makes it."""
    var = server_folder("gridsvc-city-")
    started = time.perf_counter()
    made = City(var, {}, 0.0)
    try:
        done = made.run("demo", "--once", "--json")
        assert done.returncode == 0, done.stderr[-4000:]
        last = done.stdout.splitlines()[-1]
        yield City(var, json.loads(last), time.perf_counter() - started)
    finally:
        PrivateCluster(var).remove()
        shutil.rmtree(var, ignore_errors=True)


@pytest.fixture(scope="session")
def server(city: City) -> Iterator[str]:
    """The URL of 'gridsvc serve' on that city, in a process of its own."""
    command = Command([*GRIDSVC, "serve", "--port", "0"], environment=city.environment)
    try:
        yield command.says(r"serves (http://\S+)/map")[1]
    finally:
        command.process.terminate()
        command.wait()
        command.kill()


@pytest.fixture
def http(server: str) -> Iterator[httpx.Client]:
    """A client of the running server."""
    with httpx.Client(base_url=server, timeout=PATIENCE_S) as client:
        yield client


@pytest.fixture(scope="session")
def city_engine(city: City, server: str) -> Iterator[Engine]:
    """The city's database, for checks by other means than the service."""
    engine = create_engine(PrivateCluster(city.var).url(), statement_timeout_s=0)
    yield engine
    engine.dispose()


@pytest.fixture
def token(city: City) -> Any:
    """Makes tokens by the command line: ``token("street", "110102020")``."""

    def make(role: str, area: str = "", body: str | None = None) -> dict[str, str]:
        extra = ["--body", body] if body else []
        made = city.run("token", "create", "--role", role, "--area", area, *extra)
        assert made.returncode == 0, made.stderr
        return {"Authorization": f"Bearer {made.stdout.strip()}"}

    return make
