"""The tree of social grids, and a district's list of them from CSV: all of its rows, or none."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from gridsvc.errors import BadFile, BadInput
from gridsvc.registry.bodies.importer import RefusedRow
from gridsvc.registry.bodies.list_repository import active_areas
from gridsvc.registry.social_grids.repository import grids_under, replace_grids
from gridsvc.registry.social_grids.tree import Grid, Node, Totals, grow, mismatches
from gridsvc.tables import table

_COLUMNS = ["code", "name", "level", "parent", "area", "households", "people", "workers"]
#: A level-2 grid has 300 to 500 households, and 1,000 people at most (domain, section 2).
_HOUSEHOLDS, _PEOPLE = (300, 500), 1000


@dataclass(frozen=True, slots=True)
class ImportedGrids:
    """The totals of a list, its bad rows, and rows that are unusual and were taken."""

    totals: Totals
    refused: tuple[RefusedRow, ...]
    unusual: tuple[RefusedRow, ...]


def social_tree(session: Session, prefix: str, *, now: dt.datetime) -> Node:
    """The tree under an area ('' is the city), with the social grids of both levels."""
    return grow(_areas(session, prefix, now), grids_under(session, prefix), prefix=prefix)


def _areas(session: Session, prefix: str, now: dt.datetime) -> dict[str, str]:
    """The areas of all levels in force, code to name."""
    return {
        code: name
        for level in ("district", "street", "community")
        for code, name in active_areas(session, level, prefix, now).items()
    }


def import_social_grids(
    session: Session,
    path: Path,
    *,
    district: str,
    expected: Mapping[str, int],
    now: dt.datetime,
) -> ImportedGrids:
    """Let a CSV be the social grids of a district; all of its rows, or none.

    Its columns are code, name, level, parent, area, households, people, workers; ``expected`` are
    totals (level_1, level_2, workers) that it must have. ``parent`` is empty at level 1;
    households and people may be. Raises BadFile for a file that is not such a CSV file or has other
    totals, BadInput for a district that is not in force.
    """
    known = _areas(session, district, now).keys()
    if re.fullmatch("[0-9]{6}", district) is None or district not in known:
        raise BadInput(f"No district '{district[:12]}' is in force.", field="district")
    faults: list[RefusedRow] = []
    grids: dict[str, tuple[int, Grid]] = {}
    for row in table(path, _COLUMNS):
        try:
            grid = _grid(row)
            if grid.code in grids:
                raise BadInput(f"line {grids[grid.code][0]} already has the code {grid.code}")
            grids[grid.code] = (row.line, grid)
        except BadInput as error:
            faults.append(RefusedRow(row.line, error.detail))
    lines = {grid.code: line for line, grid in grids.values()}
    for line, grid in grids.values():
        if wrong := _wrong(grid, grids, known):
            faults.append(RefusedRow(line, wrong))
    listed = [grid for _, grid in grids.values()]
    faults += [RefusedRow(lines[grid.code], why) for grid, why in mismatches(listed)]
    totals = Totals(
        sum(grid.level == 1 for grid in listed),
        sum(grid.level == 2 for grid in listed),
        sum(grid.workers for grid in listed),
    )
    if not faults:
        _check_totals(path, totals, expected)
        replace_grids(session, district, listed, source=path.name)
    return ImportedGrids(
        totals,
        tuple(sorted(faults, key=lambda fault: fault.line)),
        tuple(RefusedRow(line, why) for line, grid in grids.values() if (why := _unusual(grid))),
    )


def _grid(row: Mapping[str, str]) -> Grid:
    if re.fullmatch("[0-9A-Za-z-]{1,20}", row["code"], re.ASCII) is None:
        raise BadInput(
            f"the code is {row['code'][:40]!r}; it must be 1 to 20 letters, digits or dashes"
        )
    if row["level"] not in ("1", "2"):
        raise BadInput(f"the level is {row['level'][:40]!r}; it must be 1 or 2")
    if (row["level"] == "2") != bool(row["parent"]):
        raise BadInput("a grid of level 2 has a parent of level 1, one of level 1 has none")
    if not 0 < len(row["name"]) <= 100 or "\0" in row["name"]:
        raise BadInput("the name must have 1 to 100 characters, none of them U+0000")
    return Grid(
        code=row["code"],
        name=row["name"],
        level=int(row["level"]),
        parent_code=row["parent"] or None,
        area_code=row["area"],
        households=_number(row, "households"),
        people=_number(row, "people"),
        workers=_number(row, "workers") or 0,
    )


def _number(row: Mapping[str, str], name: str) -> int | None:
    if not row[name]:
        return None
    if re.fullmatch("[0-9]{1,7}", row[name], re.ASCII) is None:
        raise BadInput(f"{name} is {row[name][:40]!r}; it must be a whole number")
    return int(row[name])


def _wrong(grid: Grid, grids: Mapping[str, tuple[int, Grid]], known: Collection[str]) -> str | None:
    if len(grid.area_code) not in (9, 12) or grid.area_code not in known:
        return f"no street or community '{grid.area_code[:20]}' of the district is in force"
    if grid.parent_code is None:
        return None
    parent = grids[grid.parent_code][1] if grid.parent_code in grids else None
    if parent is None or parent.level != 1:
        return f"its parent {grid.parent_code} is not a grid of level 1 in this file"
    if parent.area_code != grid.area_code:
        return f"it lies in {grid.area_code}, and its parent {parent.code} in {parent.area_code}"
    return None


def _unusual(grid: Grid) -> str | None:
    if grid.level != 2:
        return None
    least, most = _HOUSEHOLDS
    if grid.people is not None and grid.people > _PEOPLE:
        return f"{grid.code} has {grid.people:,} people; {_PEOPLE:,} at most are usual"
    if grid.households is not None and not least <= grid.households <= most:
        return f"{grid.code} has {grid.households:,} households; {least} to {most} are usual"
    return None


def _check_totals(path: Path, totals: Totals, expected: Mapping[str, int]) -> None:
    there = totals.to_json()
    for name, number in expected.items():
        if there[name] != number:
            raise BadFile(
                f"{path.name} has {there[name]:,} {name}, but {number:,} were expected; nothing"
                " was kept."
            )
