"""Editions of boundaries: what there is, what is in force, what parts one from another."""

from __future__ import annotations

import datetime as dt
import getpass
from typing import Annotated, Any

import typer
from rich.table import Table
from sqlalchemy.orm import Session

from gridsvc.api.clock import utc_now
from gridsvc.cases.intake.rerouting import KINDS, Rerouting, rerouted, rerouting
from gridsvc.city import City
from gridsvc.cli.deferred import defer
from gridsvc.cli.runtime import AsJson, console, load_city, notes, print_json, session
from gridsvc.codes import Level
from gridsvc.registry.areas.lookup import edition_detail
from gridsvc.registry.editions import repository as edition_repository
from gridsvc.registry.editions.models import Edition, EditionState
from gridsvc.registry.editions.service import (
    activate_edition,
    discard_edition,
    existing_edition,
    revert_edition,
)
from gridsvc.registry.grids.staleness import stale_communities
from gridsvc.settings import get_settings

app = typer.Typer(help="Editions (版本) of boundaries.", no_args_is_help=True)
defer(
    app,
    "audit",
    "auditing:audit",
    "Find what is wrong with an edition's areas, and keep it; a draft may then be activated.",
)
defer(
    app,
    "repair",
    "repairs:app",
    "Repair faults as a new draft (修补); nothing is ever repaired by itself.",
)

EditionId = Annotated[str, typer.Argument(help="The edition's id; 'gridsvc edition list'.")]
Actor = Annotated[
    str, typer.Option("--by", default_factory=getpass.getuser, help="Who does it; kept.")
]
_SHOWN = 20


