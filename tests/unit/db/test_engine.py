from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gridsvc.db import create_engine, session_factory, transaction
from gridsvc.db.engine import database_url, normalised_url
from gridsvc.errors import BadInput, Unavailable
from gridsvc.settings import Settings
from tests.waiting import PATIENCE_S


@pytest.fixture
def hasty(database: str) -> Iterator[Engine]:
    engine = create_engine(database, statement_timeout_s=0.2, application_name="hasty")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE note (id int PRIMARY KEY)"))
    yield engine
    engine.dispose()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_every_way_to_write_a_postgresql_url_gets_the_same_driver(scheme: str) -> None:
    url = f"{scheme}://me:p%40ss@host:5433/city?sslmode=require"
    assert normalised_url(url) == "postgresql+psycopg2://me:p%40ss@host:5433/city?sslmode=require"


@pytest.mark.parametrize("url", ["", "nonsense", "postgresql://host:port/city"])
def test_what_is_no_url_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(BadInput, match="postgresql://user:password@host:port/database") as caught:
        normalised_url(url)
    assert caught.value.field == "DATABASE_URL"


def test_the_users_own_database_goes_before_the_private_cluster(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://me@host/city")
    assert database_url(Settings()) == "postgresql+psycopg2://me@host/city"


def test_a_connection_speaks_utc_and_carries_its_name(hasty: Engine) -> None:
    with hasty.connect() as connection:
        assert connection.scalar(text("SHOW timezone")) == "UTC"
        assert connection.scalar(text("SHOW application_name")) == "hasty"
        assert connection.scalar(text("SHOW statement_timeout")) == "200ms"


def test_a_transaction_is_committed_at_its_end(hasty: Engine) -> None:
    with transaction(session_factory(hasty)) as session:
        session.execute(text("INSERT INTO note VALUES (1)"))
    with hasty.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM note")) == 1


def test_an_error_leaves_nothing_of_its_transaction(hasty: Engine) -> None:
    twice = text("INSERT INTO note VALUES (1); INSERT INTO note VALUES (1)")
    with pytest.raises(IntegrityError), transaction(session_factory(hasty)) as session:
        session.execute(twice)
    with hasty.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM note")) == 0


def test_an_endless_statement_is_stopped_and_the_service_says_so(hasty: Engine) -> None:
    sessions = session_factory(hasty)
    with pytest.raises(Unavailable, match="took too long"), transaction(sessions) as session:
        session.execute(text("SELECT pg_sleep(60)"))


def test_a_connection_lost_in_between_is_replaced_without_an_error(hasty: Engine) -> None:
    with hasty.connect() as connection:
        victim = connection.scalar(text("SELECT pg_backend_pid()"))
    other = create_engine(hasty.url.render_as_string(hide_password=False))
    with other.begin() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": victim})
    other.dispose()
    with transaction(session_factory(hasty)) as session:
        assert session.scalar(text("SELECT 1")) == 1


def test_a_connection_lost_inside_a_transaction_is_unavailable(hasty: Engine) -> None:
    sessions = session_factory(hasty)
    its_own_end = text("SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(Unavailable, match="does not answer"), transaction(sessions) as session:
        session.execute(its_own_end)


def test_of_two_transactions_that_wait_for_each_other_one_is_told_to_try_again(
    database: str,
) -> None:
    engine = create_engine(database)
    sessions = session_factory(engine)
    lock = text("SELECT pg_advisory_xact_lock(:n)")
    start = threading.Barrier(2)

    def take(first: int, second: int) -> str:
        try:
            with transaction(sessions) as session:
                session.execute(lock, {"n": first})
                start.wait(PATIENCE_S)
                session.execute(lock, {"n": second})
        except Unavailable as refused:
            return refused.detail
        return "done"

    with ThreadPoolExecutor(2) as threads:
        told = sorted(threads.map(take, (1, 2), (2, 1)))
    engine.dispose()
    assert told[1] == "done"
    assert "changing the same things" in told[0]


def test_without_a_free_connection_the_service_says_so(database: str) -> None:
    engine = create_engine(database, pool_size=1, max_overflow=0, pool_timeout_s=0.1)
    sessions = session_factory(engine)
    refused = pytest.raises(Unavailable, match="are taken")
    with engine.connect(), refused, transaction(sessions) as session:
        session.execute(text("SELECT 1"))
    engine.dispose()


def test_a_database_that_does_not_answer_is_unavailable() -> None:
    engine = create_engine("postgresql://me@127.0.0.1:1/city")
    sessions = session_factory(engine)
    with pytest.raises(Unavailable, match="does not answer"), transaction(sessions) as session:
        session.execute(text("SELECT 1"))


def _ends_itself(session: Session) -> None:
    driver: Any = session.connection().connection
    with driver.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


def test_a_server_that_stops_under_the_drivers_own_cursor_is_unavailable(hasty: Engine) -> None:
    sessions = session_factory(hasty)
    with pytest.raises(Unavailable, match="does not answer"), transaction(sessions) as session:
        _ends_itself(session)
