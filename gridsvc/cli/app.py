"""The ``gridsvc`` command and its groups. Exit codes: 0 done, 1 refused, 2 wrong usage."""

from __future__ import annotations

import logging
import sys

import structlog
import typer

from gridsvc import __version__
from gridsvc.cli import (
    assessing,
    auditing,
    body,
    bulk,
    db,
    demo,
    disputes,
    duties,
    edition,
    grids,
    imports,
    no_mans_land,
    placing,
    relations,
    repairs,
    serving,
    token,
    trace,
    worker,
)
from gridsvc.cli.runtime import notes
from gridsvc.errors import GridsvcError

__all__ = ["app", "main"]

app = typer.Typer(
    name="gridsvc",
    help="Whose place is this? Areas, unit grids, parts, reports and joint whistles of a city.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module in (serving, worker, demo, placing, relations, bulk, no_mans_land, assessing):
    module.register(app)
app.add_typer(db.app, name="db")
app.add_typer(body.app, name="body")
duties.register(imports.app)
app.add_typer(imports.app, name="import")
app.add_typer(duties.app, name="duties")
auditing.register(edition.app)
repairs.register(edition.app)
app.add_typer(edition.app, name="edition")
app.add_typer(disputes.app, name="disputes")
app.add_typer(grids.app, name="grids")
app.add_typer(token.app, name="token")
app.add_typer(trace.app, name="trace")


@app.command()
def version() -> None:
    """Say which version this is."""
    typer.echo(__version__)


def main() -> None:
    """Run the command; an error of ours is one sentence and exit code 1."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False),
            # Plain: other formatters print local variables, where contacts may stand.
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ],
    )
    try:
        app()
    except GridsvcError as error:
        notes.print(f"{error.title}: ", end="", style="bold red")
        notes.print(error.detail, highlight=False)
        sys.exit(1)
