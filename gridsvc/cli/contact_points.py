"""Judges' contact points from a list, which covers its area or is not kept."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import Annotated

import typer

from gridsvc.cli.duties import DryRun, File
from gridsvc.cli.runtime import AsJson, console, load_city, note_refused, print_json, session
from gridsvc.errors import BadInput
from gridsvc.registry.contact_points.importer import import_points

Expected = Annotated[int | None, typer.Option(help="Refuse a list with another total.")]


def contact_points(
    file: File,
    area: Annotated[str, typer.Option(help="The district or street whose list it is.")],
    on: Annotated[str, typer.Option(help="The first day on which it counts, as 2026-07-01.")],
    points: Expected = None,
    judges: Expected = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Let a file be the contact points of judges: area,name,judge; each community once, or none."""
    try:
        day = dt.date.fromisoformat(on)
    except ValueError:
        raise BadInput(f"--on is '{on}'; write 2026-07-01.", field="on") from None
    given = {"points": points, "judges": judges}
    expected = {name: number for name, number in given.items() if number is not None}
    with session() as opened:
        found = import_points(opened, load_city(), file, area=area, day=day, expected=expected)
        if dry_run:
            opened.rollback()
    if as_json:
        print_json(asdict(found))
    else:
        note_refused(found.refused)
        for left_out in found.missing:
            console.print(f"{left_out.code} {left_out.name} has no contact point")
        console.print(
            f"{found.points:,} points, {found.judges:,} judges; {len(found.refused):,} rows"
            f" refused, {len(found.missing):,} areas left out."
        )
    if not found.kept:
        raise typer.Exit(1)
