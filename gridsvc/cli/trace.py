"""The trace of all cases, and the files that it names."""

from __future__ import annotations

from typing import Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gridsvc.cases.core.trace import verify_all
from gridsvc.cases.systems.evidence.service import check_photos
from gridsvc.cases.systems.evidence.store import store_of
from gridsvc.cli.runtime import AsJson, console, notes, print_first, print_json, session
from gridsvc.settings import get_settings

app = typer.Typer(help="The trace of cases, which nobody changes.", no_args_is_help=True)

_SHOWN = 50


@app.callback()
def _trace() -> None:
    """Keep 'verify' a sub-command while it is the only one."""


@app.command()
def verify(as_json: AsJson = False) -> None:
    """Check every entry of every case, and every photo against its hash. Exit code 1: a fault."""
    cases = entries = photos = 0
    faults: list[dict[str, Any]] = []
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=notes,
    )
    with session() as opened, bar:
        # One view of everything: what is written meanwhile is not a fault.
        opened.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        task = bar.add_task("traces")
        for district, case_id, found in verify_all(
            opened, lambda done, total: bar.update(task, completed=done, total=total)
        ):
            cases += 1
            entries += found.entries
            if not found.intact:
                what = f"entry {found.broken_at}: {found.reason}"
                faults.append({"district": district, "case_id": str(case_id), "fault": what})
        task = bar.add_task("photos", total=None)
        for photo, reason in check_photos(opened, store_of(get_settings())):
            photos += 1
            bar.update(task, completed=photos)
            if reason is not None:
                what = f"photo {photo.id}: {reason}"
                case = {"district": photo.district_code, "case_id": str(photo.case_id)}
                faults.append({**case, "fault": what})
        bar.update(task, total=photos)
    if as_json:
        counted = {"cases": cases, "entries": entries, "photos": photos}
        print_json({**counted, "intact": not faults, "faults": faults})
    else:
        lines = [f"{one['district']} {one['case_id']} {one['fault']}" for one in faults]
        print_first(lines, _SHOWN)
        console.print(
            f"{cases:,} cases, {entries:,} entries, {photos:,} photos:"
            f" {f'{len(faults):,} faults' if faults else 'nothing was changed'}."
        )
    if faults:
        raise typer.Exit(1)
