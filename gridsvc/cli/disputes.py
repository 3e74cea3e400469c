"""Disputes between areas, and what a border or an agreement would change."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Column, Table

from gridsvc.api.clock import utc_now
from gridsvc.cases.systems.disputes.what_if import inside_json
from gridsvc.cases.systems.disputes.what_if import what_if as ask_what_if
from gridsvc.cli.runtime import (
    OPERATOR,
    AsJson,
    console,
    load_city,
    notes,
    open_atlas,
    print_json,
    read_json,
    session,
)
from gridsvc.db.base import transaction
from gridsvc.errors import BadCode, BadFile, TooLarge
from gridsvc.maps.dossier import dossier_geopackage, dossier_page, read_dossier
from gridsvc.registry.bodies.agreements import read_draft
from gridsvc.registry.disputes import repository
from gridsvc.registry.disputes.evidence import add_file, add_note
from gridsvc.registry.disputes.finding import find_disputes
from gridsvc.registry.disputes.model import Actor
from gridsvc.registry.disputes.service import Move, dispute_or_refuse, move
from gridsvc.registry.disputes.view import dispute_json, evidence_json, summaries_json
from gridsvc.registry.disputes.what_if import read_border_move
from gridsvc.settings import get_settings
from gridsvc.spatial.box import parse_bbox

app = typer.Typer(help="Disputes (边界争议) between areas.", no_args_is_help=True)

DisputeId = Annotated[uuid.UUID, typer.Argument(help="The id; 'gridsvc disputes list'.")]
Why = Annotated[str, typer.Option(help="The reason; it goes into the history.")]


@app.command()
def find(
    edition: Annotated[str, typer.Argument(help="The edition's id; 'gridsvc edition list'.")],
    as_json: AsJson = False,
) -> None:
    """Make a dispute of every gap, overlap and conflict above the accuracy; none twice."""
    with session() as opened:
        notes.print(f"Looking through {edition} ...")
        actor = Actor.of(OPERATOR)
        found = find_disputes(opened, load_city(), edition, actor=actor, now=utc_now())
    if as_json:
        print_json(found.model_dump())
        return
    console.print(
        f"{len(found.new)} new, {len(found.again)} known before ({len(found.reopened)} of them open"
        f" again); {len(found.absent)} unsettled ones are no longer there."
    )


@app.command("list")
def list_all(
    state: Annotated[
        str | None, typer.Option(help="open, under_negotiation, agreed or settled.")
    ] = None,
    area: Annotated[str | None, typer.Option(help="A side's code, or one above or below.")] = None,
    bbox: Annotated[str | None, typer.Option(help="west,south,east,north in degrees.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    as_json: AsJson = False,
) -> None:
    """List the disputes, the oldest first."""
    if area is not None and not area.isdecimal():
        raise BadCode(
            f"{area!r} is not an area's code; give its digits, such as 110102.", field="area"
        )
    with session() as opened:
        box = None if bbox is None else parse_bbox(bbox)
        rows = repository.disputes_page(
            opened, state=state, area=area, bbox=box, after=None, limit=limit
        )
        shown = summaries_json(opened, rows)
    if as_json:
        print_json(shown)
        return
    table = Table(Column("dispute", no_wrap=True, min_width=36), "what", "sides", "size")
    for row in shown:
        sides = "\n".join(f"{side['code']} {side['name']}" for side in row["sides"])
        size = f"{row['area_m2']:,.1f} m²\n{row['width_m']:,.1f} m wide"
        table.add_row(row["id"], f"{row['kind']}\n{row['state']}", sides, size)
    console.print(table)


@app.command()
def show(dispute_id: DisputeId) -> None:
    """Show one dispute as JSON: sides, ground, evidence, history, what lies inside."""
    day = load_city().day(utc_now())
    with session() as opened:
        dispute = dispute_or_refuse(opened, dispute_id)
        shown = dispute_json(opened, dispute, named=True)
        print_json({**shown, "inside": inside_json(opened, dispute, day, named=True)})


@app.command()
def note(dispute_id: DisputeId, words: Annotated[str, typer.Argument(help="The note.")]) -> None:
    """Add a note; everybody may read it."""
    with session() as opened:
        kept = add_note(opened, OPERATOR, dispute_id, words, now=utc_now())
        print_json(evidence_json(kept, named=True))


@app.command()
def evidence(
    dispute_id: DisputeId,
    file: Annotated[Path, typer.Argument(help="The file.", exists=True, dir_okay=False)],
    media_type: Annotated[str, typer.Option("--type", help="Its media type.")] = (
        "application/octet-stream"
    ),
) -> None:
    """Add a file as evidence, kept with its hash."""
    most = get_settings().max_evidence_bytes
    if file.stat().st_size > most:
        raise TooLarge(
            f"{file.name} has {file.stat().st_size:,} bytes; a piece of evidence may have {most:,}."
        )
    with session() as opened:
        kept = add_file(
            opened,
            OPERATOR,
            dispute_id,
            name=file.name,
            media_type=media_type,
            content=file.read_bytes(),
            max_bytes=most,
            now=utc_now(),
        )
        print_json(evidence_json(kept, named=True))


@app.command("state")
def set_state(
    dispute_id: DisputeId,
    state: Annotated[str, typer.Argument(help="open, under_negotiation, agreed or settled.")],
    why: Why,
    agreement: Annotated[
        Path | None, typer.Option(help="A draft agreement (JSON), with 'agreed'.", exists=True)
    ] = None,
    edition: Annotated[str | None, typer.Option(help="The edition that settles it.")] = None,
) -> None:
    """Move a dispute into another state, for all of its sides."""
    draft = None if agreement is None else read_json(agreement)
    with session() as opened:
        wish = Move(state, why, draft, edition)
        moved = move(opened, load_city(), OPERATOR, dispute_id, wish, now=utc_now())
        console.print(f"The dispute {moved.id} is {moved.state}.")


@app.command()
def dossier(
    dispute_id: DisputeId,
    out: Annotated[Path, typer.Argument(help="A file that ends in .html or .gpkg.")],
) -> None:
    """Write the dossier: a page to print, or a GeoPackage."""
    if out.suffix not in (".html", ".gpkg"):
        raise BadFile(f"{out} ends in '{out.suffix}'; a dossier is written to .html or .gpkg.")
    city = load_city()
    with session() as opened:
        read = read_dossier(opened, city, dispute_id, named=True, now=utc_now())
    if out.suffix == ".html":
        out.write_text(dossier_page(read, city), encoding="utf-8")
    else:
        out.write_bytes(dossier_geopackage(read))
    notes.print(f"{out} is written.")


@app.command("what-if")
def what_if(
    file: Annotated[
        Path,
        typer.Argument(help="Areas (GeoJSON with 'code'), or a draft agreement.", exists=True),
    ],
    crs: Annotated[str, typer.Option(help="wgs84, gcj02, bd09, EPSG:n or WKT.")] = "wgs84",
    as_json: AsJson = False,
) -> None:
    """Say what would change sides if a border moved or an agreement were signed. Writes nothing."""
    given = read_json(file)
    city = load_city()
    drafted = "duties" in given
    proposal = read_draft(given, city.standard) if drafted else read_border_move(given, crs)
    with open_atlas(city) as (atlas, sessions), transaction(sessions) as opened:
        answer = ask_what_if(opened, city, atlas, proposal, seen=lambda _: True, now=utc_now())
    if as_json:
        print_json(answer)
    else:
        _print_change(answer)


def _print_change(answer: dict[str, Any]) -> None:
    if answer["kind"] == "border":
        table = Table("from", "to", "m²", title=f"{answer['level']} borders, {answer['edition']}")
        for it in answer["transfers"]:
            table.add_row(_area(it["from"]), _area(it["to"]), f"{it['area_m2']:,.2f}")
    else:
        table = Table("street", "m² in the zone", title=f"agreement from {answer['day']}")
        for it in answer["areas"]:
            table.add_row(_area(it), f"{it['in_zone_m2']:,.2f}")
    console.print(table)
    for name in ("overlapping_m2", "unclaimed_m2"):
        if answer[name]:
            console.print(f"{name}: {answer[name]:,.2f} of the ground drawn anew")
    counts = Table("what changes", "count", "the first of them")
    for name in ("parts", "unit_grids", "cases", "duties", "bodies"):
        listed = answer[name]["listed"][:5]
        first = [str(it.get("code") or it.get("id") or it.get("body")) for it in listed]
        counts.add_row(name.replace("_", " "), str(answer[name]["count"]), ", ".join(first))
    console.print(counts)


def _area(area: dict[str, Any] | None) -> str:
    return "nobody" if area is None else f"{area['name']} {area['code']}".strip()