@app.command("list")
def list_all(
    level: Annotated[str | None, typer.Option(help="Only this level.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the editions, what is in force, and how far each can be trusted."""
    city = load_city()
    with session() as opened:
        editions = edition_repository.editions(opened, level)
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
            for edition in editions
        ]
        days = [(_day(city, it.effective_from), _day(city, it.effective_to)) for it in editions]
    if as_json:
        print_json(rows)
        return
    table = Table("edition", "level", "state", "from", "to", "accuracy")
    for row, (since, until) in zip(rows, days, strict=True):
        accuracy = f"{row['accuracy_m']:g} m{' (approximate)' if row['approximate'] else ''}"
        table.add_row(str(row["id"]), str(row["level"]), str(row["state"]), since, until, accuracy)
    console.print(table)


def _day(city: City, moment: dt.datetime | None) -> str:
    """The day of the city on which an edition begins or ends, empty where it does not end."""
    return "" if moment is None else city.day(moment).isoformat()


@app.command()
def show(edition_id: EditionId, as_json: AsJson = False) -> None:
    """Show one edition: what it holds, and who did what with it, when and why."""
    with session() as opened:
        found = edition_detail(opened, edition_id)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    console.print(
        f"{found.id} ({found.level}, {found.state}): {found.areas:,} areas, {found.title}"
    )
    table = Table("when", "what", "who", "why")
    for event in found.history:
        why = event.reason or event.details.get("without_audit") or ""
        table.add_row(f"{event.at:%Y-%m-%d %H:%M:%S%z}", event.action, event.actor, why)
    console.print(table)


@app.command()
def activate(
    edition_id: EditionId,
    by: Actor,
    why: Annotated[
        str | None, typer.Option(help="Why areas change; kept with each that does.")
    ] = None,
    without_audit: Annotated[
        str | None, typer.Option(help="Why it is put in force without an audit; kept.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put an audited edition in force, and list what is routed differently from then on."""
    with session() as opened:
        former = _in_force(opened, existing_edition(opened, edition_id))
        edition = activate_edition(
            opened, edition_id, by=by, at=utc_now(), why=why, without_audit=without_audit
        )
        since = edition.effective_from.isoformat()
        found = None if former is None else _compare(opened, former.id, edition_id)
        # Unit grids are not recut by an activation: it only says which no longer fit.
        stale = stale_communities(opened, now=utc_now()) if edition.level == Level.COMMUNITY else []
    if as_json:
        compared = None if found is None else found.answer().model_dump()
        listed = [{"code": it.code, "name": it.name, "reason": it.reason} for it in stale]
        print_json(
            {"id": edition_id, "effective_from": since, "diff": compared, "unfit_grids": listed}
        )
        return
    console.print(f"{edition_id} is in force from {since}.")
    if stale:
        named = ", ".join(f"{it.name} {it.code}" for it in stale[:5])
        console.print(
            f"The unit grids of {len(stale):,} communities no longer fit ({named}"
            f"{' and others' if len(stale) > 5 else ''}): 'gridsvc grids rebuild' shows how they"
            " would be mended."
        )
    if found is not None:
        _show(found)


@app.command()
def revert(
    edition_id: EditionId,
    why: Annotated[str, typer.Option(help="Why the activation is taken back; kept.")],
    by: Actor,
    as_json: AsJson = False,
) -> None:
    """Take the newest activation of a level back: the edition before it is in force again."""
    with session() as opened:
        former = revert_edition(opened, edition_id, why=why, by=by, at=utc_now())
        restored = None if former is None else former.id
    if as_json:
        print_json({"id": edition_id, "in_force": restored})
    elif restored is None:
        console.print(f"{edition_id} is taken back; nothing is in force at its level now.")
    else:
        console.print(f"{edition_id} is taken back; {restored} is in force again.")


@app.command()
def discard(edition_id: EditionId, by: Actor) -> None:
    """Delete a draft."""
    with session() as opened:
        discard_edition(opened, edition_id, by=by, at=utc_now())
    console.print(f"{edition_id} is discarded.")


@app.command()
def diff(
    before: EditionId,
    after: EditionId,
    things: Annotated[
        str | None, typer.Option("--list", help=f"List these one by one: {', '.join(KINDS)}.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most things of the list.")] = 100,
    cursor: Annotated[str | None, typer.Option(help="'next' of the previous list.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what parts two editions: areas, ground moved, and what would be routed differently."""
    index_dir = get_settings().var_dir / "index"
    with session() as opened:
        if things is None:
            found = _compare(opened, before, after)
            if as_json:
                print_json(found.answer().model_dump())
            else:
                _show(found)
            return
        page = rerouted(opened, index_dir, before, after, things, limit=limit, cursor=cursor)
    if as_json:
        print_json({"things": [it.model_dump() for it in page.things], "next": page.next})
        return
    table = Table("district", things.rstrip("s"), "before", "after")
    for it in page.things:
        table.add_row(it.district_code, it.id, _or_nobody(it.before), _or_nobody(it.after))
    console.print(table)
    if page.next is not None:
        console.print(f"More: --cursor {page.next}", highlight=False)


def _in_force(opened: Session, edition: Edition) -> Edition | None:
    """The edition that this one will replace."""
    every = edition_repository.editions(opened, edition.level)
    return next((it for it in every if it.state == EditionState.ACTIVE), None)


def _compare(opened: Session, before: str, after: str) -> Rerouting:
    notes.print(f"Comparing {before} with {after}.", highlight=False)
    return rerouting(opened, get_settings().var_dir / "index", before, after)


def _show(found: Rerouting) -> None:
    diff = found.diff
    console.print(
        f"{len(diff.born):,} areas born, {len(diff.gone):,} gone, {len(diff.renamed):,} renamed,"
        f" {len(diff.changed):,} changed; {sum(it.area_m2 for it in diff.moves):,.0f} m² move."
    )
    table = Table("ground moves from", "to", "m²")
    for move in diff.moves[:_SHOWN]:
        table.add_row(_or_nobody(move.before), _or_nobody(move.after), f"{move.area_m2:,.1f}")
    if diff.moves:
        console.print(table)
    if len(diff.moves) > _SHOWN:
        console.print(f"... and {len(diff.moves) - _SHOWN:,} more; --json has all")
    counted = Table("stored", "looked at", "routed differently", "most go")
    for kind, tally in found.tallies.items():
        counted.add_row(kind, f"{tally.looked_at:,}", f"{tally.rerouted:,}", _most(tally.moves))
    console.print(counted)
    cells = len({(it.district_code, it.id) for it in found.cut})
    console.print(f"{cells:,} unit grids lose a part of their ground; --json lists them.")


def _most(moves: tuple[tuple[str | None, str | None, int], ...]) -> str:
    rows: list[Any] = [
        f"{_or_nobody(before)} to {_or_nobody(after)}: {count:,}"
        for before, after, count in moves[:3]
    ]
    return "\n".join(rows)


def _or_nobody(code: str | None) -> str:
    return code or "nobody"
