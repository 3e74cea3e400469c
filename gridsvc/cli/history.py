"""Reports of earlier years, imported from a file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gridsvc.api.clock import utc_now
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.intake.history import BATCH, check_rows, file_rows, read_rows
from gridsvc.cli.runtime import (
    OPERATOR,
    AsJson,
    console,
    load_city,
    note_refused,
    notes,
    open_atlas,
    print_json,
)
from gridsvc.db.base import transaction
from gridsvc.registry.access.keys import secret_key
from gridsvc.registry.bodies.importer import RefusedRow


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
    settings, filed = city.settings, 0
    key = secret_key(settings.var_dir / "keys", "reporter", settings.reporter_key)
    with open_atlas(city) as (atlas, sessions):
        with transaction(sessions) as session:
            new, refused = check_rows(Occasion(session, city, OPERATOR, utc_now()), atlas, rows)
        faults = sorted([*faults, *refused], key=lambda fault: fault.line)
        for begin in range(0, 0 if faults or dry_run else len(new), BATCH):
            with transaction(sessions) as session:
                # When it is written, not when the command began: the log goes by it.
                occasion = Occasion(session, city, OPERATOR, utc_now())
                filed += file_rows(occasion, atlas, new[begin : begin + BATCH], reporter_key=key)
            notes.print(f"{filed:,} of {len(new):,} recorded")
    _tell(len(rows), filed, len(rows) - len(new) - len(refused), faults, as_json=as_json)
    if faults:
        raise typer.Exit(1)


def _tell(rows: int, filed: int, known: int, faults: list[RefusedRow], *, as_json: bool) -> None:
    if as_json:
        refused = [asdict(fault) for fault in faults]
        print_json({"rows": rows, "recorded": filed, "known": known, "refused": refused})
        return
    note_refused(faults)
    console.print(
        f"{rows:,} rows: {filed:,} recorded, {known:,} known already, {len(faults):,} refused."
    )
