"""Lists about communities: members who live there, funds, what must not be demanded."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from gridsvc.api.clock import utc_now
from gridsvc.cli.duties import DryRun, File, import_list
from gridsvc.cli.runtime import AsJson, load_city
from gridsvc.registry.banned_demands.service import import_items
from gridsvc.registry.funds.service import import_funds
from gridsvc.registry.members.service import import_members
from gridsvc.registry.members.teams import import_teams


def members(file: File, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Enter members where they live: code,name,unit,community,reported_on (subject)."""
    load = partial(import_members, city=load_city(), now=utc_now())
    import_list(file, load, dry_run, as_json)


def teams(file: File, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Enter teams of members: code,name,area,leader,members (codes, with spaces between)."""
    import_list(file, partial(import_teams, now=utc_now()), dry_run, as_json)


def funds(file: File, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Enter funds and their budgets: code,year,area,kind,name,budget_yuan."""
    import_list(file, partial(import_funds, now=utc_now()), dry_run, as_json)


def banned_demands(
    file: File,
    district: Annotated[str, typer.Option(help="The district whose list it is.")],
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Let a file be what must not be demanded of communities: number,item (words)."""
    import_list(file, partial(import_items, district=district, now=utc_now()), dry_run, as_json)
