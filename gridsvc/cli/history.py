"""Reports of earlier years, imported from a file."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Annotated

import typer

from gridsvc.api.clock import utc_now
from gridsvc.callers import Caller, Role
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.intake.history import BATCH, check_rows, file_rows, read_rows
from gridsvc.cli.runtime import AsJson, console, database, load_city, notes, print_json
from gridsvc.db.base import transaction
from gridsvc.db.engine import create_engine, session_factory
from gridsvc.registry.access.keys import secret_key
from gridsvc.registry.bodies.importer import RefusedRow
from gridsvc.registry.placement.store import AtlasStore

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
