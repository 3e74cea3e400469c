"""What every command needs: the console, the database, and how answers are written."""

from __future__ import annotations

import getpass
import json
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from gridsvc.api.clock import utc_now
from gridsvc.callers import Caller, Role
from gridsvc.cli.deferred import command_given
from gridsvc.db.base import transaction
from gridsvc.db.engine import create_engine, database_url, owner_url, session_factory
from gridsvc.db.migrate import current, head, migrate
from gridsvc.errors import BadFile, TooLarge, Unavailable
from gridsvc.registry.access import audit
from gridsvc.settings import Settings, get_settings

if TYPE_CHECKING:
    import datetime as dt

    from gridsvc.city import City
    from gridsvc.registry.bodies.importer import RefusedRow
    from gridsvc.registry.placement.store import Atlas

#: Answers go to standard output, everything else to standard error. Names come from files: what
#: looks like markup in them is shown as it is written.
console = Console(markup=False, emoji=False)
notes = Console(stderr=True, markup=False, emoji=False)

#: A larger file is not a proposal or a footprint.
_MOST_BYTES = 100_000_000

#: So many rows that cannot be taken are told.
_SHOWN = 40

#: Whoever may start a command on this machine may do everything, and is named so.
OPERATOR = Caller("gridsvc command", Role.ADMIN, "", None, uuid.UUID(int=0))

AsJson = Annotated[bool, typer.Option("--json", help="Answer with JSON on standard output.")]


def read_json(file: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises BadFile, and TooLarge above 100 MB."""
    if file.stat().st_size > _MOST_BYTES:
        raise TooLarge(f"{file} has more than {_MOST_BYTES:,} bytes; load it as a draft edition.")
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadFile(f"{file} is not JSON: {error}.") from None
    if not isinstance(read, dict):
        raise BadFile(f"{file} is not a JSON object.")
    return read


def print_json(answer: Any) -> None:
    """Write one line of JSON."""
    typer.echo(json.dumps(answer, ensure_ascii=False, default=str))


def print_first(lines: Sequence[object], most: int) -> None:
    """Write the first lines, and how many more there are."""
    for line in lines[:most]:
        console.print(str(line), highlight=False)
    if len(lines) > most:
        console.print(f"... and {len(lines) - most:,} more; --json has all")


def note_refused(rows: Sequence[RefusedRow]) -> None:
    """Tell the first rows of a file that cannot be taken, and why."""
    for row in rows[:_SHOWN]:
        notes.print(f"line {row.line}: {row.reason}", highlight=False)


def load_city() -> City:
    """The city of this command, by the settings. Raises BadFile for a table that is wrong."""
    # Its plane needs shapely, for which a token or the help need not wait.
    from gridsvc.city import City

    return City.load(get_settings())


def database(settings: Settings | None = None) -> str:
    """The URL of a migrated database: the user's own, or the private cluster, joined until exit.

    The private cluster is kept by whoever joins it, so its owner migrates it here where that is
    due. Raises Unavailable where a database of the user's own has another schema.
    """
    settings = settings or get_settings()
    url = database_url(settings)
    found, needed = current(url), head()
    if found != needed and settings.database_url is None:
        migrate(owner_url(settings))
    elif found != needed:
        raise Unavailable(
            f"The schema of the database is at revision {found or 'none'}, and this version needs"
            f" {needed}; run 'gridsvc db migrate'."
        )
    return url


@contextmanager
def session(*, statement_timeout_s: float = 0.0) -> Iterator[Session]:
    """One transaction in a migrated database: kept at the end, or nothing at all."""
    engine = create_engine(
        database(), application_name="gridsvc cli", statement_timeout_s=statement_timeout_s
    )
    try:
        with transaction(session_factory(engine)) as opened:
            yield opened
            _enter_in_audit_log(opened)
    finally:
        engine.dispose()


def operator() -> str:
    """Who gives this command, as the machine knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a name for its user
        return f"uid {os.getuid()}"


def _enter_in_audit_log(opened: Session) -> None:
    """A command that wrote something is an administrative act; a trial run was taken back."""
    if not opened.in_transaction():
        return
    opened.flush()
    if opened.scalar(text("select pg_current_xact_id_if_assigned() is null")):
        return
    done = audit.Done(utc_now(), operator(), "operator", command_given.get(), "")
    audit.note(opened, done)
    audit.write_noted(opened)


@contextmanager
def open_atlas(
    city: City, moment: dt.datetime | None = None, *, statement_timeout_s: float = 30.0
) -> Iterator[tuple[Atlas, sessionmaker[Session]]]:
    """The atlas of a moment, now when None, and a maker of sessions in the same database.

    Raises NotFound when no edition of districts was in force then.
    """
    # It needs the locator, for which a token or the help need not wait.
    from gridsvc.registry.placement.store import AtlasStore

    engine = create_engine(
        database(city.settings),
        application_name="gridsvc cli",
        statement_timeout_s=statement_timeout_s,
    )
    try:
        yield AtlasStore(engine, city, utc_now).get(moment), session_factory(engine)
    finally:
        engine.dispose()
