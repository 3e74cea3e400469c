"""The logins of the service: who may do what in its database, besides the owner.

The owner makes the schema. The service adds to the trace and to other histories and cannot change
them, nor the schema; the public reads what anybody may see and writes nothing.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from psycopg2 import sql
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from gridsvc.db.home import write_private

SERVICE_ROLE = "gridsvc_service"
PUBLIC_ROLE = "gridsvc_public"


def private_password(home: Path, role: str) -> Path:
    """Where the private server's home keeps the password of a login."""
    return home / f"{role}.password"


def make_private_logins(home: Path, cursor: Any) -> None:
    """Let the service and the public log in to the private server, each by its own password.

    Those of a server that an earlier version made are made too; nothing is changed otherwise.
    """
    cursor.execute("select rolname from pg_roles where rolcanlogin")
    known = {row[0] for row in cursor.fetchall()}
    for role in (SERVICE_ROLE, PUBLIC_ROLE):
        path = private_password(home, role)
        if role in known and path.exists():
            continue
        password = secrets.token_hex(24)
        _let_log_in(cursor, role, password)
        write_private(path, password)  # last: without it all is done again


def make_login(connection: Connection, url: str, role: str) -> None:
    """Let the user of ``url`` log in with the rights of ``role``; the owner's connection asks.

    A user that exists keeps its password and gets the role alone.
    """
    wanted = make_url(url)
    name, password = wanted.username, wanted.password
    there = connection.scalar(
        text("select rolcanlogin from pg_roles where rolname = :name"), {"name": name}
    )
    if name is None or name == connection.scalar(text("select current_user")):
        return
    driver: Any = connection.connection
    with driver.cursor() as cursor:
        if not there:
            _let_log_in(cursor, name, str(password or ""))
        if name != role:
            cursor.execute(
                sql.SQL("grant {} to {}").format(sql.Identifier(role), sql.Identifier(name))
            )


def may_change_the_trace(connection: Connection) -> bool:
    """Whether who has logged in could rewrite what happened, whatever role it works in now."""
    return bool(
        connection.scalar(text("select has_table_privilege(session_user, 'trace', 'UPDATE')"))
    )


def _let_log_in(cursor: Any, name: str, password: str) -> None:
    cursor.execute("select from pg_roles where rolname = %s", [name])
    verb = sql.SQL("alter" if cursor.fetchone() is not None else "create")
    cursor.execute(
        sql.SQL("{} role {} login nosuperuser nocreatedb nocreaterole password {}").format(
            verb, sql.Identifier(name), sql.Literal(password)
        )
    )
