"""Cases, from the command line."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gridsvc.api.clock import utc_now
from gridsvc.assessment.period import parse_period
from gridsvc.assessment.rates import percent
from gridsvc.cases.systems.leader_notes.counting import leader_lines
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
def notes(
    period: Annotated[str, typer.Argument(help="2026-11, 2026-Q4, 2026, or days.")],
    area: Annotated[str, typer.Option(help="A district, street or community: its code.")] = "",
    as_json: AsJson = False,
) -> None:
    """Leaders' notes and visits by month and leader: answered within the hour, done, ended."""
    city = load_city()
    span = parse_period(period, city.calendar)
    with session() as opened:
        lines = leader_lines(opened, city, area, span.start, span.end, now=utc_now())
    if as_json:
        print_json({"period": span.name, "area": area, "lines": [one.to_json() for one in lines]})
        return
    columns = ("month", "leader", "notes", "visits", "within", "share", "in time", "late", "ended")
    table = Table(*columns, title=f"Leaders' notes and visits of {span.name}")
    for line in lines:
        one = line.counts
        numbers = (one.notes, one.visits, one.within)
        share = percent(line.answered_within)
        ends = (one.in_time, one.late, one.ended)
        table.add_row(one.month, one.leader, *map(str, numbers), share, *map(str, ends))
    console.print(table)


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
