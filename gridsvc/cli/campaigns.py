"""Campaigns at the keyboard: which there are, how one stands, its page."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy.orm import Session

from gridsvc.api.clock import utc_now
from gridsvc.api.v1.campaigns import campaign_told
from gridsvc.callers import Caller, Role
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.systems.campaigns.repository import campaigns_under
from gridsvc.cases.systems.campaigns.schemas import CampaignRow
from gridsvc.cases.systems.campaigns.service import visible
from gridsvc.cases.systems.campaigns.standing import share_of
from gridsvc.city import City
from gridsvc.cli.runtime import AsJson, console, load_city, notes, operator, print_json, session

_MOST = 500


def campaign(
    id: Annotated[uuid.UUID | None, typer.Argument(help="One campaign; none: all.")] = None,
    area: Annotated[str, typer.Option(help="Those of a district or street.")] = "",
    page: Annotated[
        Path | None, typer.Option(help="Write the day's page, in the end the report, here.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Campaigns (百日会战) that run, or how one stands: what is behind and why."""
    city = load_city()
    with session() as opened:
        occasion = Occasion(opened, city, _operator(), utc_now())
        if id is None:
            _list(opened, city, occasion, area, as_json)
        else:
            _show(occasion, id, page, as_json)


def _operator() -> Caller:
    return Caller(operator(), Role.ADMIN, "", None, uuid.UUID(int=0))


def _list(opened: Session, city: City, occasion: Occasion, area: str, as_json: bool) -> None:
    today = city.day(occasion.now)
    found = [CampaignRow.of(it) for it in campaigns_under(opened, area, today, today, limit=_MOST)]
    if as_json:
        print_json([one.model_dump(mode="json") for one in found])
        return
    table = Table("id", "name", "area", "days", "goal")
    for one in found:
        days = f"{one.first_day} - {one.last_day}"
        table.add_row(str(one.id), one.name, one.area_code, days, one.goal)
    console.print(table)


def _show(occasion: Occasion, id: uuid.UUID, page: Path | None, as_json: bool) -> None:
    known = visible(occasion.session, occasion.caller, id)
    told = campaign_told(occasion, known)
    if page is not None:
        from gridsvc.maps.campaign import campaign_page, read_campaign  # folium

        shown = read_campaign(occasion, known, told)
        page.write_text(campaign_page(shown, occasion.city), encoding="utf-8")
        notes.print(f"The page is in {page}.")
    if as_json:
        print_json(told.model_dump(mode="json"))
        return
    table = Table("street", "target", "found", "settled", "open", "%", "behind", title=told.name)
    for one in (*told.streets, told.whole):
        numbers = (one.target, one.found, one.settled, one.open)
        share = share_of(one.reached, one.target)
        table.add_row(one.name, *(f"{it:,}" for it in numbers), share, f"{one.behind:,}")
    console.print(table)
