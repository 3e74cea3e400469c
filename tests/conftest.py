"""One private PostGIS server per run, one migrated template, a copy for each test that asks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from gridsvc.db import PrivateCluster, create_engine, session_factory
from gridsvc.db.migrate import migrate
from gridsvc.errors import MissingPrerequisite
from tests.scratch import copy_of, server_folder
from tests.systems import lines

_ROOT = Path(__file__).resolve().parent.parent
_TEMPLATE = "template_gridsvc"
_COLLECTED = pytest.StashKey[list[pytest.Item]]()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Deal whole modules to the processes; asked for by pytest-xdist alone."""
    from tests.by_module import ByModule

    return ByModule(config, log)


def pytest_collection_finish(session: pytest.Session) -> None:
    session.config.stash[_COLLECTED] = session.items


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Where the systems were asked for, in one process, say what of each was shown."""
    if config.option.markexpr == "system" and _COLLECTED in config.stash:
        failed = {
            report.nodeid
            for outcome in ("failed", "error")
            for report in terminalreporter.stats.get(outcome, [])
        }
        terminalreporter.section("systems of the mission")
        for line in lines(config.stash[_COLLECTED], failed):
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def cluster() -> Iterator[PrivateCluster]:
    """The server of this run: a user's DATABASE_URL is never touched by a test."""
    folder = server_folder("gridsvc-test-")
    # What is thrown away at the end need not outlive a power cut.
    options = {
        "fsync": "off",
        "full_page_writes": "off",
        "shared_buffers": "128MB",
        "max_wal_size": "512MB",
    }
    server = PrivateCluster(folder, database=_TEMPLATE, options=options)
    try:
        server.join()
    except MissingPrerequisite as missing:
        pytest.exit(missing.detail, returncode=2)
    try:
        yield server
    finally:
        server.leave()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def template_database(cluster: PrivateCluster) -> str:
    """The name of a migrated, empty database; never connect to it, copy it."""
    migrate(cluster.url())
    return _TEMPLATE


@pytest.fixture
def empty_database(cluster: PrivateCluster) -> Iterator[str]:
    """The URL of a database with nothing in it, PostGIS neither."""
    with copy_of(cluster, "template0") as url:
        yield url


@pytest.fixture
def database(cluster: PrivateCluster, template_database: str) -> Iterator[str]:
    """The URL of a migrated database of this test's own, dropped after it."""
    with copy_of(cluster, template_database) as url:
        yield url


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    engine = create_engine(database, application_name="gridsvc test")
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session in a database of this test's own; what the test does not commit is lost."""
    with session_factory(engine)() as session:
        yield session


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real polygons that may not be part of the project; tests that need them skip without."""
    place = os.environ.get("GRIDSVC_SHARED_DATA")
    folder = Path(place) if place else _ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(
            f"The real streets are not at {folder}: set GRIDSVC_SHARED_DATA to their folder."
        )
    return folder
