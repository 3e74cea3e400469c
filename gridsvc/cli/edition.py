"""Editions of boundaries."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from gridsvc.cli.runtime import AsJson, console, print_json, session
from gridsvc.registry.areas.service import activate_edition, discard_edition, list_editions

__all__ = ["app"]

app = typer.Typer(help="Editions (版本) of boundaries.", no_args_is_help=True)

EditionId = Annotated[str, typer.Argument(help="The edition's id; 'gridsvc edition list'.")]


@app.command("list")
def list_all(
    level: Annotated[str | None, typer.Option(help="Only this level.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the editions, what is in force, and how far each can be trusted."""
    with session() as opened:
        rows = [
            {
                "id": edition.id,
                "level": edition.level,
                "state": edition.state,
                "effective_from": edition.effective_from.isoformat(),
                "effective_to": edition.effective_to and edition.effective_to.isoformat(),
                "accuracy_m": edition.accuracy_m,
                "approximate": edition.approximate,
                "source": edition.source,
            }
            for edition in list_editions(opened, level)
        ]
    if as_json:
        print_json(rows)
        return
    table = Table("edition", "level", "state", "from", "to", "accuracy")
    for row in rows:
        accuracy = f"{row['accuracy_m']:g} m{' (approximate)' if row['approximate'] else ''}"
        since, until = str(row["effective_from"])[:10], str(row["effective_to"] or "")[:10]
        table.add_row(str(row["id"]), str(row["level"]), str(row["state"]), since, until, accuracy)
    console.print(table)


@app.command()
def activate(edition_id: EditionId) -> None:
    """Put a draft in force; the edition before it is retired and answers for its own days."""
    with session() as opened:
        edition = activate_edition(opened, edition_id)
        console.print(f"{edition.id} is in force from {edition.effective_from.isoformat()}.")


@app.command()
def discard(edition_id: EditionId) -> None:
    """Delete a draft."""
    with session() as opened:
        discard_edition(opened, edition_id)
    console.print(f"{edition_id} is discarded.")
