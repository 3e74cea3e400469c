"""What is wrong with this installation, and what to do about each."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

import typer
from rich.table import Table
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from gridsvc.api.clock import utc_now
from gridsvc.cases.core.messages.repository import backlog
from gridsvc.cases.log.verifying import verify_against
from gridsvc.city import City
from gridsvc.cli.runtime import AsJson, console, print_json
from gridsvc.db.engine import create_engine, database_url
from gridsvc.db.migrate import current, head
from gridsvc.db.partitions import missing_partitions
from gridsvc.db.roles import may_change_the_trace
from gridsvc.errors import DamagedIndex, GridsvcError
from gridsvc.keeping.backup import last_ended
from gridsvc.settings import Settings, get_settings
from gridsvc.spatial.locator import Locator

_LEAST_FREE_BYTES = 2_000_000_000
_LEAST_FREE_SHARE = 0.05
_CLOCKS_APART_S = 5.0
_WAITING_S = 600.0
_KEYS = ("token", "reporter", "webhook", "log")
_CHECKED_CASES = 1_000


class State(StrEnum):
    """How a thing is: as it should be, worth a look, or wrong."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``advice`` says what to do where it is not ok."""

    subject: str
    state: State
    found: str
    advice: str = ""


_Findings = Iterator[Finding]


def doctor(
    as_json: AsJson = False,
    whole_trace: bool = typer.Option(
        False, "--whole-trace", help="Check every case's trace, not the first 1,000."
    ),
) -> None:
    """Say what is wrong here and what to do about it. Exit code 1: something is."""
    settings = get_settings()
    findings = list(_examine(settings, None if whole_trace else _CHECKED_CASES))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        table = Table("", "what", "found", "what to do", title="gridsvc doctor")
        for one in findings:
            table.add_row(one.state, one.subject, one.found, one.advice)
        console.print(table)
    if any(finding.state is State.FAULT for finding in findings):
        raise typer.Exit(1)


def _examine(settings: Settings, cases: int | None) -> _Findings:
    """Everything, the cheapest first; what the database must answer only where it does."""
    yield from _city(settings)
    yield from _keys(settings)
    yield from _disk(settings)
    yield from _indexes(settings)
    yield from _backup(settings)
    try:
        url = database_url(settings)
        revision = current(url)
    except GridsvcError as error:
        yield Finding("database", State.FAULT, error.detail, "See the advice in the message.")
        return
    yield Finding("database", State.OK, "answers")
    if revision != head():
        found = f"revision {revision or 'none'}, this version needs {head()}"
        yield Finding("schema", State.FAULT, found, "Run 'gridsvc db migrate'.")
        return
    yield Finding("schema", State.OK, f"revision {revision}")
    engine = create_engine(url, application_name="gridsvc doctor", statement_timeout_s=60.0)
    questions: tuple[tuple[str, Callable[[Connection], _Findings]], ...] = (
        ("PostGIS", _postgis),
        ("login", _login),
        ("clock", _clock),
        ("partitions", _partitions),
        ("boundaries", _boundaries),
        ("classes", lambda connection: _classes(connection, settings.class_standard)),
        ("messages", _messages),
        ("trace", lambda connection: _trace(connection, cases)),
    )
    try:
        for subject, ask in questions:
            try:
                with engine.connect() as connection:
                    yield from ask(connection)
            except DBAPIError as error:
                told = str(error.orig).strip().splitlines()[0]
                yield Finding(subject, State.FAULT, told, "Look into the log of PostgreSQL.")
    finally:
        engine.dispose()


def _city(settings: Settings) -> _Findings:
    try:
        City.load(settings)
    except GridsvcError as error:
        yield Finding("tables", State.FAULT, error.detail, "Mend the table that is named.")
    else:
        yield Finding("tables", State.OK, "procedures, calendar and weights are sound")


def _keys(settings: Settings) -> _Findings:
    for name in _KEYS:
        path = settings.var_dir / "keys" / f"{name}.key"
        if getattr(settings, f"{name}_key"):
            yield Finding(f"{name} key", State.OK, "from the setting")
        elif not path.exists():
            advice = "The first start makes it; lost, what it sealed or signed is lost: restore it."
            yield Finding(f"{name} key", State.WARNING, f"{path} is missing", advice)
        elif path.stat().st_mode & 0o077:
            found = f"{path} can be read by others"
            yield Finding(f"{name} key", State.FAULT, found, f"Run 'chmod 600 {path}'.")
        else:
            yield Finding(f"{name} key", State.OK, "is there, for its owner alone")


def _backup(settings: Settings) -> _Findings:
    if settings.database_url:
        return  # whoever runs that server keeps its copies
    ended = last_ended(settings.var_dir)
    advice = "Run 'gridsvc db backup FOLDER', each night, to another disk (docs/backup.md)."
    if ended is None:
        yield Finding("backup", State.WARNING, "there was none yet", advice)
        return
    days = (utc_now() - ended) / dt.timedelta(days=1)
    state = State.FAULT if days > settings.backup_days else State.OK
    found = f"the newest is {days:,.1f} days old"
    yield Finding("backup", state, found, "" if state is State.OK else advice)


