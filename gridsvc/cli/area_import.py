"""Import of areas: the columns guessed and confirmed, a dry run unless told otherwise, a report."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gridsvc.api.clock import utc_now
from gridsvc.cli.edition import Actor
from gridsvc.cli.runtime import AsJson, console, load_city, notes, print_json, session
from gridsvc.codes import Level
from gridsvc.errors import BadInput
from gridsvc.maps.import_report import import_report_page
from gridsvc.readers.limits import ReadLimits, ReadOptions
from gridsvc.readers.vector_file import read_columns
from gridsvc.registry.areas.columns import ColumnGuess, guess_columns
from gridsvc.registry.areas.importer import import_areas
from gridsvc.registry.areas.report import AreaImport, full_report, report_rows, summary
from gridsvc.registry.districts import Division, divisions_of

Columns = Annotated[
    list[str],
    typer.Option("--column", help="ours=theirs, as code=street_code; may be repeated."),
]
#: Enough rows to tell what a column holds, few enough to be read at once.
ROWS_LOOKED_AT = 5_000


def areas(
    file: Annotated[
        Path,
        typer.Argument(
            help="Shapefile, GeoPackage, GeoJSON, FlatGeobuf, GeoParquet, KML, FileGDB; also in a"
            " zip.",
            exists=True,
        ),
    ],
    by: Actor,
    level: Annotated[str, typer.Option(help="district, street or community.")],
    edition: Annotated[str, typer.Option(help="Id of the new edition.")],
    accuracy_m: Annotated[float, typer.Option(min=0, help="How far its borders may be off.")],
    source: Annotated[str, typer.Option(help="Where the file comes from.")],
    column: Columns = [],  # noqa: B006 - typer reads the default, nobody changes it
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Take the columns as guessed.")] = False,
    commit: Annotated[
        bool, typer.Option("--commit", help="Keep the edition, as a draft; else a dry run.")
    ] = False,
    report: Annotated[
        list[Path] | None,
        typer.Option(help="Write the report: FILE.json, FILE.html; may be repeated."),
    ] = None,
    licence: Annotated[str, typer.Option(help="Under which licence.")] = "not stated",
    effective_from: Annotated[
        str, typer.Option(help="From which day it counts (RFC 3339 day); today if left out.")
    ] = "",
    crs: Annotated[
        str | None,
        typer.Option(
            help="Declared CRS: wgs84, gcj02, bd09, EPSG:n, WKT, a .prj file, PROJ with +towgs84;"
            " else the file's own."
        ),
    ] = None,
    layer: Annotated[str | None, typer.Option(help="Layer, where a file has several.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Of the attributes, as GBK.")] = None,
    join_parts: Annotated[
        bool, typer.Option(help="Features of one code are parts of one area.")
    ] = False,
    new_codes: Annotated[bool, typer.Option(help="Take codes that are in no list.")] = False,
    reason: Annotated[
        str | None,
        typer.Option(help="Why the edition is made; kept with each area that it changes."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a file of areas and report; with --commit, keep it as a new edition in draft."""
    reports = report or []
    _check_reports(reports)
    city, now = load_city(), utc_now()
    since = _day(effective_from) if effective_from else city.day(now)
    divisions = divisions_of(city.settings)
    names = {it.name for it in divisions}
    options = ReadOptions(ReadLimits.of(city.settings), layer, encoding, names)
    columns = mapping_of(column) or _confirmed(_guess(file, level, options, divisions), yes=yes)
    with session() as opened:
        result = import_areas(
            opened,
            file,
            plane=city.plane,
            level=level,
            edition_id=edition,
            columns=columns,
            effective_from=city.calendar.begins(since),
            now=now,
            accuracy_m=accuracy_m,
            source=source,
            licence=licence,
            crs=crs,
            join_parts=join_parts,
            new_codes=new_codes,
            reason=reason,
            by=by,
            options=options,
            divisions=divisions,
            progress=notes.print,
        )
        if not commit:
            opened.rollback()
    for path in reports:
        _write_report(path, result, file.name, kept=commit)
        notes.print(f"The report is in {path}.", highlight=False)
    if as_json:
        print_json({"committed": commit, "columns": columns, **summary(result)})
    else:
        _show(result, kept=commit)


