"""Bringing a database to the schema of this version, and back (Alembic, without its files).

Migrations lie in ``gridsvc/db/migrations/versions``. Each runs in its own transaction with a
statement timeout of 5 s and a lock timeout of 4 s: one that would hold up a live service fails
instead. One database is migrated by one process at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import alembic.command
from alembic import op
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from gridsvc.db.engine import normalised_url
from gridsvc.errors import MissingPrerequisite, Unavailable

_STATEMENT_GUARD = "SET statement_timeout = '5s'"
GUARDS = (_STATEMENT_GUARD, "SET lock_timeout = '4s'")
_WAIT_FOR_OTHER = "1200s"
_LOCK_KEY = 0x67726964737663  # "gridsvc"
# Made by PostGIS and by Alembic, not by our models.
_FOREIGN_TABLES = ("spatial_ref_sys", "alembic_version")
_PARTITIONS = "SELECT relname FROM pg_class WHERE relispartition AND relkind IN ('r', 'p')"


def migrate(url: str, revision: str = "head") -> None:
    """Migrate the database to ``revision``; PostGIS is made ready first.

    Raises ``MissingPrerequisite`` where the server has no PostGIS or the role may not create it,
    ``Unavailable`` when the server does not answer or another process does not finish migrating.
    """
    with _exclusive(url) as connection:
        _create_postgis(connection)
        alembic.command.upgrade(_config(connection), revision)


def downgrade(url: str, revision: str = "base") -> None:
    """Take the database back to ``revision``; what later revisions made is lost."""
    with _exclusive(url) as connection:
        alembic.command.downgrade(_config(connection), revision)


def current(url: str) -> str | None:
    """The revision of the database, None if it was never migrated."""
    with _connected(url) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str | None:
    """The newest revision that this version of the service knows."""
    return ScriptDirectory.from_config(_config(None)).get_current_head()


def differences(url: str, metadata: MetaData) -> list[Any]:
    """What Alembic would change to make the database equal to ``metadata``; empty if nothing."""
    with _connected(url) as connection:
        partitions = set(connection.scalars(text(_PARTITIONS)))

        def is_ours(name: str | None, kind: str, parents: Any) -> bool:
            table = name if kind == "table" else parents.get("table_name")
            return table is None or not (table in partitions or table.startswith(_FOREIGN_TABLES))

        context = MigrationContext.configure(
            connection,
            opts={"include_name": is_ours, "compare_type": True, "compare_server_default": True},
        )
        return list(compare_metadata(context, metadata))


@contextmanager
def unguarded(reason: str) -> Iterator[None]:
    """Inside a migration: lift the statement timeout, the lock timeout stays.

    For an index on a large table and the like; ``reason`` must say why it may take long.
    """
    if not reason.strip():
        raise ValueError("unguarded needs a reason.")
    op.execute(f"SET statement_timeout = 0 /* {reason.replace('*/', '')} */")
    yield
    op.execute(_STATEMENT_GUARD)


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", "gridsvc.db:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    engine: Engine = create_engine(
        normalised_url(url),
        poolclass=NullPool,
        connect_args={"application_name": "gridsvc migrate", "connect_timeout": 10},
    )
    try:
        connection = engine.connect()
    except OperationalError as error:
        raise Unavailable(
            f"The database {engine.url.render_as_string()} does not answer: "
            f"{str(error.orig).strip()}"
        ) from error
    with connection:
        yield connection


@contextmanager
def _exclusive(url: str) -> Iterator[Connection]:
    """A guarded connection of the only migrator of this database."""
    with _connected(url) as connection:
        try:
            connection.execute(text(f"SET lock_timeout = '{_WAIT_FOR_OTHER}'"))
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK_KEY})
        except OperationalError as error:
            raise Unavailable(
                "Another process has been migrating this database for twenty minutes; wait for"
                " it, or end it, and try again."
            ) from error
        connection.commit()
        yield connection


def _create_postgis(connection: Connection) -> None:
    """Outside the guard: PostGIS takes half a second here, but minutes on a loaded disk."""
    try:
        connection.execute(text("CREATE EXTENSION IF NOT EXISTS postgis"))
        connection.commit()
    except DBAPIError as error:
        raise MissingPrerequisite(
            "The database has no PostGIS and it cannot be created"
            f" ({str(error.orig).strip().splitlines()[0]}); install PostGIS 3 on the server and"
            " run CREATE EXTENSION postgis in this database as its superuser."
        ) from error
