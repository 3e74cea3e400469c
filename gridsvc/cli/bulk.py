"""Files of points, however long."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from gridsvc.bulk import locate_file
from gridsvc.bulk.on_dask import dask_runner
from gridsvc.cli.runtime import AsJson, console, database, notes, print_json
from gridsvc.db.engine import create_engine
from gridsvc.errors import BadInput
from gridsvc.registry.placement.store import AtlasStore
from gridsvc.settings import get_settings

__all__ = ["locate_file_command"]

_STOPPED = 130
_LOCAL_TIME = dt.timezone(dt.timedelta(hours=8))


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
        str | None, typer.Option(help="Boundaries of that day or moment (RFC 3339).")
    ] = None,
    strict: Annotated[bool, typer.Option(help="End at the first bad row; keep nothing.")] = False,
    restart: Annotated[bool, typer.Option(help="Forget what a stopped run has done.")] = False,
    scheduler: Annotated[
        str | None, typer.Option(help="A Dask scheduler, as tcp://host:8786, to do the work.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add the codes of every row's place to a file; stopped, the same command goes on."""
    settings = get_settings()
    moment = None if as_of is None else _moment(as_of)
    engine = create_engine(database(settings))
    atlas = AtlasStore(engine, settings.var_dir / "index").get(moment)
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
        print_json(
            {
                "rows": result.rows,
                "bad_rows": result.bad_rows,
                "bad_list": None if result.bad_list is None else str(result.bad_list),
                "resumed": result.resumed,
            }
        )
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


def _moment(text: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(
            f"--as-of takes a day or a moment, as 2026-01-31 or 2026-01-31T08:00:00+08:00, not"
            f" '{text}'.",
            field="as_of",
        ) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=_LOCAL_TIME)
