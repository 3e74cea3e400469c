"""Engine, sessions and transactions; which database this process talks to."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg2
import sqlalchemy
from sqlalchemy import Engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker

from gridsvc.db.cluster import PrivateCluster
from gridsvc.errors import BadInput, Unavailable
from gridsvc.settings import Settings

_DRIVER = "postgresql+psycopg2"
_QUERY_CANCELED = "57014"
_DEADLOCK_DETECTED = "40P01"


def normalised_url(url: str) -> str:
    """``postgres://`` and ``postgresql://`` with the driver that the service uses.

    Raises ``BadInput`` (field ``DATABASE_URL``) for anything that is not PostgreSQL.
    """
    try:
        parsed: URL = make_url(url)
    except (ArgumentError, ValueError):
        raise BadInput(
            "DATABASE_URL is not a URL; write postgresql://user:password@host:port/database.",
            field="DATABASE_URL",
        ) from None
    if parsed.drivername.split("+")[0] not in ("postgres", "postgresql"):
        raise BadInput(
            f"DATABASE_URL names {parsed.drivername}; the service needs PostgreSQL with PostGIS,"
            " postgresql://user:password@host:port/database.",
            field="DATABASE_URL",
        )
    return parsed.set(drivername=_DRIVER).render_as_string(hide_password=False)


def database_url(settings: Settings) -> str:
    """The user's own database, or the private cluster's, which is then joined until exit.

    Raises ``BadInput`` for a bad ``DATABASE_URL``, ``MissingPrerequisite`` without PostGIS,
    ``Unavailable`` if the private cluster does not start.
    """
    if settings.database_url:
        return normalised_url(settings.database_url)
    return _joined(settings.var_dir.resolve()).url()


@cache
def _joined(var_dir: Path) -> PrivateCluster:
    cluster = PrivateCluster(var_dir)
    cluster.join()
    atexit.register(cluster.leave)
    return cluster


def create_engine(
    url: str,
    *,
    application_name: str = "gridsvc",
    pool_size: int = 10,
    max_overflow: int = 10,
    pool_timeout_s: float = 10.0,
    statement_timeout_s: float = 30.0,
    role: str | None = None,
) -> Engine:
    """An engine whose connections speak UTC, carry a name and give up on endless statements.

    A connection is tried before use, so that a restarted server is met again without an error.
    ``statement_timeout_s`` of 0 sets no limit (imports, exports). ``role`` is the database role
    whose rights the connections have; None keeps those of the URL's user.
    """
    options = f"-c timezone=UTC -c statement_timeout={round(statement_timeout_s * 1000)}"
    if role is not None:
        options += f" -c role={role}"
    return sqlalchemy.create_engine(
        normalised_url(url),
        pool_pre_ping=True,
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_timeout=pool_timeout_s,
        connect_args={
            "application_name": application_name,
            "connect_timeout": 10,
            "options": options,
        },
    )


def session_factory(engine: Engine) -> sessionmaker[Session]:
    """A maker of sessions; objects stay readable after the commit."""
    return sessionmaker(engine, expire_on_commit=False)


@contextmanager
def transaction(sessions: sessionmaker[Session]) -> Iterator[Session]:
    """One transaction: committed at the end, rolled back whole on any error.

    Raises ``Unavailable`` when the database does not answer, a statement took too long, no
    connection became free, or two transactions waited for each other and this one gave way.
    """
    try:
        with sessions.begin() as session:
            yield session
    except PoolTimeout as error:
        raise Unavailable(
            "All connections to the database are taken; nothing was changed. Try again in a moment."
        ) from error
    except (DBAPIError, psycopg2.Error) as error:
        fault = error.orig if isinstance(error, DBAPIError) else error
        code = getattr(fault, "pgcode", None)
        if code == _QUERY_CANCELED:
            raise Unavailable(
                "The database took too long for this and stopped; ask for less, or try again later."
            ) from error
        if code == _DEADLOCK_DETECTED:
            raise Unavailable(
                "Someone else was changing the same things; nothing was changed. Try again."
            ) from error
        lost = isinstance(error, DBAPIError) and error.connection_invalidated
        broken = isinstance(fault, psycopg2.OperationalError | psycopg2.InterfaceError)
        if lost or (broken and code is None):
            raise Unavailable(
                "The database does not answer; nothing was changed. Try again in a moment."
            ) from error
        raise
