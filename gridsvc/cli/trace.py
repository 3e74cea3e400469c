"""The trace of all cases, and the files that it names."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from gridsvc.api.clock import utc_now
from gridsvc.cases.intake.personal import changed_reports
from gridsvc.cases.log.checkpoint import read_notes
from gridsvc.cases.log.repository import newest_checkpoint
from gridsvc.cases.log.service import LogKey, newest_note, write_log
from gridsvc.cases.log.verifying import audit_faults, log_faults, verify_against
from gridsvc.cases.systems.evidence.service import check_photos
from gridsvc.cases.systems.evidence.store import store_of
from gridsvc.cli.runtime import (
    AsJson,
    console,
    database,
    notes,
    print_first,
    print_json,
    session,
)
from gridsvc.db.base import transaction
from gridsvc.db.engine import create_engine, session_factory
from gridsvc.errors import BadFile
from gridsvc.registry.access.audit import entries_before
from gridsvc.registry.access.keys import secret_key
from gridsvc.settings import get_settings

app = typer.Typer(help="The trace of cases, which nobody changes.", no_args_is_help=True)

_SHOWN = 50


@app.command()
def checkpoint() -> None:
    """Log what is not yet in the log of all traces, and print its newest signed checkpoint."""
    engine = create_engine(database(), application_name="gridsvc cli", statement_timeout_s=0.0)
    try:
        sessions = session_factory(engine)
        write_log(sessions, _log_key(), utc_now, latecomers=True)
        with transaction(sessions) as opened:
            note = newest_note(opened)
    finally:
        engine.dispose()
    typer.echo(note, nl=False)


@app.command()
def verify(
    against: Annotated[
        str | None,
        typer.Option(help="A checkpoint, or several: a file, an address, or - for standard input."),
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="The public key that signed it; else this service's own.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check every entry of every case and of the audit log, and every photo. Exit code 1: a fault.

    The traces are held to the log of all traces and this to its checkpoints: those of --against,
    which somebody kept outside, and the newest in the database.
    """
    kept = "" if against is None else _read(against)
    verifier = key or _log_key().public
    checkpoints = [] if against is None else list(read_notes(kept, verifier))
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
        newest = newest_checkpoint(opened)
        if newest is not None:
            checkpoints += read_notes(newest.note, key or _log_key().public)
        faults += [{"fault": fault} for fault in log_faults(opened, checkpoints)]
        faults += [{"fault": fault} for fault in audit_faults(opened, checkpoints)]
        task = bar.add_task("traces")
        for district, case_id, found in verify_against(
            opened,
            checkpoints,
            lambda done, total: bar.update(task, completed=done, total=total),
        ):
            cases += 1
            entries += found.entries
            if not found.intact:
                what = f"entry {found.broken_at}: {found.reason}"
                faults.append({"district": district, "case_id": str(case_id), "fault": what})
        for district, case_id, receipt in changed_reports(opened):
            what = f"report {receipt}: its words were changed after it was filed"
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
        print_first([" ".join(fault.values()) for fault in faults], _SHOWN)
        console.print(
            f"{cases:,} cases, {entries:,} entries, {photos:,} photos:"
            f" {f'{len(faults):,} faults' if faults else 'nothing was changed'}."
        )
    if faults:
        raise typer.Exit(1)


@app.command()
def audit(
    limit: Annotated[int, typer.Option(min=1, help="So many entries, the newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List who read personal data and who did what an administrator does, and why."""
    with session() as opened:
        found = entries_before(opened, None, limit=limit)
    if as_json:
        columns = ("n", "at", "who", "role", "act", "subject", "reason")
        print_json([{name: getattr(entry, name) for name in columns} for entry in found])
        return
    table = Table("n", "at", "who", "act", "to what", "why", title="Audit log")
    for entry in found:
        at = entry.at.isoformat(timespec="seconds")
        table.add_row(str(entry.n), at, entry.who, entry.act, entry.subject, entry.reason)
    console.print(table)


def _log_key() -> LogKey:
    settings = get_settings()
    return LogKey(
        settings.log_origin, secret_key(settings.var_dir / "keys", "log", settings.log_key)
    )


def _read(where: str) -> str:
    """What a file, an address or standard input has. Raises BadFile."""
    try:
        if where == "-":
            return sys.stdin.read()
        if where.startswith(("http://", "https://")):
            return httpx.get(where, follow_redirects=True).raise_for_status().text
        return Path(where).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, httpx.HTTPError) as error:
        raise BadFile(f"The checkpoint cannot be read from {where}: {error}.") from error
