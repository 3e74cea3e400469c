"""Duty lists: imported, and looked through for classes that nobody answers for."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy.orm import Session

from gridsvc.api.clock import utc_now
from gridsvc.cli.runtime import AsJson, console, load_city, note_refused, print_json, session
from gridsvc.errors import BadInput
from gridsvc.registry.bodies.gaps import find_gaps
from gridsvc.registry.bodies.importer import Imported, import_bodies, import_duties

app = typer.Typer(help="Duty lists (职责清单).", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="A CSV in UTF-8.", exists=True, dir_okay=False)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check and report; keep nothing.")]
_SHOWN = 40


@app.callback()
def _duties() -> None:
    """Keep 'gaps' a sub-command while it is the only one."""


@app.command()
def gaps(
    district: Annotated[str, typer.Option(help="Only areas whose code begins so.")] = "",
    day: Annotated[str, typer.Option(help="As of this day of the city; today if left out.")] = "",
    as_json: AsJson = False,
) -> None:
    """List every class in every street for which no list names a lead (属地兜底)."""
    city = load_city()
    try:
        asked = dt.date.fromisoformat(day) if day else city.day(utc_now())
    except ValueError:
        raise BadInput(f"--day is '{day}'; write 2026-07-01.", field="day") from None
    with session() as opened:
        found = find_gaps(opened, prefix=district, day=asked, at=city.calendar.ends(asked))
    if as_json:
        print_json(
            {
                "day": asked.isoformat(),
                "streets": found.streets,
                "classes": found.classes,
                "gaps": [
                    {
                        "street": gap.street_code,
                        **asdict(gap.key),
                        "name": gap.class_name,
                        "communities": list(gap.communities),
                        "seen_at": gap.seen_at and gap.seen_at.isoformat(),
                    }
                    for gap in found.gaps
                ],
                "without_office": list(found.without_office),
            }
        )
        return
    title = f"Classes without a body, {asked}"
    table = Table("class", "name", "streets", "as", "cases have come", title=title)
    by_class = Counter((gap.key, gap.class_name) for gap in found.gaps)
    for (key, name), streets in by_class.most_common(_SHOWN):
        one = next(gap for gap in found.gaps if gap.key == key)
        seen = sum(gap.seen_at is not None for gap in found.gaps if gap.key == key)
        table.add_row(f"{key.kind} {key.code}", name, f"{streets:,}", one.street_code, f"{seen:,}")
    if by_class:
        console.print(table)
    if len(by_class) > _SHOWN:
        console.print(f"... and {len(by_class) - _SHOWN:,} more classes; --json has all")
    for code in found.without_office:
        console.print(f"The office of street {code} is not registered; import it.")
    console.print(
        f"{found.streets:,} streets and {found.classes:,} classes:"
        f" {len(found.gaps):,} gaps, where the street coordinates."
    )


def bodies(file: File, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Register bodies: code,name,kind,area_code (webhook_url,telephone,source); all, or none."""
    _import(file, import_bodies, dry_run, as_json)


def duties(file: File, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Add a duty list: body,area,kind,class_prefix,role,clause,valid_from (valid_to,standard)."""
    load = partial(import_duties, standard=load_city().standard)
    _import(file, load, dry_run, as_json)


def _import(
    file: Path, load: Callable[[Session, Path], Imported], dry_run: bool, as_json: bool
) -> None:
    with session() as opened:
        result = load(opened, file)
        if dry_run:
            opened.rollback()
    if as_json:
        print_json(asdict(result))
    else:
        note_refused(result.refused)
        kept = " (checked, nothing kept)" if dry_run else ""
        console.print(
            f"{result.rows:,} rows: {result.loaded:,} new, {result.known:,} known already,"
            f" {len(result.refused):,} refused{kept}."
        )
    if result.refused:
        raise typer.Exit(1)
