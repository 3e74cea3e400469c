"""What every command needs: the console, the database, and how answers are written."""

from __future__ import annotations

import datetime as dt
import getpass
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from sqlalchemy import text
from sqlalchemy.orm import Session

from gridsvc.cli.deferred import command_given
from gridsvc.db.engine import create_engine, database_url, session_factory, transaction
from gridsvc.db.migrate import migrate
from gridsvc.errors import BadFile, TooLarge
from gridsvc.registry.access import audit
from gridsvc.settings import Settings, get_settings

if TYPE_CHECKING:
    from gridsvc.city import City

#: Answers go to standard output, everything else to standard error. Names come from files: what
#: looks like markup in them is shown as it is written.
console = Console(markup=False, emoji=False)
notes = Console(stderr=True, markup=False, emoji=False)

#: A larger file is not a proposal or a footprint.
_MOST_BYTES = 100_000_000

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


def load_city() -> City:
    """The city of this command, by the settings. Raises BadFile for a table that is wrong."""
    # Its plane needs shapely, for which a token or the help need not wait.
    from gridsvc.city import City

    return City.load(get_settings())


def database(settings: Settings | None = None) -> str:
    """The URL of a migrated database: the user's own, or the private cluster, joined until exit."""
    url = database_url(settings or get_settings())
    migrate(url)
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
    """A command that wrote something is an administrative act."""
    opened.flush()
    if opened.scalar(text("select pg_current_xact_id_if_assigned() is null")):
        return
    now = dt.datetime.now(dt.UTC)
    done = audit.Done(now, operator(), "operator", command_given.get(), "")
    audit.note(opened, done)
    audit.write_noted(opened)
