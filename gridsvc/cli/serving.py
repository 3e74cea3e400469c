"""Serving: the HTTP service, and what it needs before its first answer."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
import uvicorn
from sqlalchemy.orm import Session, sessionmaker

from gridsvc.api.clock import utc_now
from gridsvc.api.connections import ConnectionLimits
from gridsvc.callers import Role
from gridsvc.cli.processes import DependentConfig, serve_apart
from gridsvc.cli.runtime import database, notes, operator
from gridsvc.db.base import transaction
from gridsvc.db.engine import create_engine, session_factory
from gridsvc.db.partitions import ensure_partitions
from gridsvc.db.roles import may_change_the_trace
from gridsvc.errors import NotAuthenticated
from gridsvc.registry.access.keys import KeyRing
from gridsvc.registry.access.register import Life, make_token
from gridsvc.registry.access.service import holder_of
from gridsvc.settings import Settings, get_settings

_GOODBYE_S = 5
#: A process that has said nothing for so long hangs; a busy machine holds a sound one up for less.
_HUNG_S = 120


class _Server(uvicorn.Server):
    """Tells the port that it listens on as soon as it answers."""

    def __init__(self, config: uvicorn.Config, tell: Callable[[int], None]) -> None:
        super().__init__(config)
        self._tell = tell

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._tell(self.servers[0].sockets[0].getsockname()[1])


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes that answer.")] = 1,
) -> None:
    """Serve HTTP; /healthz answers when it is ready, /map shows the city, /docs lists the rest."""
    settings = get_settings()
    prepare(settings)

    def tell(port: int) -> None:
        notes.print(f"gridsvc serves http://{host}:{port}/map  (interface: /docs)")

    config = DependentConfig(
        "gridsvc.api.app:create_app",
        limits=ConnectionLimits.of(settings),
        factory=True,
        host=host,
        port=port,
        workers=workers,
        # In one process uvloop lets some of 64 busy connections wait ten times as long. On a
        # socket that was handed over, asyncio leaves Nagle's algorithm on: 40 ms a request.
        loop="asyncio" if workers == 1 else "auto",
        log_level="warning",
        access_log=False,
        # Streams of events never end by themselves.
        timeout_graceful_shutdown=_GOODBYE_S,
        timeout_worker_healthcheck=_HUNG_S,
    )
    if workers > 1:
        with TemporaryDirectory(prefix="gridsvc-metrics-") as folder:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
            serve_apart(config, tell)
        return
    server = _Server(config, tell)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        raise typer.Exit(1)


def prepare(settings: Settings) -> str:
    """Make the coming partitions and the first token; give the URL of the database."""
    url = database(settings)
    engine = create_engine(url, statement_timeout_s=0.0)
    try:
        with engine.begin() as connection:
            ensure_partitions(connection, utc_now())
            if may_change_the_trace(connection):
                notes.print(
                    "DATABASE_URL logs in as somebody who may rewrite the trace; give the service"
                    " a login of its own (docs/operations.md, 'A database of your own')."
                )
        _first_token(settings, session_factory(engine))
    finally:
        engine.dispose()
    return url


def _first_token(settings: Settings, sessions: sessionmaker[Session]) -> None:
    """Make an admin's token, readable by its owner alone, where the one of before has expired."""
    path = settings.var_dir / "admin.token"
    ring = KeyRing(settings.var_dir / "keys", "token", settings.token_key)
    with suppress(OSError, NotAuthenticated):
        holder_of(ring.keys, path.read_text().strip())
        return
    with transaction(sessions) as session:
        token = make_token(
            session,
            ring.current,
            role=Role.ADMIN,
            subject="admin",
            life=Life.of(settings),
            made_by=operator(),
            now=utc_now(),
        ).token
    draft = path.with_name(f".admin.{os.getpid()}.token")
    draft.touch(mode=0o600)
    draft.write_text(token + "\n")
    draft.rename(path)
    notes.print(f"An admin's token was made; it is in {path}.")
