"""Another city: a folder of its tables, and the imports of its levels, calendar and class list."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from gridsvc.city.calendar import read_working_days
from gridsvc.city.classes import STANDARD
from gridsvc.city.own import DIVISIONS, WORKING_DAYS, keep_table
from gridsvc.cli.runtime import AsJson, console, load_city, print_json, session
from gridsvc.errors import BadInput, Conflict
from gridsvc.registry.classes.service import load_classes
from gridsvc.registry.districts import read_division_list
from gridsvc.settings import get_settings

#: The folder that a city begins with, laid out as it is written.
TEMPLATE = files("gridsvc.city") / "template"

File = Annotated[Path, typer.Argument(help="A CSV in UTF-8.", exists=True, dir_okay=False)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check and report; keep nothing.")]


def init_city(
    name: Annotated[Path, typer.Argument(help="The city: a new folder is called so.")],
) -> None:
    """Write a folder of tables for a city: an example row each, and what the columns mean."""
    if name.exists() and (not name.is_dir() or any(name.iterdir())):
        raise Conflict(f"{name} is there already; give the name of a new folder.")
    name.mkdir(parents=True, exist_ok=True)
    for table in sorted(TEMPLATE.iterdir(), key=lambda one: one.name):
        text = table.read_text(encoding="utf-8").replace("NAME", name.name)
        (name / table.name).write_text(text, encoding="utf-8")
        console.print(str(name / table.name), highlight=False)
    console.print(f"Begin with {name / 'README.md'}.", highlight=False)


def divisions(file: File, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Keep a city's list of districts, streets and communities: code,name,level,parent."""
    rows = len(read_division_list(file))
    _kept(file, DIVISIONS, rows, dry_run=dry_run, as_json=as_json)


def calendar(file: File, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Keep a city's table of holidays and make-up days: date,kind,name."""
    settings = get_settings()
    if settings.working_days is not None:
        raise BadInput(
            f"GRIDSVC_WORKING_DAYS names {settings.working_days}, which counts; change that table,"
            " or leave the setting out."
        )
    _kept(file, WORKING_DAYS, len(read_working_days(file)), dry_run=dry_run, as_json=as_json)


def classes(
    file: Annotated[
        Path | None,
        typer.Argument(help="A CSV in UTF-8; else the national list.", exists=True, dir_okay=False),
    ] = None,
    standard: Annotated[
        str, typer.Option(help="The list's name; else GRIDSVC_CLASS_STANDARD.")
    ] = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Load a class list: kind,code,name,major; without a file the national list that is shipped."""
    named = standard or (STANDARD if file is None else load_city().standard)
    if file is None and named != STANDARD:
        raise BadInput(f"The list that is shipped is {STANDARD}; give the file of {named[:30]}.")
    if len(named) > _LONGEST:
        raise BadInput(f"The name of a list has at most {_LONGEST} characters.", field="standard")
    with session() as opened:
        rows = load_classes(opened, file, standard=named)
        if dry_run:
            opened.rollback()
    if as_json:
        print_json({"standard": named, "rows": rows, "kept": not dry_run})
    else:
        console.print(f"{rows:,} classes of {named}{'' if not dry_run else _CHECKED}.")


_LONGEST = 30
_CHECKED = " (checked, nothing kept)"


def _kept(file: Path, table: str, rows: int, *, dry_run: bool, as_json: bool) -> None:
    """Put a checked table in its place, and say so."""
    place = None if dry_run else keep_table(get_settings(), table, file)
    if as_json:
        print_json({"rows": rows, "kept": str(place) if place else None})
    elif place is None:
        console.print(f"{rows:,} rows{_CHECKED}.")
    else:
        console.print(f"{rows:,} rows are in {place}.", highlight=False)
        console.print("Start 'gridsvc serve' and 'gridsvc worker' anew to let them count.")
