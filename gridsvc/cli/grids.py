"""Unit grids."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy.orm import Session

from gridsvc.api.clock import utc_now
from gridsvc.cli.deferred import defer
from gridsvc.cli.runtime import AsJson, console, load_city, notes, print_json, session
from gridsvc.errors import BadCode, NotFound
from gridsvc.readers.limits import ReadLimits, ReadOptions
from gridsvc.registry.grids import rebuild_repository as repository
from gridsvc.registry.grids.barriers import read_barriers
from gridsvc.registry.grids.measures import CityMeasures, GridBuild
from gridsvc.registry.grids.rebuild import KEEP_SHARE, rebuild_grids
from gridsvc.registry.grids.rebuild_writing import Rebuild
from gridsvc.registry.grids.service import build_grids
from gridsvc.settings import get_settings
from gridsvc.spatial.gridding_barriers import Barriers

app = typer.Typer(help="Unit grids (单元网格).", no_args_is_help=True)
defer(
    app,
    "social",
    "social_grids:social",
    "Show areas and social grids as a tree, with the totals of every node.",
)

Files = list[Path] | None
Roads = Annotated[Files, typer.Option("--roads", exists=True, help="Lines of roads; repeatable.")]
Walls = Annotated[Files, typer.Option("--walls", exists=True, help="Walls and compounds.")]
Rivers = Annotated[Files, typer.Option("--rivers", exists=True, help="Rivers and canals.")]
Buildings = Annotated[Files, typer.Option("--buildings", exists=True, help="Polygons, never cut.")]
WithParts = Annotated[
    bool, typer.Option("--parts-from-register", help="Balance the parts of the register.")
]
Crs = Annotated[str | None, typer.Option(help="CRS of the files; else what they say.")]


@app.command()
def build(
    districts: Annotated[list[str], typer.Argument(help="District codes, such as 110101.")],
    roads: Roads = None,
    walls: Walls = None,
    rivers: Rivers = None,
    buildings: Buildings = None,
    parts_from_register: WithParts = False,
    crs: Crs = None,
    as_json: AsJson = False,
) -> None:
    """Cut the communities of whole districts into unit grids and store them."""
    city = load_city()
    with session() as opened:
        lines = [*(roads or []), *(walls or []), *(rivers or [])]
        barriers = _barriers(
            opened, districts, lines, buildings or [], parts_from_register, crs=crs
        )
        built = build_grids(
            opened,
            districts,
            barriers=barriers,
            progress=notes.print,
            calendar=city.calendar,
            now=utc_now(),
        )
    if as_json:
        print_json({**asdict(built), "total": built.total})
    else:
        console.print(table_of(built))


@app.command()
def rebuild(
    districts: Annotated[
        list[str] | None, typer.Argument(help="District codes; all that have unit grids.")
    ] = None,
    roads: Roads = None,
    walls: Walls = None,
    rivers: Rivers = None,
    buildings: Buildings = None,
    parts_from_register: WithParts = False,
    crs: Crs = None,
    without_barriers: Annotated[
        bool, typer.Option(help="Cut without what the unit grids followed until now.")
    ] = False,
    community: Annotated[
        list[str] | None, typer.Option(help="Recut this community; repeatable.")
    ] = None,
    keep_share: Annotated[
        float, typer.Option(help="A code stays with a cell that shares so much of both.")
    ] = KEEP_SHARE,
    commit: Annotated[bool, typer.Option(help="Write it; else only show it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what no longer fits and how it would be repaired; with --commit repair it."""
    city = load_city()
    with session() as opened:
        lines = [*(roads or []), *(walls or []), *(rivers or [])]
        inside = districts or repository.every_gridded_district(opened)
        barriers = _barriers(opened, inside, lines, buildings or [], parts_from_register, crs=crs)
        done = rebuild_grids(
            opened,
            districts or (),
            barriers=barriers,
            without_barriers=without_barriers,
            communities=community or (),
            keep_share=keep_share,
            commit=commit,
            progress=notes.print,
            calendar=city.calendar,
            now=utc_now(),
        )
    if as_json:
        print_json(done.to_json())
        return
    console.print(_changes(done))
    if done.city is not None:
        console.print(_fit(done.city, Table(show_header=False)))
    if not done.committed and done.communities:
        console.print("Nothing is written yet: say --commit.")


