"""Duty lists: imported, looked through for gaps, asked about before a change, and changed."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.table import Table
from sqlalchemy.orm import Session

from gridsvc.api.clock import utc_now
from gridsvc.assessment.period import parse_period
from gridsvc.cases.intake.duty_what_if import Asked, duty_what_if
from gridsvc.city import City
from gridsvc.cli.runtime import (
    AsJson,
    console,
    load_city,
    note_refused,
    open_atlas,
    operator,
    print_json,
    session,
)
from gridsvc.db.base import transaction
from gridsvc.errors import BadInput
from gridsvc.registry.bodies.changes import (
    Change,
    Plan,
    carry_out,
    plan_changes,
    read_changes,
)
from gridsvc.registry.bodies.gaps import find_gaps
from gridsvc.registry.bodies.importer import Imported, import_bodies, import_duties
from gridsvc.registry.bodies.view import duties_changed

app = typer.Typer(help="Duty lists (职责清单).", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="A CSV in UTF-8.", exists=True, dir_okay=False)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check and report; keep nothing.")]
Reason = Annotated[str, typer.Option(help="Why; kept for good, and public.")]
_SHOWN = 40
Loaded = TypeVar("Loaded", bound=Imported)


@app.command()
def gaps(
    district: Annotated[str, typer.Option(help="Only areas whose code begins so.")] = "",
    day: Annotated[str, typer.Option(help="As of this day of the city; today if left out.")] = "",
    as_json: AsJson = False,
) -> None:
    """List every class in every street for which no list names a lead (属地兜底)."""
    city = load_city()
    asked = _day(day) if day else city.day(utc_now())
    with session() as opened:
        found = find_gaps(opened, prefix=district, day=asked, at=city.calendar.ends(asked))
    if as_json:
        print_json(
            {
                "day": asked.isoformat(),
                "streets": found.streets,
                "classes": found.classes,
                "gaps": [
                    {
                        "street": gap.street_code,
                        **asdict(gap.key),
                        "name": gap.class_name,
                        "communities": list(gap.communities),
                        "seen_at": gap.seen_at and gap.seen_at.isoformat(),
                    }
                    for gap in found.gaps
                ],
                "without_office": list(found.without_office),
            }
        )
        return
    title = f"Classes without a body, {asked}"
    table = Table("class", "name", "streets", "as", "cases have come", title=title)
    by_class = Counter((gap.key, gap.class_name) for gap in found.gaps)
    for (key, name), streets in by_class.most_common(_SHOWN):
        one = next(gap for gap in found.gaps if gap.key == key)
        seen = sum(gap.seen_at is not None for gap in found.gaps if gap.key == key)
        table.add_row(f"{key.kind} {key.code}", name, f"{streets:,}", one.street_code, f"{seen:,}")
    if by_class:
        console.print(table)
    if len(by_class) > _SHOWN:
        console.print(f"... and {len(by_class) - _SHOWN:,} more classes; --json has all")
    for code in found.without_office:
        console.print(f"The office of street {code} is not registered; import it.")
    console.print(
        f"{found.streets:,} streets and {found.classes:,} classes:"
        f" {len(found.gaps):,} gaps, where the street coordinates."
    )


@app.command("what-if")
def what_if(
    file: File,
    area: Annotated[str, typer.Option(help="Reports of areas whose code begins so.")] = "",
    period: Annotated[str, typer.Option(help="2026, 2026-Q4 ...; else the last year.")] = "",
    day: Annotated[str, typer.Option(help="As of then; else when all of them hold.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say which reports would go to another body by the changes in a CSV; nothing is written."""
    city, now = load_city(), utc_now()
    since, until = now - dt.timedelta(days=365), now
    if period:
        asked = parse_period(period, city.calendar)
        since, until = asked.start, asked.end
    with open_atlas(city) as (atlas, sessions), transaction(sessions) as opened:
        plan = _plan(opened, city, file)
        on = _day(day) if day else plan.first_day(city.day(now))
        found = duty_what_if(opened, atlas, plan, Asked(area, since, until, on))
    if as_json:
        print_json(found.model_dump(mode="json", by_alias=True))
        return
    table = Table("from", "to", "class", "street", "reports", "cases")
    for move in found.moves.listed[:_SHOWN]:
        table.add_row(
            "" if move.before is None else f"{move.before.code} {move.before.name}",
            "" if move.after is None else f"{move.after.code} {move.after.name}",
            f"{move.listed_class.code} {move.listed_class.name}",
            "" if move.street is None else move.street.name,
            f"{move.reports:,}",
            f"{move.cases.count:,}",
        )
    console.print(table)
    if found.moves.count > _SHOWN:
        console.print(f"... and {found.moves.count - _SHOWN:,} more; --json has all")
    console.print(
        f"On {found.day} {found.reports_moved:,} of {found.reports:,} reports in"
        f" {found.cases_moved:,} cases would go to another body;"
        f" {found.reports_assisted_otherwise:,} would be assisted by others."
    )


