"""A service of a test's own in a folder of its own: private server, keys, evidence, a city."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from gridsvc.api.app import create_app
from gridsvc.callers import Role
from gridsvc.db import PrivateCluster, session_factory
from gridsvc.db.migrate import migrate
from gridsvc.keeping.backup import back_up
from gridsvc.keeping.sealed import Seal
from gridsvc.settings import Settings
from tests.service import joint_city as city
from tests.service.conftest import TOKEN_KEY, Person, served, token_of

__all__ = ["CONTACT", "FAST", "MARKER", "PASSPHRASE", "House"]

PASSPHRASE = "correct horse battery"
MARKER = "MARKsaid5c1e"
CONTACT = {"name": "王小明", "phone": "010-5550199"}
#: What is thrown away at the end need not outlive a power cut.
FAST = {"fsync": "off", "shared_buffers": "32MB", "max_wal_size": "64MB", "min_wal_size": "32MB"}


class House:
    """The service in ``var``."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.cluster = PrivateCluster(var, options=FAST)

    def furnish(self) -> None:
        """Make the city in the server, which runs."""
        migrate(self.cluster.url())
        engine = create_engine(self.cluster.url(), poolclass=NullPool)
        with session_factory(engine).begin() as session:
            city.make_city(session)

    def client(self, **settings: Any) -> Any:
        """A client of the service, as a context manager."""
        own = {"DATABASE_URL": self.cluster.url(), "var_dir": self.var, "token_key": TOKEN_KEY}
        return served(create_app(Settings(**(own | settings))))

    def report(self, description: str = MARKER) -> Any:
        """File a report; gives the answer."""
        with self.client() as client:
            citizen = Person(client, token_of(Role.CITIZEN))
            return citizen.report(-300, reporter=CONTACT, description=description)

    def ask(self, query: str) -> Any:
        """The first column of a query's answer."""
        engine = create_engine(self.cluster.url(), poolclass=NullPool)
        with engine.connect() as connection:
            return connection.execute(text(query)).scalars().all()

    def tables(self) -> dict[str, str]:
        """The hash of every table's rows."""
        names = self.ask(
            "select c.relname from pg_class c where c.relkind = 'r'"
            " and c.relnamespace = 'public'::regnamespace"
        )
        rows = "select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {} t"
        return {name: self.ask(rows.format(f'"{name}"'))[0] for name in names}

    def back_up(self, folder: Path, now: dt.datetime | None = None) -> Any:
        """A copy of all of it."""
        moment = now or dt.datetime.now(dt.UTC)
        evidence = self.var / "evidence"
        return back_up(self.cluster, self.var, evidence, folder, Seal(PASSPHRASE), now=moment)
