"""Fills a database that has a registry with made-up cases: COPY without indexes, then the indexes.

Two processes draw the same chunks, one for the reports, one for the cases; each loads its tables in
one transaction that empties them first, so that a server with ``wal_level = minimal`` writes them
once. What indexes and keys there are is read from the database itself.
"""

from __future__ import annotations

import datetime as dt
import io
import multiprocessing
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg2
from sqlalchemy.engine import make_url

from benchmarks.case_rows import CASE_COLUMNS, case_rows
from benchmarks.case_sites import CLASSES, Answering, Site, draw_sites
from benchmarks.made_up_cases import Plan, draw
from benchmarks.report_rows import REPORT_COLUMNS, report_rows
from gridsvc.api.clock import utc_now
from gridsvc.city import City
from gridsvc.db.engine import create_engine, session_factory
from gridsvc.db.partitions import ensure_partitions
from gridsvc.registry.placement.store import AtlasStore
from gridsvc.settings import Settings

__all__ = ["BEIJING", "Filled", "fill"]

#: Around the city's middle, degrees WGS84: most of the people.
BEIJING = (116.05, 39.68, 116.72, 40.16)
_LANES = {"reports": REPORT_COLUMNS, "cases": CASE_COLUMNS}
_PARTITIONED = ("trace", "message")
_AHEAD = 3

_Rows = dict[str, dict[str, list[str]]]


@dataclass(frozen=True, slots=True)
class Filled:
    """How long each stage took, in seconds, and how large the database is then, in bytes."""

    loading_s: float
    indexing_s: float
    bytes: int
    rows: dict[str, int]


def fill(
    url: str,
    city: City,
    plan: Plan,
    *,
    sites: int,
    box: tuple[float, float, float, float] = BEIJING,
    progress: Callable[[str, int, int], None],
) -> Filled:
    """Empty the tables of the cases and fill them by the plan; ``url`` is its owner's.

    ``progress`` is told the stage, how much of it is done, and of how much.
    """
    begun = time.perf_counter()
    _make_months(url, plan)
    made_again = _without_indexes(url, [*REPORT_COLUMNS, *CASE_COLUMNS])
    engine = create_engine(url, statement_timeout_s=0.0)
    try:
        places = draw_sites(AtlasStore(engine, city, utc_now).get(), sites, plan.seed, box)
    finally:
        engine.dispose()
    context = multiprocessing.get_context("spawn")
    said: multiprocessing.Queue[Any] = context.Queue()
    lanes = [
        context.Process(target=_lane, args=(name, url, city.settings, plan, places, said))
        for name in _LANES
    ]
    for lane in lanes:
        lane.start()
    rows: dict[str, int] = {}
    done = 0
    while len(rows) < len(REPORT_COLUMNS) + len(CASE_COLUMNS):
        try:
            told = said.get(timeout=1.0)
        except queue.Empty:
            if any(lane.exitcode for lane in lanes):
                raise SystemExit("a process that loads has failed; see above") from None
            continue
        if isinstance(told, dict):
            rows |= told
        else:
            done += 1
            progress("loading", done, plan.chunks * len(_LANES))
    for lane in lanes:
        lane.join()
    loaded = time.perf_counter()
    with _connected(url) as connection, connection.cursor() as cursor:
        cursor.execute("set maintenance_work_mem = '1GB'")
        for n, statement in enumerate(made_again, 1):
            cursor.execute(statement)
            progress("indexing", n, len(made_again) + 1)
        cursor.execute("analyze")
        cursor.execute("select pg_database_size(current_database())")
        size = int(cursor.fetchone()[0])
    progress("indexing", len(made_again) + 1, len(made_again) + 1)
    return Filled(loaded - begun, time.perf_counter() - loaded, size, rows)


