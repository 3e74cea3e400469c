"""Copies of everything, and bringing them back."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from gridsvc.api.clock import utc_now
from gridsvc.cli.runtime import console, notes
from gridsvc.db.cluster import PrivateCluster
from gridsvc.db.engine import database_url
from gridsvc.errors import BadInput, Conflict
from gridsvc.keeping import backup as keeping
from gridsvc.keeping.restore import restore as bring_back
from gridsvc.keeping.sealed import Seal
from gridsvc.settings import Settings, get_settings

_SHORTEST = 12

_Passphrase = Annotated[
    Path | None,
    typer.Option(help="Its first line opens the backup.", exists=True, dir_okay=False),
]


def backup(
    folder: Annotated[Path, typer.Argument(help="Where to; on another disk or machine.")],
    wal: Annotated[
        bool, typer.Option("--wal", help="Only what was written since; meant for every minute.")
    ] = False,
    keep: Annotated[int, typer.Option(min=1, help="So many copies stay.")] = 7,
    passphrase_file: _Passphrase = None,
) -> None:
    """Copy database, keys and evidence, sealed by a passphrase; the service goes on meanwhile."""
    settings = _private()
    seal = _seal(settings, passphrase_file)
    # Joined until this command ends.
    database_url(settings)
    cluster, var_dir = PrivateCluster(settings.var_dir), settings.var_dir.resolve()
    if wal:
        moved = keeping.move_log(cluster, folder, seal)
        console.print(f"{moved:,} segments of the log are in {folder / 'wal'}.")
        return
    evidence = _evidence(settings, var_dir)
    if evidence is None:
        notes.print("Evidence lies in a bucket, which keeps its own copies; it is left out.")
    copied = keeping.back_up(cluster, var_dir, evidence, folder, seal, now=utc_now())
    gone = keeping.forget(folder, keep=keep)
    console.print(
        f"{folder / copied.name}: the database, the keys and {len(copied.evidence):,} files"
        + (f"; {len(gone):,} older copies deleted." if gone else ".")
    )


def restore(
    folder: Annotated[Path, typer.Argument(help="The backup.", exists=True, file_okay=False)],
    copy: Annotated[str | None, typer.Option(help="Of this name; else the newest.")] = None,
    at: Annotated[
        str | None, typer.Option(help="As it was then (RFC 3339); else as far as the log goes.")
    ] = None,
    passphrase_file: _Passphrase = None,
) -> None:
    """Bring back database, keys and evidence into an empty folder (GRIDSVC_VAR_DIR)."""
    settings = _private()
    moment = None if at is None else _moment(at)
    seal = _seal(settings, passphrase_file)
    var_dir = settings.var_dir.resolve()
    var_dir.mkdir(parents=True, exist_ok=True)
    brought = bring_back(folder, var_dir, seal, name=copy, at=moment)
    console.print(f"{brought.name} is back in {var_dir}.")


def _private() -> Settings:
    settings = get_settings()
    if settings.database_url:
        raise Conflict(
            "DATABASE_URL is set: that server is backed up by whoever runs it (pg_basebackup, WAL);"
            " keep var/keys and the evidence with it."
        )
    return settings


def _evidence(settings: Settings, var_dir: Path) -> Path | None:
    where = settings.evidence_store
    if where is None:
        return var_dir / "evidence"
    return None if where.startswith("s3://") else Path(where)


def _seal(settings: Settings, file: Path | None) -> Seal:
    file = file or settings.backup_passphrase_file
    if file is not None:
        passphrase = file.read_text(encoding="utf-8").partition("\n")[0].strip()
    else:
        passphrase = typer.prompt("Passphrase of the backup", hide_input=True, err=True)
    if len(passphrase) < _SHORTEST:
        raise BadInput(f"The passphrase must have {_SHORTEST} characters or more.")
    return Seal(passphrase)


def _moment(value: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(value)
    except ValueError:
        moment = dt.datetime.min
    if moment.tzinfo is None:
        raise BadInput(
            f"'--at' is {value!r}; write an RFC 3339 time with an offset, such as"
            " 2026-11-29T20:15:00Z."
        )
    return moment.astimezone(dt.UTC)
