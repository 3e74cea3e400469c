"""Unit grids."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from gridsvc.cli.runtime import AsJson, console, notes, print_json, session
from gridsvc.registry.grids.service import GridBuild, build_grids

__all__ = ["app", "table_of"]

app = typer.Typer(help="Unit grids (单元网格).", no_args_is_help=True)


@app.callback()
def _grids() -> None:
    """Keep 'build' a sub-command while it is the only one."""


@app.command()
def build(
    districts: Annotated[list[str], typer.Argument(help="District codes, such as 110101.")],
    as_json: AsJson = False,
) -> None:
    """Cut the communities of whole districts into unit grids and store them."""
    with session() as opened:
        built = build_grids(opened, districts, progress=notes.print)
    if as_json:
        print_json({**asdict(built), "total": built.total})
    else:
        console.print(table_of(built))


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
    return table