def _lane(
    name: str,
    url: str,
    settings: Settings,
    plan: Plan,
    sites: Sequence[Site],
    said: multiprocessing.Queue[Any],
) -> None:
    """Load the tables of one lane, rows being drawn while those before are sent."""
    columns = _LANES[name]
    counts = dict.fromkeys(columns, 0)
    with _connected(url) as connection, connection.cursor() as cursor:
        connection.autocommit = False
        cursor.execute(f"truncate {', '.join(columns)}")
        for rows in _ahead(_chunks(name, url, City.load(settings), plan, sites)):
            for table, parts in rows.items():
                for part, lines in parts.items():
                    into = f"{table}_{part.replace('-', '_')}" if part else table
                    text = io.BytesIO("".join(lines).encode())
                    cursor.copy_expert(f"copy {into} ({columns[table]}) from stdin (freeze)", text)
                    counts[table] += len(lines)
            said.put(name)
        connection.commit()
    said.put(counts)


def _chunks(name: str, url: str, city: City, plan: Plan, sites: Sequence[Site]) -> Iterator[_Rows]:
    grades = city.procedures.grades
    limits = np.array(
        [grades[city.procedures.rule_for("12345", key).grade].limit.hours for key, _ in CLASSES]
    )
    engine = create_engine(url, statement_timeout_s=0.0)
    with session_factory(engine)() as session:
        answering = Answering(session, city, city.day(plan.until))
        for number in range(plan.chunks):
            chunk = draw(plan, sites, number, limits)
            if name == "reports":
                yield report_rows(chunk, sites, answering)
            else:
                yield case_rows(chunk, sites, answering, plan.seed)
    engine.dispose()


def _ahead(made: Iterator[_Rows]) -> Iterator[_Rows]:
    """The same, made in a thread of its own, a few before they are asked for."""
    waiting: queue.Queue[_Rows | BaseException | None] = queue.Queue(_AHEAD)

    def make() -> None:
        try:
            for rows in made:
                waiting.put(rows)
            waiting.put(None)
        except BaseException as error:
            waiting.put(error)

    threading.Thread(target=make, daemon=True).start()
    while (rows := waiting.get()) is not None:
        if isinstance(rows, BaseException):
            raise rows
        yield rows


def _make_months(url: str, plan: Plan) -> None:
    """The partitions that the service would have made month by month."""
    engine = create_engine(url, statement_timeout_s=0.0)
    month = plan.since.replace(day=1)
    with engine.begin() as connection:
        while month <= plan.until:
            ensure_partitions(connection, month)
            month = (month + dt.timedelta(days=32)).replace(day=1)
    engine.dispose()


def _without_indexes(url: str, tables: Sequence[str]) -> list[str]:
    """Drop keys and indexes of the tables; gives the statements that make them again."""
    again: list[str] = []
    with _connected(url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select conrelid::regclass::text, conname, pg_get_constraintdef(oid), contype"
            " from pg_constraint where contype in ('f', 'p', 'u') and conparentid = 0"
            " and (conrelid = any(%(t)s::regclass[]) or confrelid = any(%(t)s::regclass[]))"
            " order by contype = 'f', conname",
            {"t": list(tables)},
        )
        keys = cursor.fetchall()
        cursor.execute(
            "select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index"
            " where indrelid = any(%s::regclass[]) and not exists (select from pg_constraint c"
            " where c.conindid = indexrelid) order by 1",
            [list(tables)],
        )
        indexes = cursor.fetchall()
        for table, name, definition, _ in reversed(keys):
            cursor.execute(f"alter table {table} drop constraint {name}")
            again.append(f"alter table {table} add constraint {name} {definition}")
        for name, definition in indexes:
            cursor.execute(f"drop index {name}")
            again.append(definition.replace(" ON ONLY ", " ON "))
    # Keys first, foreign ones last: they need the keys they point at.
    return sorted(again, key=lambda statement: "FOREIGN KEY" in statement)


def _connected(url: str) -> psycopg2.extensions.connection:
    parsed = make_url(url).set(drivername="postgresql")
    connection = psycopg2.connect(parsed.render_as_string(hide_password=False))
    connection.autocommit = True
    return connection
