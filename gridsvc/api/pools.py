"""Connections and threads of one kind of work each, so that none can take those of another.

A process opens at most 36 connections: 16 for the intake, 2 for the boundaries in force, 4 for
exports, 4 for what anybody may ask, 10 for the rest.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import anyio
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from gridsvc.db.engine import create_engine, session_factory
from gridsvc.db.roles import PUBLIC_ROLE, SERVICE_ROLE

#: Threads that take reports in, each with a connection that nobody else can have.
_WRITERS = 16
_KEPT, _MORE = 5, 5
_PUBLIC = 4
_EXPORTS = 4
_BOUNDARIES = 2
_BATCHES = 16
_LISTENERS = 4
#: What waits longer for its own transaction to go on than this has forgotten it.
_IDLE_S = 60.0


@dataclass(frozen=True, slots=True)
class Pools:
    """Sessions of the intake and of exports, each on connections of its own; and threads.

    ``boundaries`` has those by which the editions are watched, ``public`` those of what anybody may
    ask; these and the exports log in as somebody who reads nothing of people. ``general`` has those
    of everything else. ``writers`` run the intake; the limiters bound the threads that write
    exports, place batches and begin event streams.
    """

    general: Engine
    boundaries: Engine
    intake: sessionmaker[Session]
    exports: sessionmaker[Session]
    public: sessionmaker[Session]
    writers: ThreadPoolExecutor
    exporting: anyio.CapacityLimiter
    batching: anyio.CapacityLimiter
    listening: anyio.CapacityLimiter

    @classmethod
    def of(cls, url: str, public_url: str) -> Pools:
        """The pools on a database, by the logins of the service and the public. Raises BadInput."""

        def engine(
            work: str, size: int, more: int, timeout_s: float, *, public: bool = False
        ) -> Engine:
            return create_engine(
                public_url if public else url,
                application_name=f"gridsvc {work}",
                pool_size=size,
                max_overflow=more,
                statement_timeout_s=timeout_s,
                idle_timeout_s=_IDLE_S,
                role=PUBLIC_ROLE if public else SERVICE_ROLE,
            )

        return cls(
            engine("api", _KEPT, _MORE, 30.0),
            engine("boundaries", _BOUNDARIES, 0, 30.0, public=True),
            session_factory(engine("intake", _WRITERS, 0, 10.0)),
            session_factory(engine("exports", _EXPORTS, 0, 30.0, public=True)),
            session_factory(engine("public", _PUBLIC, 0, 30.0, public=True)),
            ThreadPoolExecutor(_WRITERS, thread_name_prefix="writer"),
            anyio.CapacityLimiter(_EXPORTS),
            anyio.CapacityLimiter(_BATCHES),
            anyio.CapacityLimiter(_LISTENERS),
        )

    def close(self) -> None:
        """End the threads, then the connections."""
        self.writers.shutdown()
        for engine in (self.general, self.boundaries):
            engine.dispose()
        for sessions in (self.intake, self.exports, self.public):
            sessions.kw["bind"].dispose()
