"""The audit of an edition: what is wrong with its areas, in m² and metres, and where."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gridsvc.cli.edition import Actor, EditionId
from gridsvc.cli.runtime import AsJson, console, notes, print_json, session
from gridsvc.maps.audit import audit_page
from gridsvc.registry.audits.model import AuditReport
from gridsvc.registry.audits.service import audit_edition, keep_audit
from gridsvc.spatial.audit import INLET_WIDTH_M, FaultKind

__all__ = ["register"]

_SHOWN = 5


def register(app: typer.Typer) -> None:
    """Add the command to the group of editions."""
    app.command()(audit)


def audit(
    edition_id: EditionId,
    by: Actor,
    against: Annotated[
        list[str] | None,
        typer.Option(
            help="An edition of a level above; may be repeated. Else the one in force right above."
        ),
    ] = None,
    inlet_width_m: Annotated[
        float, typer.Option("--inlet-width", min=0, help="Longest mouth of an inlet, metres.")
    ] = INLET_WIDTH_M,
    accuracy_m: Annotated[
        float | None,
        typer.Option("--accuracy", min=0, help="How wide a sliver may be; else the edition's."),
    ] = None,
    page: Annotated[Path | None, typer.Option(help="Write a page with a map: FILE.html.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find what is wrong with an edition's areas, and keep it; a draft may then be activated."""
    notes.print(f"Auditing {edition_id}.", highlight=False)
    with session() as opened:
        report = audit_edition(
            opened,
            edition_id,
            against=against or (),
            accuracy_m=accuracy_m,
            inlet_width_m=inlet_width_m,
        )
        state = keep_audit(opened, report, by=by, at=dt.datetime.now(dt.UTC)).state
    if page is not None:
        page.write_text(audit_page(report), encoding="utf-8")
    if as_json:
        print_json({**report.to_json(), "state": state})
        return
    _show(report)
    console.print(f"{edition_id} is {state}.", highlight=False)
    if page is not None:
        console.print(f"The page is {page}.", highlight=False)


def _show(report: AuditReport) -> None:
    against = ", ".join(level.source for level in report.above) or "no other level"
    console.print(
        f"{len(report.areas.codes):,} areas against {against}; slivers are up to"
        f" {report.accuracy_m:g} m wide.",
        highlight=False,
    )
    if not report.faults:
        console.print("No faults.")
        return
    totals = Table("faults", "how many", "m²", "slivers")
    for total in report.totals:
        totals.add_row(
            total.kind, f"{total.count:,}", f"{total.area_m2:,.1f}", f"{total.slivers:,}"
        )
    console.print(totals)
    table = Table("the largest", "areas", "m²", "width m", "at most m", "look at")
    for total in report.totals:
        for fault in report.of(total.kind)[:_SHOWN]:
            # Of borders side by side the parents follow from the codes.
            beyond = fault.parent_codes[1:] if fault.kind == FaultKind.OUTSIDE_PARENT else ()
            table.add_row(
                fault.kind,
                " ".join((*fault.codes, *(f"in {code}" for code in beyond))),
                f"{fault.area_m2:,.2f}",
                f"{fault.width_m:,.2f}",
                f"{fault.max_width_m:,.2f}",
                f"{fault.place[0]:.6f} {fault.place[1]:.6f}",
            )
    console.print(table)
