"""What every command needs: the console, the database, and how answers are written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from sqlalchemy.orm import Session

from gridsvc.db.engine import (
    create_engine,
    database_url,
    owner_url,
    session_factory,
    transaction,
)
from gridsvc.db.migrate import current, head, migrate
from gridsvc.errors import BadFile, TooLarge, Unavailable
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
    finally:
        engine.dispose()
