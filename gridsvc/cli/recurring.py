"""Recurring places at the keyboard: found by words, and looked at again before their season."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gridsvc.api.clock import utc_now
from gridsvc.cli.runtime import AsJson, console, load_city, open_atlas, print_json, session
from gridsvc.errors import BadInput
from gridsvc.foresight.recurring.service import look_back_everywhere
from gridsvc.foresight.words.schemas import places_answer
from gridsvc.foresight.words.service import Asked, Found, Span, find_places, last_years
from gridsvc.foresight.words.view import write_places
from gridsvc.maps.words import words_page

app = typer.Typer(
    help="Recurring places (重复点位): found by words, looked at again.", no_args_is_help=True
)

_Day = Annotated[str | None, typer.Option(help="As 2026-06-01.")]
_SHOWN = 20


@app.command()
def find(
    query: Annotated[str, typer.Argument(help="In Chinese, as 漏雨 or '屋顶渗水 未解决'.")],
    area: Annotated[str, typer.Option(help="The digits of its code: 6, 9 or 12.")],
    since: _Day = None,
    until: Annotated[str | None, typer.Option(help="The first day after; tomorrow.")] = None,
    after_since: Annotated[str | None, typer.Option(help="The season to compare with.")] = None,
    after_until: Annotated[str | None, typer.Option(help="The first day after it.")] = None,
    page: Annotated[Path | None, typer.Option(help="Write the special report.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write all places as CSV.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find the places that reports with some words are about; two years where no day is given."""
    city, now = load_city(), utc_now()
    if len(area) not in (6, 9, 12) or not area.isdigit():
        raise BadInput(f"--area is '{area[:20]}'; write 6, 9 or 12 digits.", field="area")
    end = _day(until)
    span = last_years(city.day(now) if end is None else end - dt.timedelta(days=1), _day(since))
    after = None
    if after_since is not None and after_until is not None:
        after = Span(_day_of(after_since), _day_of(after_until))
    with session() as opened:
        found = find_places(opened, city, Asked(query, area, span, after))
        if page is not None:
            page.write_text(words_page(opened, city, found, now, dossiers=50), encoding="utf-8")
    if csv is not None:
        with csv.open("wb") as out:
            write_places(found, out)
    if as_json:
        print_json(places_answer(found, most=len(found.places)).model_dump(mode="json"))
        return
    console.print(_table(found))
    console.print(
        f"{found.reports:,} reports, {len(found.places):,} places; {found.erased:,} reports of the"
        " area and days have no words any more."
    )
    if found.fall_percent is not None:
        console.print(f"{found.before:,} before, {found.after:,} after: {-found.fall_percent:+} %.")


@app.command()
def look_back(as_json: AsJson = False) -> None:
    """Ask for another look at kept places whose season is near; the worker does so every day."""
    city = load_city()
    with open_atlas(city) as (atlas, sessions):
        made = look_back_everywhere(sessions, city, atlas, now=utc_now())
    if as_json:
        print_json({"places": made})
        return
    console.print(f"{made:,} places whose season is near.")


def _table(found: Found) -> Table:
    table = Table("address", "reports", "unsolved", "last")
    for place in found.places[:_SHOWN]:
        last = place.reports[-1].created_at.date()
        table.add_row(place.address, str(len(place.reports)), str(place.unsolved), str(last))
    return table


def _day(value: str | None) -> dt.date | None:
    return None if value is None else _day_of(value)


def _day_of(value: str) -> dt.date:
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        raise BadInput(f"'{value[:20]}' is not a day; write 2026-06-01.", field="day") from None
