"""Files of points, however long."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from gridsvc.api.clock import utc_now
from gridsvc.api.dependencies import parse_as_of
from gridsvc.bulk import locate_file
from gridsvc.bulk.on_dask import dask_runner
from gridsvc.cli.runtime import AsJson, console, database, load_city, notes, print_json
from gridsvc.db.engine import create_engine
from gridsvc.registry.placement.store import AtlasStore

_STOPPED = 130


def locate_file_command(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="CSV, Parquet, GeoParquet or FlatGeobuf.")
    ],
    out: Annotated[Path, typer.Argument(help="The result, of the same kind.")],
    crs: Annotated[
        str | None, typer.Option(help="wgs84, gcj02, bd09, EPSG:n or WKT; else the file's own.")
    ] = None,
    accuracy_m: Annotated[float | None, typer.Option(min=0, help="Accuracy in metres.")] = None,
    as_of: Annotated[
        str | None, typer.Option(help="By the boundaries of that day, or of an RFC 3339 time.")
    ] = None,
    strict: Annotated[bool, typer.Option(help="End at the first bad row; keep nothing.")] = False,
    restart: Annotated[bool, typer.Option(help="Forget what a stopped run has done.")] = False,
    scheduler: Annotated[
        str | None, typer.Option(help="A Dask scheduler, as tcp://host:8786, to do the work.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add the codes of every row's place to a file; stopped, the same command goes on."""
    city = load_city()
    settings, moment = city.settings, parse_as_of(as_of, city.calendar)
    engine = create_engine(database(settings))
    atlas = AtlasStore(engine, city, utc_now).get(moment)
    engine.dispose()
    accuracy = settings.report_accuracy_m if accuracy_m is None else accuracy_m
    with _bar() as bar:
        task = bar.add_task(source.name, total=None)

        def progress(done: int, total: int, unit: str) -> None:
            bar.update(task, completed=done, total=total, unit=unit)

        try:
            result = locate_file(
                source,
                out,
                atlas,
                crs=crs,
                accuracy_m=accuracy,
                strict=strict,
                restart=restart,
                runner=None if scheduler is None else dask_runner(scheduler),
                progress=progress,
            )
        except KeyboardInterrupt:
            bar.stop()
            notes.print("Stopped. The same command goes on where this one was.")
            raise typer.Exit(_STOPPED) from None
    if as_json:
        print_json(asdict(result))
        return
    console.print(f"{result.rows:,} rows, {result.bad_rows:,} bad ones: {out}", highlight=False)
    if result.bad_list is not None:
        console.print(f"The bad rows and why: {result.bad_list}", highlight=False)


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=notes,
        transient=True,
    )
