"""Rosters: a list of postings proposed to the streets, and who of a street comes now."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gridsvc.api.clock import utc_now
from gridsvc.api.dependencies import parse_as_of
from gridsvc.cli.duties import DryRun, File, import_list
from gridsvc.cli.runtime import OPERATOR, AsJson, console, load_city, operator, print_json, session
from gridsvc.errors import BadInput
from gridsvc.maps.roster import roster_page
from gridsvc.registry.postings.importer import import_postings
from gridsvc.registry.postings.roster import Listed, estimate, roster
from gridsvc.registry.postings.schemas import RosterAnswer, RosterLine


def postings(file: File, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Propose postings to their streets: street,staff,kind,valid_from (valid_to,lon,lat,words)."""
    caller = replace(OPERATOR, subject=operator())
    load = partial(import_postings, city=load_city(), caller=caller, now=utc_now())
    import_list(file, load, dry_run, as_json)


def show_roster(
    street: Annotated[str, typer.Argument(help="The 9 digits of a street's code.")],
    at: Annotated[str | None, typer.Option(help="A day or a time; now if left out.")] = None,
    lon: Annotated[float | None, typer.Option(help="Where they shall come to, WGS84.")] = None,
    lat: Annotated[float | None, typer.Option(help="Where they shall come to, WGS84.")] = None,
    page: Annotated[Path | None, typer.Option(help="Write it as a page that prints.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say who of a street's roster comes now: posted, then on call (派驻名册)."""
    if (lon is None) != (lat is None):
        raise BadInput("Send both lon and lat, or neither.", field="lon" if lon is None else "lat")
    city = load_city()
    moment = parse_as_of(at, city.calendar) or utc_now()
    place = None if lon is None or lat is None else (lon, lat)
    with session() as opened:
        people = roster(opened, city, street, moment, place)
        if page is not None:
            page.write_text(roster_page(opened, city, street, moment), encoding="utf-8")
    if as_json:
        told = RosterAnswer(
            street=street,
            at=moment,
            estimate=estimate(city),
            people=[RosterLine.told(one) for one in people],
        )
        print_json(told.model_dump(mode="json"))
        return
    console.print(_table(people, street, moment))
    if place is not None:
        console.print(f"Minutes: {estimate(city)}.", highlight=False)


def _table(people: list[Listed], street: str, at: dt.datetime) -> Table:
    table = Table("code", "name", "body", "kind", "comes", "minutes", title=f"{street}, {at}")
    for one in people:
        comes = "yes" if one.comes else "no"
        minutes = "" if one.minutes is None else f"{one.minutes:.1f}"
        table.add_row(one.staff_code, one.name, one.body_code, one.kind.value, comes, minutes)
    return table
