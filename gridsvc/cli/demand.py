"""Demand forecast at the keyboard: its counts, and the places that streets need."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gridsvc.api.clock import utc_now
from gridsvc.cli.duties import DryRun, File, import_list
from gridsvc.cli.runtime import AsJson, console, load_city, print_json, session
from gridsvc.foresight.demand.schemas import ForecastAnswer, NumberExpected, demand_answer
from gridsvc.foresight.demand.service import needs
from gridsvc.maps.demand import demand_page
from gridsvc.registry.residents.importer import (
    import_births,
    import_care_places,
    import_moves,
    import_residents,
)


def residents(file: File, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Enter residents on August 31: district,grid,year,age,residents; ages 0 to 6."""
    import_list(file, import_residents, dry_run, as_json)


def births(file: File, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Enter births in the year to August 31: street,year,births."""
    import_list(file, partial(import_births, now=utc_now()), dry_run, as_json)


def moves(file: File, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Enter moves in the year to August 31: street,year,age,came,went."""
    import_list(file, partial(import_moves, now=utc_now()), dry_run, as_json)


def care_places(file: File, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Enter kindergartens: district,code,name,kind,lon,lat,seats,reach_m,valid_from."""
    import_list(
        file, partial(import_care_places, city=load_city(), now=utc_now()), dry_run, as_json
    )


def demand(
    district: Annotated[str, typer.Argument(help="The 6 digits of its code.")],
    kind: Annotated[str, typer.Option(help="As care.csv has it.")] = "kindergarten",
    page: Annotated[Path | None, typer.Option(help="Write a page with a map.")] = None,
    as_json: AsJson = False,
) -> None:
    """Forecast the places for children that each street of a district needs in two years."""
    city, now = load_city(), utc_now()
    with session() as opened:
        found = needs(opened, city, district, kind, now=now)
        if page is not None:
            page.write_text(demand_page(opened, city, found, now), encoding="utf-8")
    answer = demand_answer(found)
    if as_json:
        print_json(answer.model_dump(mode="json"))
        return
    console.print(_table(answer))


def _table(answer: ForecastAnswer) -> Table:
    table = Table("street", "children", "coming", "seats", "lacking", title=f"{answer.year}")
    for one in answer.streets:
        numbers = (_between(one.children), _between(one.coming), str(one.seats))
        table.add_row(f"{one.name} {one.code}", *numbers, _between(one.needed))
    return table


def _between(number: NumberExpected) -> str:
    told = f"{number.expected:,.0f}"
    return told if number.low is None else f"{told} ({number.low:,.0f} to {number.high:,.0f})"