def _disk(settings: Settings) -> _Findings:
    places = {"var": settings.var_dir, "evidence": settings.var_dir / "evidence"}
    private = settings.var_dir / "pg"
    if private.exists():
        places["database's disk"] = private.resolve()
    for name, place in places.items():
        if not place.exists():
            continue
        usage = shutil.disk_usage(place)
        found = f"{usage.free / 1e9:,.1f} GB of {usage.total / 1e9:,.1f} GB are free"
        low = usage.free < max(_LEAST_FREE_BYTES, _LEAST_FREE_SHARE * usage.total)
        state = State.FAULT if low else State.OK
        yield Finding(name, state, found, "Make room or move it to a larger disk." if low else "")


def _indexes(settings: Settings) -> _Findings:
    damaged: list[Path] = []
    files = sorted((settings.var_dir / "index").glob("*.idx"))
    for path in files:
        try:
            Locator.open(path)
        except (DamagedIndex, OSError):
            damaged.append(path)
    if damaged:
        advice = "Delete it; it is made again when it is needed."
        names = ", ".join(path.name for path in damaged)
        yield Finding("index files", State.FAULT, f"damaged: {names}", advice)
    else:
        yield Finding("index files", State.OK, f"{len(files)} can be read")


def _postgis(connection: Connection) -> _Findings:
    found = connection.scalar(text("select postgis_full_version()"))
    yield Finding("PostGIS", State.OK, str(found).split(" [")[0])


def _clock(connection: Connection) -> _Findings:
    apart_s = abs((connection.scalar(text("select clock_timestamp()")) - utc_now()).total_seconds())
    newest = connection.scalar(text("select max(written_at) from trace"))
    if apart_s > _CLOCKS_APART_S:
        found = f"this machine and the database are {apart_s:,.0f} s apart"
        yield Finding("clock", State.FAULT, found, "Let both keep time by NTP.")
    elif newest is not None and newest > utc_now() + dt.timedelta(seconds=_CLOCKS_APART_S):
        found = f"the newest entry of the trace is of {newest:%Y-%m-%d %H:%M:%S} UTC, still to come"
        advice = "The clock was set back, or was fast before; set it by NTP."
        yield Finding("clock", State.FAULT, found, advice)
    else:
        yield Finding("clock", State.OK, f"{apart_s:.2f} s from the database's")


def _login(connection: Connection) -> _Findings:
    if may_change_the_trace(connection):
        found = "it may rewrite the trace"
        advice = "Give it one of its own: docs/operations.md, 'A database of your own'."
        yield Finding("login", State.WARNING, found, advice)
    else:
        yield Finding("login", State.OK, "may add to the trace, not change it")


def _partitions(connection: Connection) -> _Findings:
    missing = missing_partitions(connection, utc_now())
    if missing:
        advice = "Start 'gridsvc worker', which makes them, or 'gridsvc serve'."
        yield Finding("partitions", State.WARNING, f"missing: {', '.join(missing)}", advice)
    else:
        yield Finding("partitions", State.OK, "made for the months to come")


def _boundaries(connection: Connection) -> _Findings:
    levels = connection.scalars(
        text("select distinct level from edition where state = 'active' order by level")
    ).all()
    if "district" in levels:
        yield Finding("boundaries", State.OK, f"active: {', '.join(levels)}")
    else:
        advice = "Load them: 'gridsvc import areas', then 'gridsvc edition activate'."
        yield Finding("boundaries", State.FAULT, "no edition of districts is active", advice)


def _classes(connection: Connection, standard: str) -> _Findings:
    held = connection.scalar(
        text("select count(*) from class where standard = :standard"), {"standard": standard}
    )
    if held:
        yield Finding("classes", State.OK, f"{held:,} of {standard}")
    else:
        advice = "Load them: 'gridsvc import classes'; until then every report is refused."
        yield Finding("classes", State.FAULT, f"no class of {standard} is loaded", advice)


def _messages(connection: Connection) -> _Findings:
    found = backlog(Session(connection), now=utc_now())
    told = f"{found.due:,} are due, {found.given_up:,} were given up"
    if found.oldest_due_s > _WAITING_S:
        late = f"{told}; the oldest waits for {found.oldest_due_s / 60:,.0f} minutes"
        yield Finding("messages", State.FAULT, late, "Start 'gridsvc worker'.")
    elif found.given_up:
        yield Finding("messages", State.WARNING, told, "See 'gridsvc messages given-up'.")
    else:
        yield Finding("messages", State.OK, told)


def _trace(connection: Connection, cases: int | None) -> _Findings:
    checked = 0
    for district, case_id, verified in verify_against(Session(connection), []):
        if not verified.intact:
            found = f"case {case_id} of {district}, entry {verified.broken_at}: {verified.reason}"
            advice = "Somebody changed it: keep the database as it is and compare with a backup."
            yield Finding("trace", State.FAULT, found, advice)
            return
        checked += 1
        if checked == cases:
            break
    yield Finding("trace", State.OK, f"{checked:,} cases are as they were written")
