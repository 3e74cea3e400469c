"""Lanes: imported with who keeps them, and listed: without a chief, not patrolled."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gridsvc.api.clock import utc_now
from gridsvc.cli.area_import import Columns, mapping_of
from gridsvc.cli.duties import DryRun, File, import_list
from gridsvc.cli.runtime import OPERATOR, AsJson, console, load_city, operator, print_json, session
from gridsvc.readers.limits import ReadLimits, ReadOptions
from gridsvc.registry.bodies.importer import read_day
from gridsvc.registry.lanes.importer import import_lanes
from gridsvc.registry.lanes.keeping import import_keepers
from gridsvc.registry.lanes.listing import LaneQuestion, found_lanes
from gridsvc.registry.lanes.rules import LANE_RULES
from gridsvc.registry.lanes.schemas import LaneAnswer

_District = Annotated[str, typer.Option(help="The district whose lanes they are.")]
_MOST = 100_000


def lanes(
    file: Annotated[Path, typer.Argument(help="A vector file of lines.", exists=True)],
    district: _District,
    on: Annotated[
        str | None, typer.Option(help="From which day new ones hold; today if left out.")
    ] = None,
    column: Columns = [],  # noqa: B006 - typer reads the default, nobody changes it
    crs: Annotated[str | None, typer.Option(help="Declared CRS; else the file's, WGS84.")] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Enter segments of lanes: lines with code, name and street; all of them, or none."""
    city = load_city()
    load = partial(
        import_lanes,
        options=ReadOptions(ReadLimits.of(city.settings)),
        city=city,
        district=district,
        now=utc_now(),
        on=None if on is None else read_day(on, "--on"),
        crs=crs,
        mapping=mapping_of(column),
    )
    import_list(file, load, dry_run, as_json)


def lane_keepers(
    file: File, district: _District, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Enter chiefs and wardens of lanes: segment,staff,role,valid_from (valid_to)."""
    caller = replace(OPERATOR, subject=operator())
    import_list(file, partial(import_keepers, caller=caller, district=district), dry_run, as_json)


def list_lanes(
    area: Annotated[str, typer.Option(help="A district (6 digits) or street (9).")] = "",
    without_chief: Annotated[
        bool, typer.Option("--without-chief", help="Only those without a chief.")
    ] = False,
    not_patrolled: Annotated[
        int | None, typer.Option(min=1, help="Only those not patrolled in so many days.")
    ] = None,
    day: Annotated[
        str | None, typer.Option(help="As of this day of the city; today if left out.")
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, help="In which patrols count; else the city's.")
    ] = None,
    page: Annotated[Path | None, typer.Option(help="Write a page with a map.")] = None,
    as_json: AsJson = False,
) -> None:
    """List lanes: their chief, share patrolled, days since (街巷长, 小巷管家)."""
    city = load_city()
    question = LaneQuestion(
        area=area,
        day=city.day(utc_now()) if day is None else read_day(day, "--day"),
        days=days or round(city.table(LANE_RULES).stale_days),
        without_chief=without_chief,
        not_patrolled=not_patrolled,
    )
    with session() as opened:
        found = found_lanes(opened, question, limit=_MOST)
        if page is not None:
            from gridsvc.maps.lanes import lanes_page  # folium

            written = lanes_page(opened, question, not_patrolled or question.days)
            page.write_text(written, encoding="utf-8")
    if as_json:
        told = [LaneAnswer.told(one, question.day).model_dump(mode="json") for one in found]
        print_json({"day": question.day.isoformat(), "days": question.days, "lanes": told})
        return
    table = Table("lane", "street", "chief", "% patrolled", "days since", title=f"{question.day}")
    for one in found:
        since = one.days_since(question.day)
        table.add_row(
            f"{one.name} {one.code}",
            one.street_code,
            one.chief.name if one.chief else "–",
            f"{100 * one.share:.1f}",
            "never" if since is None else str(since),
        )
    console.print(table)
