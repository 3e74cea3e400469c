"""Social grids: imported as a district's list, shown as a tree whose totals match."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.tree import Tree

from gridsvc.api.clock import utc_now
from gridsvc.cli.runtime import AsJson, console, note_refused, print_json, session
from gridsvc.registry.social_grids.service import import_social_grids, social_tree
from gridsvc.registry.social_grids.tree import Node

Expected = Annotated[int | None, typer.Option(help="Refuse a file with another total.")]


def social_grids(
    file: Annotated[Path, typer.Argument(help="A CSV in UTF-8.", exists=True, dir_okay=False)],
    district: Annotated[str, typer.Option(help="The district whose list it is.")],
    level_1: Expected = None,
    level_2: Expected = None,
    workers: Expected = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check; keep nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let a file be a district's social grids: code,name,level,parent,area,households,..."""
    given = {"level_1": level_1, "level_2": level_2, "workers": workers}
    with session() as opened:
        result = import_social_grids(
            opened,
            file,
            district=district,
            expected={name: number for name, number in given.items() if number is not None},
            now=utc_now(),
        )
        if dry_run:
            opened.rollback()
    if as_json:
        print_json(
            {
                **result.totals.to_json(),
                "refused": [asdict(one) for one in result.refused],
                "unusual": [asdict(one) for one in result.unusual],
            }
        )
    else:
        note_refused((*result.refused, *result.unusual))
        totals = result.totals
        console.print(
            f"{totals.level_1:,} grids of level 1, {totals.level_2:,} of level 2,"
            f" {totals.workers:,} workers; {len(result.refused):,} rows refused."
        )
    if result.refused:
        raise typer.Exit(1)


def social(
    area: Annotated[str, typer.Option(help="A district, street or community.")] = "",
    depth: Annotated[int, typer.Option(min=0, max=5, help="Levels below it.")] = 2,
    as_json: AsJson = False,
) -> None:
    """Show areas and social grids as a tree, with the totals of every node."""
    with session() as opened:
        tree = social_tree(opened, area, now=utc_now())
    if as_json:
        print_json(tree.to_json(depth))
        return
    shown = Tree(_words(tree), highlight=False)
    _grow(shown, tree, depth)
    console.print(shown)


def _grow(shown: Tree, node: Node, depth: int) -> None:
    for child in node.children if depth else ():
        _grow(shown.add(_words(child)), child, depth - 1)


def _words(node: Node) -> str:
    totals = node.totals
    name = f"{node.name} {node.code}".strip() or "city"
    return (
        f"{name}: {totals.level_1:,} of level 1, {totals.level_2:,} of level 2,"
        f" {totals.workers:,} workers"
    )
