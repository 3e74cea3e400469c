"""Scans for hot places by hand, and those of the worker."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy import Engine

from gridsvc.api.clock import utc_now
from gridsvc.city import City
from gridsvc.city.watches import WATCHES
from gridsvc.cli.runtime import AsJson, console, database, load_city, print_json
from gridsvc.db.base import transaction
from gridsvc.db.engine import create_engine, session_factory
from gridsvc.db.roles import SERVICE_ROLE
from gridsvc.errors import BadInput, NotFound
from gridsvc.foresight.alarms.repository import scan_of
from gridsvc.foresight.alarms.schemas import ScanRow
from gridsvc.foresight.alarms.service import districts_in_force, scan_day
from gridsvc.registry.placement.store import AtlasStore

app = typer.Typer(help="Alarms of hot places (热力图告警).", no_args_is_help=True)


@app.callback()
def _alarms() -> None:
    """Keep 'scan' a sub-command while it is the only one."""


@app.command()
def scan(
    day: Annotated[str | None, typer.Option(help="YYYY-MM-DD; yesterday.")] = None,
    district: Annotated[str | None, typer.Option(help="One district; all of them.")] = None,
    watch: Annotated[str | None, typer.Option(help="One line of watches.csv; all.")] = None,
    as_json: AsJson = False,
) -> None:
    """Scan a day for hot places, raise alarms, open their cases; a day is scanned once."""
    city, now = load_city(), utc_now()
    today = city.day(now)
    try:
        wanted = today - dt.timedelta(days=1) if day is None else dt.date.fromisoformat(day)
    except ValueError:
        raise BadInput(f"'day' is {day!r}; write a day like 2026-11-21.", field="day") from None
    if wanted >= today:
        raise BadInput(f"{wanted} is not over; the last whole day is before {today}.", field="day")
    if watch is not None and watch not in city.table(WATCHES):
        known = ", ".join(city.table(WATCHES))
        raise BadInput(f"There is no watch '{watch}'; there are {known}.", field="watch")
    with _engine(city) as engine:
        found = list(_scans(engine, city, wanted, district=district, watch=watch))
    if as_json:
        print_json([one.model_dump(mode="json") for one in found])
        return
    table = Table("district", "watch", "places", "reports", "threshold", "alarms", "chronic")
    for one in found:
        level = "too little history" if one.threshold is None else f"{one.threshold:.2f}"
        counts = (f"{one.places:,}", f"{one.reports:,}", level, f"{one.raised}")
        table.add_row(one.district_code, one.watch, *counts, f"{len(one.chronic)}")
    console.print(table)


def scan_due(city: City, stopped: Callable[[], bool] = lambda: False) -> int:
    """Make the scans of yesterday that nobody has made; gives the number of new alarms.

    It ends behind a scan when it is ``stopped``: a calibration takes up to minutes.
    """
    day, raised = city.day(utc_now()) - dt.timedelta(days=1), 0
    with _engine(city, role=SERVICE_ROLE) as engine:
        for one in _scans(engine, city, day, new_alone=True):
            raised += one.raised
            if stopped():
                break
    return raised


@contextmanager
def _engine(city: City, role: str | None = None) -> Iterator[Engine]:
    """The database without a limit of time: a year of a district's reports is read at once."""
    url, name = database(city.settings), "gridsvc alarms"
    engine = create_engine(url, application_name=name, statement_timeout_s=0.0, role=role)
    try:
        yield engine
    finally:
        engine.dispose()


def _scans(
    engine: Engine,
    city: City,
    day: dt.date,
    *,
    district: str | None = None,
    watch: str | None = None,
    new_alone: bool = False,
) -> Iterator[ScanRow]:
    """Scan a day of every district by every watch, each in a transaction of its own.

    ``new_alone``: pass by those that were made.
    """
    sessions, store = session_factory(engine), AtlasStore(engine, city, utc_now)
    with transaction(sessions) as opened:
        districts = districts_in_force(opened, utc_now())
    if district is not None and district not in districts:
        raise NotFound(f"There is no district {district}; there are {', '.join(districts)}.")
    for code in districts if district is None else [district]:
        for one in city.table(WATCHES).values():
            if watch not in (None, one.name):
                continue
            with transaction(sessions) as opened:
                if new_alone and scan_of(opened, code, one.name, day) is not None:
                    continue
                made = scan_day(opened, city, code, one, day, store.get, now=utc_now())
                answer = ScanRow.told(made)
            yield answer
