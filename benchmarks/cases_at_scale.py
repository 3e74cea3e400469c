"""`python -m benchmarks.cases_at_scale`: intake, open lists and assessment with 2 million cases.

Fills a private cluster in the folder given (45 GB) unless it is filled, measures, and writes
docs/benchmarks-cases.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import httpx
import numpy as np
import psycopg2
from rich.console import Console
from rich.progress import Progress
from sqlalchemy.engine import make_url

from benchmarks.cases_page import Measured, write
from benchmarks.filing import bare_inserts, file_reports
from benchmarks.filling import fill
from benchmarks.made_up_cases import Plan
from benchmarks.over_http import GRIDSVC, running
from gridsvc.assessment.period import parse_period
from gridsvc.assessment.rates import Dimension
from gridsvc.assessment.service import assess
from gridsvc.callers import Role
from gridsvc.city import City
from gridsvc.db import PrivateCluster, create_engine, session_factory
from gridsvc.db.migrate import migrate
from gridsvc.demo.city import prepare_city
from gridsvc.registry.access.keys import secret_key
from gridsvc.registry.access.service import issue_token
from gridsvc.settings import get_settings

__all__ = ["main"]

_FULL, _EMPTY = "gridsvc", "empty"
_FILLED = "filled.json"
#: The server while it is filled: what is made from a seed can be made again.
_FILLING = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "8GB",
    "autovacuum": "off",
}
_LIMIT_S = 12.0


def main() -> None:
    """Fill, measure, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cases_at_scale")
    parser.add_argument("--var", type=Path, default=Path("var/cases"), help="where the server is")
    parser.add_argument("--cases", type=int, default=2_000_000, help="five reports each")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=_LIMIT_S, help="of each measurement")
    parser.add_argument("--remove", action="store_true", help="delete the folder at the end")
    chosen = parser.parse_args()
    var = chosen.var.resolve()
    tell = Console(stderr=True, highlight=False).print
    if not (var / _FILLED).exists():
        _fill(var, chosen.cases, chosen.seed)
    cluster = PrivateCluster(var)
    cluster.join()
    try:
        measured = _measure(cluster, var, chosen.seconds, tell)
        write(measured, json.loads((var / _FILLED).read_text()))
    finally:
        cluster.leave()
    if chosen.remove:
        cluster.remove()


def _fill(var: Path, cases: int, seed: int) -> None:
    until = dt.datetime.now(dt.UTC).replace(minute=0, second=0, microsecond=0)
    plan = Plan(cases, 5, seed, until - dt.timedelta(days=730), until)
    with PrivateCluster(var, options=_FILLING) as cluster, Progress() as bar:
        url = cluster.url()
        migrate(url)
        engine = create_engine(url, statement_timeout_s=0.0)
        city = City.load(get_settings().model_copy(update={"var_dir": var}))
        prepare_city(session_factory(engine), city, lambda said: bar.print(said))
        engine.dispose()
        with psycopg2.connect(_plain(cluster.url("postgres"))) as connection:
            connection.autocommit = True
            connection.cursor().execute(f"create database {_EMPTY} template {_FULL}")
        task = bar.add_task("loading")

        def progress(stage: str, done: int, of: int) -> None:
            bar.update(task, description=stage, completed=done, total=of)

        filled = fill(url, city, plan, sites=20_000, progress=progress)
        for database in (_FULL, _EMPTY):
            _run(cluster, database, "vacuum analyze")
    (var / _FILLED).write_text(json.dumps(asdict(filled)))


def _measure(
    cluster: PrivateCluster, var: Path, seconds: float, say: Callable[[str], None]
) -> Measured:
    intake, bare = {}, {}
    token = issue_token(
        secret_key(var / "keys", "token", None),
        role=Role.ADMIN,
        valid_for=dt.timedelta(days=1),
        now=dt.datetime.now(dt.UTC),
    )
    open_ms: list[float] = []
    most_ms: list[float] = []
    for database in (_EMPTY, _FULL):
        plain = _plain(cluster.url(database))
        migrate(cluster.url(database))
        os.environ["GRIDSVC_DATABASE_URL"] = plain
        with running([*_serve(), "--workers", "2"], var, str(Path.cwd())) as url:
            _ready(url)
            file_reports(url, token, seconds=3.0, seed=os.getpid())
            rounds = []
            for turn in (1, 2):
                rounds.append(file_reports(url, token, seconds=seconds, seed=os.getpid() + turn))
                bare[database, turn] = bare_inserts(plain, seconds=seconds / 3)
                say(f"{database}: {rounds[-1]}, bare {bare[database, turn]:,.0f} rows/s")
            intake[database] = max(rounds, key=lambda one: one.rate)
            if database == _FULL:
                most_ms, open_ms = _open_lists(url, token, plain)
                say(f"open lists: {max(most_ms):.1f} ms, p99 {np.percentile(open_ms, 99):.1f} ms")
    city = City.load(get_settings())
    today = city.day(dt.datetime.now(dt.UTC))
    month = parse_period(f"{today.replace(day=1) - dt.timedelta(days=1):%Y-%m}", city.calendar)
    engine = create_engine(cluster.url(_FULL), statement_timeout_s=0.0)
    took = {}
    for name, by in (("city, by street", ["city", "street"]), ("all eight", [*Dimension])):
        with session_factory(engine)() as session:
            begun = time.perf_counter()
            dimensions = [Dimension(one) for one in by]
            now = dt.datetime.now(dt.UTC)
            assess(session, city, month, dimensions, now=now)
            took[name] = time.perf_counter() - begun
        say(f"assessment, {name}: {took[name]:.1f} s")
    engine.dispose()
    rates = {name: max(bare[name, 1], bare[name, 2]) for name in (_EMPTY, _FULL)}
    return Measured(intake, rates, most_ms, open_ms, took, _versions_of(cluster))


def _open_lists(url: str, token: str, plain: str) -> tuple[list[float], list[float]]:
    """Milliseconds of the first page of 100: of the body with most open cases, of every body."""
    with psycopg2.connect(plain) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select lead_body from case_file where state = 'open' group by 1 order by count(*) desc"
        )
        bodies = [row[0] for row in cursor.fetchall()]
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}) as client:

        def page(body: str) -> float:
            begun = time.perf_counter()
            query = {"body": body, "state": "open", "order": "limit"}
            client.get("/v1/cases", params=query).raise_for_status()
            return (time.perf_counter() - begun) * 1e3

        page(bodies[-1])
        return [page(bodies[0]) for _ in range(50)], [page(body) for body in bodies]


def _serve() -> list[str]:
    return [*GRIDSVC, "serve"]


def _ready(url: str) -> None:
    for _ in range(6_000):
        if httpx.get(url + "/readyz", timeout=None).is_success:
            return
        time.sleep(0.1)
    raise RuntimeError("the service answers, but has not become ready in ten minutes")


def _versions_of(cluster: PrivateCluster) -> str:
    with psycopg2.connect(_plain(cluster.url(_FULL))) as connection, connection.cursor() as cursor:
        cursor.execute("select current_setting('server_version'), postgis_lib_version()")
        postgres, postgis = cursor.fetchone() or ("", "")
    return f"PostgreSQL {postgres.split()[0]}, PostGIS {postgis}"


def _run(cluster: PrivateCluster, database: str, statement: str) -> None:
    connection = psycopg2.connect(_plain(cluster.url(database)))
    connection.autocommit = True
    connection.cursor().execute(statement)
    connection.close()


def _plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


if __name__ == "__main__":
    main()
