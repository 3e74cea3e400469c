"""The tree of areas with its social grids, whose totals add up at every node; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Grid:
    """One social grid; ``parent_code`` is the level-1 grid of a level-2 one."""

    code: str
    name: str
    level: int
    parent_code: str | None
    area_code: str
    households: int | None
    people: int | None
    workers: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Social grids by level, and the grid workers of both levels."""

    level_1: int = 0
    level_2: int = 0
    workers: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            self.level_1 + other.level_1,
            self.level_2 + other.level_2,
            self.workers + other.workers,
        )

    def to_json(self) -> dict[str, int]:
        """``{level_1, level_2, workers}``."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Node:
    """An area or a social grid: what is in it in all, and what is directly under it."""

    code: str
    name: str
    level: str
    totals: Totals
    children: tuple[Node, ...] = ()

    def to_json(self, depth: int) -> dict[str, Any]:
        """The node with ``depth`` levels of children."""
        children = [child.to_json(depth - 1) for child in self.children] if depth > 0 else []
        return {
            "code": self.code,
            "name": self.name,
            "level": self.level,
            **self.totals.to_json(),
            "children": children,
        }


def grow(areas: Mapping[str, str], grids: Sequence[Grid], *, prefix: str = "") -> Node:
    """The tree under a prefix: districts, streets, communities, grids of level 1 and of level 2.

    ``areas`` are names by code, of 6, 9 and 12 digits. A grid whose community is not drawn is
    under its street.
    """
    second: dict[str, list[Node]] = {}
    for grid in grids:
        if grid.parent_code is not None:
            leaf = Node(grid.code, grid.name, "social_grid_2", Totals(0, 1, grid.workers))
            second.setdefault(grid.parent_code, []).append(leaf)
    first: dict[str, list[Node]] = {}
    for grid in grids:
        if grid.level != 1:
            continue
        below = tuple(second.get(grid.code, ()))
        own = Totals(1, 0, grid.workers)
        node = Node(
            grid.code, grid.name, "social_grid_1", own + _sum(one.totals for one in below), below
        )
        first.setdefault(_home(grid.area_code, areas), []).append(node)
    under: dict[str, list[str]] = {}
    for code in sorted(areas):
        under.setdefault(code[:-3] if len(code) > 6 else "", []).append(code)
    return _area(prefix, areas, under, first)


def _home(code: str, areas: Mapping[str, str]) -> str:
    while code and code not in areas:
        code = {12: code[:9], 9: code[:6]}.get(len(code), "")
    return code


def _area(
    code: str,
    areas: Mapping[str, str],
    under: Mapping[str, Sequence[str]],
    grids: Mapping[str, list[Node]],
) -> Node:
    below = (_area(one, areas, under, grids) for one in under.get(code, ()))
    children = (*below, *grids.get(code, ()))
    level = {6: "district", 9: "street", 12: "community"}.get(len(code), "city")
    return Node(
        code, areas.get(code, ""), level, _sum(one.totals for one in children), tuple(children)
    )


def _sum(totals: Iterable[Totals]) -> Totals:
    return sum(totals, Totals())


def mismatches(grids: Sequence[Grid]) -> list[tuple[Grid, str]]:
    """Level-1 grids whose own numbers of households or people are not those of their level 2."""
    below: dict[str, list[Grid]] = {}
    for grid in grids:
        if grid.parent_code is not None:
            below.setdefault(grid.parent_code, []).append(grid)
    found = []
    for grid in grids:
        children = below.get(grid.code, [])
        for name in ("households", "people"):
            own, parts = getattr(grid, name), [getattr(child, name) for child in children]
            known = [part for part in parts if part is not None]
            if own is not None and parts and len(known) == len(parts) and sum(known) != own:
                found.append(
                    (grid, f"{grid.code} says {own:,} {name}; its grids sum to {sum(known):,}")
                )
    return found