@app.command()
def show(
    district: Annotated[str, typer.Argument(help="The district's code.")],
    code: Annotated[str, typer.Argument(help="The unit grid's 8 digits.")],
    as_json: AsJson = False,
) -> None:
    """Show a unit grid with its history: former polygons, what it follows, what followed it."""
    if not (code.isdigit() and len(code) == 8):
        raise BadCode(f"{code!r} is not the code of a unit grid; give its 8 digits.", field="code")
    with session() as opened:
        found = repository.grid_history(opened, district, code)
    if found is None:
        raise NotFound(f"District {district} has no unit grid {code}.")
    if as_json:
        print_json(found)
        return
    table = Table(title=f"Unit grid {district} {code}: {found['state']}", show_header=False)
    for name in ("national_id", "community_code", "area_m2", "first_date", "redrawn_date"):
        table.add_row(name.replace("_", " "), str(found[name] or ""))
    if found["end_date"] is not None:
        table.add_row("void since", f"{found['end_date']}: {found['void_reason']}")
    for former in found["former"]:
        table.add_row(
            f"polygon {former['version']}", f"{former['drawn_date']} to {former['end_date']}"
        )
    for heading in ("successors", "predecessors"):
        for other in found[heading]:
            table.add_row(
                heading[:-1],
                f"{other['district_code']} {other['code']}: {other['shared_m2']:,.0f} m², "
                f"{other['share']:.0%} of the void one",
            )
    console.print(table)


def table_of(built: GridBuild) -> Table:
    """The measures of a build, for people."""
    table = Table(title=f"{built.total:,} unit grids in {built.seconds:.1f} s", show_header=False)
    for district, count in built.counts.items():
        table.add_row(f"district {district}", f"{count:,}")
    table.add_row("communities", f"{built.communities:,}")
    table.add_row("smallest, largest", f"{built.smallest_m2:,.0f} - {built.largest_m2:,.0f} m²")
    table.add_row("more than 10 % from the nominal size", f"{built.outside_tolerance:,}")
    table.add_row(
        "compactness 4πA/P², worst and mean",
        f"{built.worst_compactness:.2f}, {built.mean_compactness:.2f} (a square: 0.79)",
    )
    table.add_row("communities with larger cells", f"{len(built.enlarged):,}")
    return table if built.city is None else _fit(built.city, table)


def _barriers(
    opened: Session,
    districts: list[str],
    lines: list[Path],
    buildings: list[Path],
    with_parts: bool,
    *,
    crs: str | None,
) -> Barriers | None:
    """What the files and the register give; None when nothing was asked for."""
    if not (lines or buildings or with_parts):
        return None
    parts = repository.part_points(opened, districts if with_parts else [])
    barriers, remarks = read_barriers(
        lines, buildings, parts, ReadOptions(ReadLimits.of(get_settings())), crs=crs
    )
    for remark in remarks:
        notes.print(remark)
    notes.print(
        f"{len(barriers.lines):,} lines, {len(barriers.buildings):,} buildings, "
        f"{len(barriers.parts):,} parts."
    )
    return barriers


def _fit(city: CityMeasures, table: Table) -> Table:
    table.add_row("within 10 % of the nominal size", f"{city.within_tenth:.1%}")
    table.add_row(
        "under 3,000 m², over 20,000 m²",
        f"{city.too_small:,}, {city.too_large:,} ({city.forced:,} without a choice)",
    )
    table.add_row(
        "buildings cut by a cell's border", f"{city.cut_buildings:,} of {city.buildings:,}"
    )
    table.add_row("buildings astride a community's border", f"{city.astride_buildings:,}")
    if city.on_barrier is not None:
        table.add_row("cell borders on a barrier", f"{city.on_barrier:.0%}")
    if city.barrier_used is not None:
        table.add_row("barriers that are cell borders", f"{city.barrier_used:.0%}")
    table.add_row(
        "parts in a cell: mean, deviation, most",
        f"{city.parts_mean:.1f}, {city.parts_deviation:.1f}, {city.parts_most:,}",
    )
    return table


def _changes(done: Rebuild) -> Table:
    table = Table(
        "community",
        "why",
        "unchanged",
        "redrawn",
        "void",
        "new",
        title=f"{len(done.communities):,} communities do not fit, {done.fitting:,} do"
        f" ({done.communities_edition_id})",
        caption=f"{done.parts_moved:,} parts got another place" if done.committed else None,
    )
    for row in done.communities:
        table.add_row(
            f"{row.name} {row.code}",
            row.reason,
            *(f"{count:,}" for count in (row.unchanged, row.redrawn, row.void, row.new)),
        )
    return table
