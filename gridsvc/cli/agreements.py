"""Agreements between bodies: listed, changed and ended."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gridsvc.api.clock import utc_now
from gridsvc.cli.runtime import (
    OPERATOR,
    AsJson,
    console,
    load_city,
    operator,
    print_json,
    read_json,
    session,
)
from gridsvc.errors import BadInput
from gridsvc.registry.bodies.view import agreement_shown, agreements_listed
from gridsvc.registry.disputes.agreed import change_agreement, end_agreement

app = typer.Typer(help="Agreements (共治协议).", no_args_is_help=True)

AgreementId = Annotated[uuid.UUID, typer.Argument(help="The id; 'gridsvc agreements list'.")]
Reason = Annotated[str, typer.Option(help="Why; kept for good, and public.")]
_MOST = 10_000


@app.command("list")
def list_all(
    ended: Annotated[
        bool, typer.Option(help="Also those that have ended or are to begin.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List agreements with the bodies that lead by them."""
    day = None if ended else load_city().day(utc_now())
    with session() as opened:
        page = agreements_listed(opened, body=None, bbox=None, day=day, after=None, limit=_MOST)
    if as_json:
        print_json(page.model_dump(mode="json", by_alias=True)["agreements"])
        return
    table = Table("id", "title", "from", "to", "leads")
    for one in page.agreements:
        leads = (f"{duty.class_prefix or 'all'} {duty.body}" for duty in one.duties)
        table.add_row(
            str(one.id), one.title, f"{one.valid_from}", f"{one.valid_to or ''}", ", ".join(leads)
        )
    console.print(table)


@app.command()
def end(
    agreement: AgreementId,
    reason: Reason,
    on: Annotated[str, typer.Option(help="The first day without it; today if left out.")] = "",
) -> None:
    """End an agreement; it is kept, and answers for the days on which it held."""
    try:
        day = dt.date.fromisoformat(on) if on else None
    except ValueError:
        raise BadInput(f"--on is '{on}'; write 2026-07-01.", field="on") from None
    with session() as opened:
        end_agreement(
            opened,
            load_city(),
            replace(OPERATOR, subject=operator()),
            agreement,
            on=day,
            reason=reason,
            now=utc_now(),
        )
        shown = agreement_shown(opened, agreement).agreement
    console.print(f"The agreement {agreement} no longer holds from {shown.valid_to} on.")


@app.command()
def change(
    agreement: AgreementId,
    file: Annotated[
        Path,
        typer.Argument(
            help="JSON: what is changed of {title, zone, duties, valid_from, valid_to}.",
            exists=True,
            dir_okay=False,
        ),
    ],
    reason: Reason,
) -> None:
    """End an agreement and begin a changed one in its place; prints the new id."""
    with session() as opened:
        changed = change_agreement(
            opened,
            load_city(),
            replace(OPERATOR, subject=operator()),
            agreement,
            read_json(file),
            reason=reason,
            now=utc_now(),
        )
    typer.echo(str(changed))
