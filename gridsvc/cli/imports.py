"""Imports: areas and parts from files, and Beijing to begin with."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gridsvc.cli.runtime import AsJson, console, notes, print_json, session
from gridsvc.errors import BadInput
from gridsvc.registry.areas.importer import import_areas
from gridsvc.registry.areas.report import AreaImport, report_rows, summary
from gridsvc.registry.parts.importer import import_parts
from gridsvc.registry.start import load_start

__all__ = ["app"]

app = typer.Typer(help="Bring in areas and parts.", no_args_is_help=True)

Columns = Annotated[
    list[str],
    typer.Option("--column", help="ours=theirs, as code=street_code; may be repeated."),
]
_SHOWN_FAULTS = 50


@app.command()
def beijing() -> None:
    """Load Beijing's districts, approximate streets and communities, classes and bodies."""
    with session() as opened:
        load_start(opened, progress=notes.print)
    console.print("Beijing is loaded.")


@app.command()
def areas(
    file: Annotated[Path, typer.Argument(help="Any vector file that GDAL reads.", exists=True)],
    level: Annotated[str, typer.Option(help="district, street or community.")],
    edition: Annotated[str, typer.Option(help="Id of the new edition.")],
    column: Columns,
    accuracy_m: Annotated[float, typer.Option(min=0, help="How far its borders may be off.")],
    source: Annotated[str, typer.Option(help="Where the file comes from.")],
    licence: Annotated[str, typer.Option(help="Under which licence.")] = "not stated",
    effective_from: Annotated[
        str, typer.Option(help="From which day it counts (RFC 3339 day); today if left out.")
    ] = "",
    crs: Annotated[str | None, typer.Option(help="Declared CRS; else the file's own.")] = None,
    layer: Annotated[str | None, typer.Option(help="Layer, where a file has several.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Of the attributes, as GBK.")] = None,
    join_parts: Annotated[
        bool, typer.Option(help="Features of one code are parts of one area.")
    ] = False,
    new_codes: Annotated[bool, typer.Option(help="Take codes that are in no list.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Check and report; keep nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Load areas as a new edition in draft: sound ones, mended ones; refused ones are listed."""
    since = dt.date.fromisoformat(effective_from) if effective_from else dt.date.today()
    zone = dt.timezone(dt.timedelta(hours=8))
    with session() as opened:
        result = import_areas(
            opened,
            file,
            level=level,
            edition_id=edition,
            columns=_mapping(column),
            effective_from=dt.datetime.combine(since, dt.time(), tzinfo=zone),
            accuracy_m=accuracy_m,
            source=source,
            licence=licence,
            crs=crs,
            layer=layer,
            encoding=encoding,
            join_parts=join_parts,
            new_codes=new_codes,
            progress=notes.print,
        )
        if dry_run:
            opened.rollback()
    if as_json:
        print_json(summary(result))
    else:
        _show_areas(result, dry_run)


@app.command()
def parts(
    file: Annotated[Path, typer.Argument(help="CSV, or any vector file.", exists=True)],
    district: Annotated[str, typer.Option(help="The district whose register takes them.")],
    column: Columns = [],  # noqa: B006 - typer reads the default, nobody changes it
    crs: Annotated[str | None, typer.Option(help="Declared CRS; else the file's, WGS84.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Check and report; keep nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Load parts into a district's register: all of them, or none and a list of bad rows."""
    with session() as opened:
        result = import_parts(
            opened, file, district=district, crs=crs, mapping=_mapping(column), dry_run=dry_run
        )
    if as_json:
        print_json(
            {
                "rows": result.rows,
                "loaded": result.loaded,
                "without_grid": result.without_grid,
                "refused": [
                    {"row": f.row, "line": f.line, "code": f.code, "reason": f.reason}
                    for f in result.refused
                ],
            }
        )
    else:
        for fault in result.refused[:_SHOWN_FAULTS]:
            console.print(str(fault), markup=False, highlight=False)
        if len(result.refused) > _SHOWN_FAULTS:
            console.print(f"... and {len(result.refused) - _SHOWN_FAULTS:,} more; --json has all")
        console.print(f"{result.rows:,} rows, {result.loaded:,} loaded.")
    if result.refused:
        raise typer.Exit(1)


def _mapping(pairs: list[str]) -> dict[str, str]:
    mapping = {}
    for pair in pairs:
        ours, equals, theirs = pair.partition("=")
        if not equals or not theirs:
            raise BadInput(f"--column takes ours=theirs, not '{pair}'.", field="column")
        mapping[ours] = theirs
    return mapping


def _show_areas(result: AreaImport, dry_run: bool) -> None:
    kept = "checked, nothing kept" if dry_run else "in draft"
    table = Table(title=f"{result.edition_id} ({result.level}, {result.crs}): {kept}")
    for name in ("what", "feature", "area", "m²", "where", "how or why"):
        table.add_column(name, overflow="fold")
    for row in report_rows(result):
        area = f"{row.code} {row.name}".strip()
        table.add_row(row.what, row.features, area, f"{row.area_m2:,.1f}", row.place, row.words)
    console.print(table)
    for remark in result.remarks:
        console.print(remark, markup=False, highlight=False)
    console.print(
        f"{len(result.loaded):,} loaded, {len(result.mended):,} mended,"
        f" {len(result.refused):,} refused, {len(result.faults):,} faults between areas."
    )
