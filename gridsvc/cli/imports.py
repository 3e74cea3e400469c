"""Imports: areas, parts, lists and earlier reports from files, and Beijing to begin with."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Annotated

import typer

from gridsvc.api.clock import utc_now
from gridsvc.callers import Caller, Role
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.intake.history import BATCH, check_rows, file_rows, read_rows
from gridsvc.cli.area_import import Columns, areas, mapping_of
from gridsvc.cli.deferred import defer
from gridsvc.cli.runtime import AsJson, console, database, load_city, notes, print_json, session
from gridsvc.db.engine import create_engine, session_factory, transaction
from gridsvc.readers.limits import ReadOptions
from gridsvc.registry.access.keys import secret_key
from gridsvc.registry.bodies.importer import RefusedRow
from gridsvc.registry.classes.service import part_class_names
from gridsvc.registry.parts.importer import import_parts
from gridsvc.registry.parts.reading import parts_limits, read_parts
from gridsvc.registry.placement.store import AtlasStore
from gridsvc.registry.start import load_start

__all__ = [
    "app",
    "reports",
]

app = typer.Typer(
    help="Import areas, parts, lists, and reports of earlier years.", no_args_is_help=True
)
app.command()(areas)
defer(
    app,
    "bodies",
    "duties:bodies",
    "Register bodies: code,name,kind,area_code (webhook_url,source). All rows, or none.",
)
defer(
    app,
    "duties",
    "duties:duties",
    "Add a duty list: body,area,kind,class_prefix,role,clause,valid_from (valid_to,standard).",
)
defer(
    app,
    "reports",
    "history:reports",
    "Record reports of earlier years: reference,received_at,class,lon,lat (and more).",
)
defer(
    app,
    "social-grids",
    "social_grids:social_grids",
    "Let a file be a district's social grids: code,name,level,parent,area,households,...",
)

_SHOWN_FAULTS = 50


@app.command()
def beijing() -> None:
    """Load Beijing's districts, approximate streets and communities, classes and bodies."""
    with session() as opened:
        load_start(opened, load_city(), now=utc_now(), progress=notes.print)
    console.print("Beijing is loaded.")


@app.command()
def parts(
    file: Annotated[Path, typer.Argument(help="CSV, or any vector file.", exists=True)],
    district: Annotated[str, typer.Option(help="The district whose register takes them.")],
    column: Columns = [],  # noqa: B006 - typer reads the default, nobody changes it
    crs: Annotated[str | None, typer.Option(help="Declared CRS; else the file's, WGS84.")] = None,
    layer: Annotated[str | None, typer.Option(help="Layer, where a file has several.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Of the attributes, as GBK.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Check and report; keep nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Load parts into a district's register: all of them, or none and a list of bad rows."""
    city = load_city()
    with session() as opened:
        names = part_class_names(opened, city.standard).values()
        options = ReadOptions(parts_limits(city.settings), layer, encoding, set(names))
        raw = read_parts(file, options, crs=crs, mapping=mapping_of(column))
        result = import_parts(
            opened, raw, city=city, district=district, now=utc_now(), dry_run=dry_run
        )
    for remark in raw.remarks:
        notes.print(remark, highlight=False)
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
            console.print(str(fault), highlight=False)
        if len(result.refused) > _SHOWN_FAULTS:
            console.print(f"... and {len(result.refused) - _SHOWN_FAULTS:,} more; --json has all")
        console.print(f"{result.rows:,} rows, {result.loaded:,} loaded.")
    if result.refused:
        raise typer.Exit(1)


_OPERATOR = Caller("gridsvc command", Role.ADMIN, "", None, uuid.UUID(int=0))
_SHOWN = 40


def reports(
    file: Annotated[Path, typer.Argument(help="A CSV in UTF-8.", exists=True, dir_okay=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check; keep nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Record reports of earlier years: reference,received_at,class,lon,lat (and more).

    Every row is checked first, and with a bad one nothing is kept. A file that stopped in the
    middle, or has grown, is imported again as a whole: references that are known are skipped.
    """
    rows, faults = read_rows(file)
    city = load_city()
    settings = city.settings
    engine = create_engine(database(settings), application_name="gridsvc cli")
    atlas = AtlasStore(engine, city, utc_now).get()
    key = secret_key(settings.var_dir / "keys", "reporter", settings.reporter_key)
    sessions = session_factory(engine)
    now = utc_now()
    with transaction(sessions) as session:
        new, refused = check_rows(Occasion(session, city, _OPERATOR, now), atlas, rows)
    faults = sorted([*faults, *refused], key=lambda fault: fault.line)
    filed = 0
    for begin in range(0, 0 if faults or dry_run else len(new), BATCH):
        with transaction(sessions) as session:
            occasion = Occasion(session, city, _OPERATOR, now)
            filed += file_rows(occasion, atlas, new[begin : begin + BATCH], reporter_key=key)
        notes.print(f"{filed:,} of {len(new):,} recorded")
    engine.dispose()
    _tell(len(rows), filed, len(rows) - len(new) - len(refused), faults, as_json=as_json)
    if faults:
        raise typer.Exit(1)


def _tell(rows: int, filed: int, known: int, faults: list[RefusedRow], *, as_json: bool) -> None:
    if as_json:
        refused = [{"line": fault.line, "reason": fault.reason} for fault in faults]
        print_json({"rows": rows, "recorded": filed, "known": known, "refused": refused})
        return
    for fault in faults[:_SHOWN]:
        notes.print(f"line {fault.line}: {fault.reason}", markup=False, highlight=False)
    console.print(
        f"{rows:,} rows: {filed:,} recorded, {known:,} known already, {len(faults):,} refused."
    )
