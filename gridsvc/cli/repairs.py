"""Mending an edition's faults: proposals, previews, new drafts, and the way back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from gridsvc.api.clock import utc_now
from gridsvc.api.dependencies import parse_as_of
from gridsvc.cli.edition import Actor, EditionId
from gridsvc.cli.runtime import AsJson, console, load_city, notes, print_json, session
from gridsvc.maps.repair import repair_page
from gridsvc.registry.editions.models import Edition
from gridsvc.registry.repairs.model import AppliedRepair
from gridsvc.registry.repairs.proposals import preview, proposals_of
from gridsvc.registry.repairs.service import apply_repairs, list_repairs, undo_repairs
from gridsvc.spatial.audit import INLET_WIDTH_M

app = typer.Typer(
    help="Repair faults as a new draft (修补); nothing is ever repaired by itself.",
    no_args_is_help=True,
)

Proposals = Annotated[list[str], typer.Argument(help="Ids of proposals; 'repair list'.")]
Why = Annotated[str, typer.Option(help="Why; kept with the repair.")]
NewId = Annotated[
    str | None, typer.Option("--as", help="Id of the draft; else the edition's with .r1, .r2 ...")
]
From = Annotated[
    str | None, typer.Option("--effective-from", help="Date of the draft; today when left out.")
]
InletWidth = Annotated[
    float, typer.Option("--inlet-width", min=0, help="Longest mouth of an inlet, metres.")
]


@app.command("list")
def list_proposals(
    edition_id: EditionId,
    fault: Annotated[str | None, typer.Option(help="Only this fault, by its id.")] = None,
    inlet_width_m: InletWidth = INLET_WIDTH_M,
    as_json: AsJson = False,
) -> None:
    """List the faults that can be repaired, and the ways to do it, with m² per area."""
    notes.print(f"Auditing {edition_id}.", highlight=False)
    with session() as opened:
        found, _ = proposals_of(
            opened,
            edition_id,
            plane=load_city().plane,
            fault_id=fault,
            inlet_width_m=inlet_width_m,
        )
    if as_json:
        print_json([it.to_json() for it in found])
        return
    whole = Column("proposal", no_wrap=True, overflow="fold")
    table = Table("fault", "m²", "at most m", whole, "gains", "loses")
    for it in found:
        head = [f"{it.fault.kind} {' '.join(it.fault.codes)}", f"{it.fault.area_m2:,.2f}"]
        head.append(f"{it.fault.max_width_m:,.2f}")
        for proposal in it.proposals:
            gains = [f"{c.code} {c.gained_m2:,.2f}" for c in proposal.changes if c.gained_m2]
            loses = [f"{c.code} {c.lost_m2:,.2f}" for c in proposal.changes if c.lost_m2]
            table.add_row(*head, proposal.id, "\n".join(gains), "\n".join(loses))
            head = ["", "", ""]
        if not it.proposals:
            table.add_row(*head, "none", "", "")
    console.print(table)


@app.command("preview")
def show_preview(
    edition_id: EditionId,
    proposals: Proposals,
    geojson: Annotated[
        Path | None, typer.Option(help="Write the areas before and after: FILE.geojson.")
    ] = None,
    page: Annotated[Path | None, typer.Option(help="Write a page with pictures.")] = None,
    inlet_width_m: InletWidth = INLET_WIDTH_M,
    as_json: AsJson = False,
) -> None:
    """Show what some proposals would change together; nothing is stored."""
    with session() as opened:
        shown = preview(opened, edition_id, proposals, load_city().plane, inlet_width_m)
    if geojson is not None:
        geojson.write_text(json.dumps(shown.to_geojson(), ensure_ascii=False), encoding="utf-8")
    if page is not None:
        page.write_text(repair_page(shown), encoding="utf-8")
    summary = shown.to_json()
    if as_json:
        print_json(summary)
        return
    table = Table("area", "name", "gains m²", "loses m²")
    for area in summary["areas"]:
        gained, lost = f"{area['gained_m2']:,.2f}", f"{area['lost_m2']:,.2f}"
        table.add_row(area["code"], area["name"], gained, lost)
    console.print(table)


@app.command("apply")
def apply(
    edition_id: EditionId,
    proposals: Proposals,
    by: Actor,
    why: Why,
    new_id: NewId = None,
    effective_from: From = None,
    outside_parent: Annotated[
        bool, typer.Option(help="Let an area gain ground outside its own parent.")
    ] = False,
    inlet_width_m: InletWidth = INLET_WIDTH_M,
    as_json: AsJson = False,
) -> None:
    """Make a new draft in which these faults are repaired; the edition itself stays."""
    city = load_city()
    with session() as opened:
        made, repairs = apply_repairs(
            opened,
            edition_id,
            proposals,
            plane=city.plane,
            by=by,
            why=why,
            at=utc_now(),
            new_id=new_id,
            effective_from=parse_as_of(effective_from, city.calendar),
            outside_parent=outside_parent,
            inlet_width_m=inlet_width_m,
        )
        _show(made, repairs, as_json)


@app.command("undo")
def undo(
    edition_id: EditionId,
    repairs: Annotated[list[str], typer.Argument(help="Ids of repairs; 'repair history'.")],
    by: Actor,
    why: Why,
    new_id: NewId = None,
    effective_from: From = None,
    as_json: AsJson = False,
) -> None:
    """Make a new draft without these repairs; its areas are as before, bit by bit."""
    city = load_city()
    with session() as opened:
        made, undone = undo_repairs(
            opened,
            edition_id,
            repairs,
            by=by,
            why=why,
            at=utc_now(),
            new_id=new_id,
            effective_from=parse_as_of(effective_from, city.calendar),
        )
        _show(made, undone, as_json)


@app.command("history")
def history(edition_id: EditionId, as_json: AsJson = False) -> None:
    """List the repairs that made an edition, and those that were made of it."""
    with session() as opened:
        found = list_repairs(opened, edition_id)
    if as_json:
        print_json([it.to_json() for it in found])
        return
    console.print(_table(found))


def _show(made: Edition, repairs: list[AppliedRepair], as_json: bool) -> None:
    if as_json:
        print_json({"edition": made.id, "repairs": [it.to_json() for it in repairs]})
        return
    console.print(_table(repairs))
    console.print(f"{made.id} is a {made.state}.", highlight=False)


def _table(repairs: list[AppliedRepair]) -> Table:
    whole = Column("repair", no_wrap=True, overflow="fold")
    table = Table(whole, "when", "what", "m²", "by", "why", "from", "made")
    for it in repairs:
        what = f"{it.action} {it.fault['kind']} {it.method} {it.chosen_code or ''}".strip()
        size = f"{it.fault['area_m2']:,.2f}"
        when = it.at.isoformat(timespec="minutes")
        table.add_row(
            str(it.id), when, what, size, it.by, it.why, it.base_edition_id, it.edition_id
        )
    return table
