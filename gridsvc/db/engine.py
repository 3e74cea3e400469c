"""Engine and sessions; which database this process talks to."""

from __future__ import annotations

import atexit
from functools import cache
from pathlib import Path

import sqlalchemy
from sqlalchemy import Engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session, sessionmaker

from gridsvc.db.cluster import PrivateCluster
from gridsvc.db.roles import PUBLIC_ROLE, SERVICE_ROLE
from gridsvc.errors import BadInput
from gridsvc.settings import Settings

_DRIVER = "postgresql+psycopg2"


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

    In the private cluster it is the login of the service. Raises ``BadInput`` for a bad
    ``DATABASE_URL``, ``MissingPrerequisite`` without PostGIS, ``Unavailable`` if the private
    cluster does not start.
    """
    if settings.database_url:
        return normalised_url(settings.database_url)
    return _joined(settings.var_dir.resolve()).url(login=SERVICE_ROLE)


def public_url(settings: Settings) -> str:
    """The same database for questions of anybody. Raises as ``database_url`` does."""
    if settings.public_database_url:
        return normalised_url(settings.public_database_url)
    if settings.database_url:
        return normalised_url(settings.database_url)
    return _joined(settings.var_dir.resolve()).url(login=PUBLIC_ROLE)


def owner_url(settings: Settings) -> str:
    """The same database for its owner, who alone migrates it. Raises as ``database_url`` does."""
    given = settings.owner_database_url or settings.database_url
    if settings.database_url and given:
        return normalised_url(given)
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
    idle_timeout_s: float = 0.0,
    role: str | None = None,
) -> Engine:
    """An engine whose connections speak UTC, carry a name and give up on endless statements.

    A connection is tried before use, so that a restarted server is met again without an error.
    ``statement_timeout_s`` of 0 sets no limit (imports), nor does ``idle_timeout_s``, the time that
    a transaction may lie open without a statement. ``role`` is the database role whose rights the
    connections have; None keeps those of the URL's user.
    """
    options = f"-c timezone=UTC -c statement_timeout={round(statement_timeout_s * 1000)}"
    options += f" -c idle_in_transaction_session_timeout={round(idle_timeout_s * 1000)}"
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