def mapping_of(pairs: list[str]) -> dict[str, str]:
    """The columns that were given as ours=theirs; raises BadInput for anything else."""
    mapping = {}
    for pair in pairs:
        ours, equals, theirs = pair.partition("=")
        if not equals or not theirs:
            raise BadInput(f"--column takes ours=theirs, not '{pair}'.", field="column")
        mapping[ours] = theirs
    return mapping


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise BadInput(
            f"--effective-from takes a day such as 2026-07-01, not {text!r}.",
            field="effective_from",
        ) from None


def _guess(
    file: Path, level: str, options: ReadOptions, divisions: list[Division]
) -> tuple[ColumnGuess, ...]:
    if level not in set(Level):
        raise BadInput(
            f"{level!r} is not a level of areas; give {', '.join(Level)}.", field="level"
        )
    return guess_columns(read_columns(file, ROWS_LOOKED_AT, options), Level(level), divisions)


def _confirmed(guesses: tuple[ColumnGuess, ...], *, yes: bool) -> dict[str, str]:
    """The guessed columns, once somebody has agreed; refused when nobody is there to ask."""
    columns = {guess.role: guess.column for guess in guesses}
    if not yes and not _somebody_is_there():
        said = "; ".join(
            f"{guess.role} = {guess.column} ({guess.why}; as {', '.join(guess.cells)}"
            + (f"; or {', '.join(guess.others)}" if guess.others else "")
            + ")"
            for guess in guesses
        )
        given = " ".join(f"--column {role}={theirs}" for role, theirs in columns.items())
        raise BadInput(
            f"The columns were guessed: {said}. Nobody is here to confirm them: add --yes, or give "
            f"them: {given}",
            field="column",
        )
    table = Table(title="Columns as guessed")
    for name in ("what", "column", "because", "its first cells"):
        table.add_column(name, overflow="fold")
    for guess in guesses:
        also = f"; as good: {', '.join(guess.others)}" if guess.others else ""
        table.add_row(guess.role, guess.column, guess.why + also, ", ".join(guess.cells))
    notes.print(table)
    if not yes and not typer.confirm("Is that right?", err=True):
        raise BadInput(
            "The columns were not confirmed; give them with --column code=... --column name=...",
            field="column",
        )
    return columns


def _somebody_is_there() -> bool:
    return sys.stdin.isatty()


def _check_reports(paths: list[Path]) -> None:
    """Before any work: whether the reports can be written as what they are called."""
    for path in paths:
        if path.suffix.lower() not in (".json", ".html"):
            raise BadInput(f"A report is FILE.json or FILE.html, not {path.name}.", field="report")
        if not path.absolute().parent.is_dir():
            raise BadInput(f"There is no folder for {path}; make it first.", field="report")


def _write_report(path: Path, result: AreaImport, file_name: str, *, kept: bool) -> None:
    if path.suffix.lower() == ".html":
        text = import_report_page(result, file_name=file_name, kept=kept)
    else:
        report = {"file": file_name, "committed": kept, **full_report(result)}
        text = json.dumps(report, ensure_ascii=False, indent=1)
    path.write_text(text, encoding="utf-8")


def _show(result: AreaImport, *, kept: bool) -> None:
    state = "in draft" if kept else "dry run, nothing kept"
    table = Table(title=f"{result.edition_id} ({result.level}, {result.crs}): {state}")
    for name in ("what", "feature", "area", "m²", "where", "how or why"):
        table.add_column(name, overflow="fold")
    for row in report_rows(result):
        area = f"{row.code} {row.name}".strip()
        table.add_row(row.what, row.features, area, f"{row.area_m2:,.1f}", row.place, row.words)
    console.print(table)
    for remark in result.remarks:
        console.print(remark, highlight=False)
    console.print(
        f"{len(result.loaded):,} loaded, {len(result.mended):,} repaired, {len(result.refused):,}"
        f" refused, {len(result.faults):,} faults between areas."
    )
    if not kept:
        console.print("Nothing was kept: add --commit to keep it as a draft.")
