"""Cases, from the command line."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Annotated

import typer

from gridsvc.api.clock import utc_now
from gridsvc.cases.systems.limits import recompute
from gridsvc.cli.runtime import AsJson, console, load_city, print_json, session
from gridsvc.errors import BadFile
from gridsvc.maps.case_history import case_history_page, read_case_history

app = typer.Typer(help="Cases (案卷).", no_args_is_help=True)


@app.command()
def history(
    case_id: Annotated[uuid.UUID, typer.Argument(help="The case's id.")],
    out: Annotated[Path, typer.Argument(help="An .html file to write.")],
) -> None:
    """Write the history of a case as a page: every report by year, and what was done."""
    if out.suffix != ".html":
        raise BadFile(f"{out} ends in '{out.suffix}'; a history is written to .html.")
    city = load_city()
    with session() as opened:
        read = read_case_history(opened, city, case_id)
        out.write_text(case_history_page(read, city), encoding="utf-8")
    console.print(f"{out}: {len(read.reports):,} reports")


@app.command()
def limits(as_json: AsJson = False) -> None:
    """Make provisional limits again by the calendar as it is now; the worker does so once a day."""
    city = load_city()
    with session() as opened:
        moved = recompute(opened, city, now=utc_now())
    if as_json:
        print_json({"moved": moved})
    else:
        console.print(f"{moved:,} cases have limits that moved")