@app.command()
def change(file: File, reason: Reason, as_json: AsJson = False) -> None:
    """Add, end and change lines by a CSV (change,id,body,area,... as in 'duties what-if')."""
    city = load_city()
    with session() as opened:
        _carry_out(opened, _plan(opened, city, file), reason, as_json)


@app.command()
def end(
    line: Annotated[str, typer.Argument(help="The line's id; GET /v1/duties tells it.")],
    reason: Reason,
    on: Annotated[str, typer.Option(help="The first day without it; today if left out.")] = "",
    as_json: AsJson = False,
) -> None:
    """End a line of a duty list; it is kept, and answers for the days on which it held."""
    city = load_city()
    cells = {"id": line} | ({"valid_to": on} if on else {})
    with session() as opened:
        _carry_out(opened, _plan_of(opened, city, [Change(1, "end", cells)]), reason, as_json)


def _plan(opened: Session, city: City, file: Path) -> Plan:
    return _plan_of(opened, city, read_changes(file.read_text("utf-8-sig"), file.name))


def _plan_of(opened: Session, city: City, rows: list[Change]) -> Plan:
    return plan_changes(opened, rows, standard=city.standard, today=city.day(utc_now()))


def _carry_out(opened: Session, plan: Plan, reason: str, as_json: bool) -> None:
    ids = carry_out(opened, plan, who=operator(), role="operator", reason=reason, now=utc_now())
    if as_json:
        print_json(duties_changed(opened, ids).model_dump(mode="json"))
    else:
        console.print(f"{len(plan.ended):,} lines end, {len(plan.begun):,} begin.")


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"--day is '{text}'; write 2026-07-01.", field="day") from None


def bodies(file: File, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Register bodies: code,name,kind,area_code (webhook_url,telephone,source); all, or none."""
    import_list(file, import_bodies, dry_run, as_json)


def duties(file: File, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Add a duty list: body,area,kind,class_prefix,role,clause,valid_from (valid_to,standard)."""
    load = partial(import_duties, standard=load_city().standard)
    import_list(file, load, dry_run, as_json)


def import_list(
    file: Path, load: Callable[[Session, Path], Loaded], dry_run: bool, as_json: bool
) -> Loaded:
    """Load a list, all of its rows or none, and say what came of it."""
    with session() as opened:
        result = load(opened, file)
        if dry_run:
            opened.rollback()
    if as_json:
        print_json(asdict(result))
    else:
        note_refused(result.refused)
        kept = " (checked, nothing kept)" if dry_run else ""
        console.print(
            f"{result.rows:,} rows: {result.loaded:,} new, {result.known:,} known already,"
            f" {len(result.refused):,} refused{kept}."
        )
    if result.refused:
        raise typer.Exit(1)
    return result
