"""Imports: areas, parts, lists and earlier reports from files, and Beijing to begin with."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gridsvc.api.clock import utc_now
from gridsvc.cli.area_import import Columns, areas, mapping_of
from gridsvc.cli.deferred import defer
from gridsvc.cli.runtime import AsJson, console, load_city, notes, print_first, print_json, session
from gridsvc.readers.limits import ReadOptions
from gridsvc.registry.classes.service import part_class_names
from gridsvc.registry.parts.importer import import_parts
from gridsvc.registry.parts.reading import parts_limits, read_parts
from gridsvc.registry.start import load_start

app = typer.Typer(
    help="Import areas, parts, lists, and reports of earlier years.", no_args_is_help=True
)
app.command()(areas)
defer(
    app,
    "divisions",
    "cities:divisions",
    "Keep a city's list of districts, streets and communities: code,name,level,parent.",
)
defer(
    app,
    "calendar",
    "cities:calendar",
    "Keep a city's table of holidays and make-up days: date,kind,name.",
)
defer(
    app,
    "classes",
    "cities:classes",
    "Load a class list: kind,code,name,major; without a file the national list that is shipped.",
)
defer(
    app,
    "bodies",
    "duties:bodies",
    "Register bodies: code,name,kind,area_code (webhook_url,telephone,source); all, or none.",
)
defer(
    app,
    "duties",
    "duties:duties",
    "Add a duty list: body,area,kind,class_prefix,role,clause,valid_from (valid_to,standard).",
)
defer(
    app,
    "powers",
    "powers:powers",
    "Enter powers of bodies: code,name,kind,basis,body,valid_from (classes,valid_to,source).",
)
defer(
    app,
    "delegations",
    "powers:delegations",
    "Enter delegations: power,street,document,valid_from (conditions,valid_to,body,source).",
)
defer(
    app,
    "reports",
    "history:reports",
    "Record reports of earlier years: reference,received_at,class,lon,lat (and more).",
)
defer(
    app,
    "social-grids",
    "social_grids:social_grids",
    "Let a file be a district's social grids: code,name,level,parent,area,households,...",
)
defer(
    app,
    "staff",
    "staff:staff",
    "Enter staff: code,name,office,role,valid_from (places,shifts,telephone,subject,...).",
)
defer(
    app,
    "lanes",
    "lanes:lanes",
    "Enter segments of lanes: lines with code, name and street; all of them, or none.",
)
defer(
    app,
    "lane-keepers",
    "lanes:lane_keepers",
    "Enter chiefs and wardens of lanes: segment,staff,role,valid_from (valid_to).",
)
defer(
    app,
    "postings",
    "postings:postings",
    "Propose postings to their streets: street,staff,kind,valid_from (valid_to,lon,lat,words).",
)
defer(
    app,
    "contact-points",
    "contact_points:contact_points",
    "Let a file be the contact points of judges: area,name,judge; each community once, or none.",
)
defer(
    app,
    "members",
    "communities:members",
    "Enter members where they live: code,name,unit,community,reported_on (subject).",
)
defer(
    app,
    "teams",
    "communities:teams",
    "Enter teams of members: code,name,area,leader,members (codes, with spaces between).",
)
defer(
    app,
    "funds",
    "communities:funds",
    "Enter funds and their budgets: code,year,area,kind,name,budget_yuan.",
)
defer(
    app,
    "banned-demands",
    "communities:banned_demands",
    "Let a file be what must not be demanded of communities: number,item (words).",
)

defer(
    app,
    "residents",
    "demand:residents",
    "Enter residents on August 31: district,grid,year,age,residents; ages 0 to 6.",
)
defer(
    app,
    "births",
    "demand:births",
    "Enter births in the year to August 31: street,year,births.",
)
defer(
    app,
    "moves",
    "demand:moves",
    "Enter moves in the year to August 31: street,year,age,came,went.",
)
defer(
    app,
    "care-places",
    "demand:care_places",
    "Enter kindergartens: district,code,name,kind,lon,lat,seats,reach_m,valid_from.",
)

_SHOWN_FAULTS = 50


@app.command()
def beijing() -> None:
    """Load Beijing's districts, approximate streets and communities, classes and bodies."""
    with session() as opened:
        load_start(opened, load_city(), now=utc_now(), progress=notes.print)
    console.print("Beijing is loaded.")


@app.command()
def parts(
    file: Annotated[Path, typer.Argument(help="CSV, or any vector file.", exists=True)],
    district: Annotated[str, typer.Option(help="The district whose register takes them.")],
    column: Columns = [],  # noqa: B006 - typer reads the default, nobody changes it
    crs: Annotated[str | None, typer.Option(help="Declared CRS; else the file's, WGS84.")] = None,
    layer: Annotated[str | None, typer.Option(help="Layer, where a file has several.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Of the attributes, as GBK.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Check and report; keep nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Load parts into a district's register: all of them, or none and a list of bad rows."""
    city = load_city()
    with session() as opened:
        names = part_class_names(opened, city.standard).values()
        options = ReadOptions(parts_limits(city.settings), layer, encoding, set(names))
        raw = read_parts(file, options, crs=crs, mapping=mapping_of(column))
        result = import_parts(
            opened, raw, city=city, district=district, now=utc_now(), dry_run=dry_run
        )
    for remark in raw.remarks:
        notes.print(remark, highlight=False)
    if as_json:
        print_json(
            {
                "rows": result.rows,
                "loaded": result.loaded,
                "without_grid": result.without_grid,
                "refused": [asdict(fault) for fault in result.refused],
            }
        )
    else:
        print_first(result.refused, _SHOWN_FAULTS)
        console.print(f"{result.rows:,} rows, {result.loaded:,} loaded.")
    if result.refused:
        raise typer.Exit(1)
