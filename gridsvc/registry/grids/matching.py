"""Recuts communities as far as they changed, and finds which new cell is which old one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from sqlalchemy.orm import Session

from gridsvc.errors import CodesExhausted
from gridsvc.registry.grids import rebuild_repository as repository
from gridsvc.registry.grids.rebuild_repository import GridRows
from gridsvc.registry.grids.staleness import Reason, StaleCommunity
from gridsvc.registry.grids.storing import SERIALS, NewCell, cells_of
from gridsvc.spatial.grid_matching import Overlap, ground_to_cut, overlaps, with_common_vertices
from gridsvc.spatial.gridding_barriers import Barriers, CityGrid, grid_city

#: The size aimed at, in m².
_NOMINAL_M2 = 10_000.0


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """The old cells of communities that changed, which of them stay, and the cells cut beside.

    ``stays``: numbers of ``old``.
    """

    old: GridRows
    stays: tuple[int, ...]
    cells: tuple[NewCell, ...]
    grids: tuple[CityGrid, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """Old cells (numbers of ``old``) and new ones (numbers of ``cells``).

    ``unchanged``: code and polygon stay. ``kept``: old, new, and the least share that they have in
    common: the code stays with the new polygon. ``void``: the others. ``taken``: what took the
    ground of each void one. ``numbered``: the new cells that need a number, in the order of
    communities and serials.
    """

    old: GridRows
    cells: tuple[NewCell, ...]
    unchanged: tuple[int, ...]
    kept: tuple[tuple[int, int, float], ...]
    void: tuple[int, ...]
    taken: Mapping[int, Sequence[Overlap]]
    numbered: tuple[int, ...]


def cut_anew(
    session: Session,
    found: Sequence[StaleCommunity],
    barriers: Barriers | None,
    progress: Callable[[int, int], None],
) -> Ground:
    """Cut the ground of communities that do not fit, around the cells that can stay.

    Raises CodesExhausted when a community needs more cells than it can ever number.
    """
    old = repository.valid_grids(session, [stale.code for stale in found])
    own: dict[str, list[int]] = defaultdict(list)
    for number, community in enumerate(old.communities):
        own[community].append(number)
    stays: list[int] = []
    wanted: dict[float, list[tuple[str, Any]]] = defaultdict(list)
    for stale in found:
        if stale.outline is None:
            continue
        numbers = own[stale.code]
        nominal = max((old.nominal_m2[k] for k in numbers), default=_NOMINAL_M2)
        outline = stale.outline
        if stale.reason is Reason.OUTLINE:
            staying, outline = ground_to_cut(stale.outline, list(old.geometries[numbers]), nominal)
            stays += np.array(numbers)[staying].tolist()
        if not outline.is_empty:
            target = nominal if stale.reason is Reason.OUTLINE else _NOMINAL_M2
            wanted[target].append((stale.code, outline))
    cells: list[NewCell] = []
    grids: list[CityGrid] = []
    for target, grounds in sorted(wanted.items()):
        codes = [code for code, _ in grounds]
        cut = grid_city(
            [shape for _, shape in grounds],
            barriers=barriers,
            target_m2=target,
            max_cells=SERIALS,
            progress=progress,
        )
        grids += cut
        cells += cells_of(codes, [city.grid for city in cut])
    cells.sort(key=lambda cell: cell.community)
    _check_room(cells, old, stays)
    return Ground(old, tuple(stays), tuple(cells), tuple(grids))


def match(session: Session, ground: Ground, keep_share: float) -> Matched:
    """Give each new cell an old one's code, or none.

    As ``keep_share`` is more than half of both, no code has two claimants and no cell two codes.
    """
    staying = set(ground.stays)
    beside = list(ground.stays)
    cells = _noded(session, ground)
    new_count = len(ground.cells)
    gone = [k for k in range(len(ground.old.codes)) if k not in staying]
    pairs = [
        replace(pair, old=gone[pair.old])
        for pair in overlaps(
            [ground.old.geometries[k] for k in gone], [cell.polygon for cell in cells]
        )
    ]
    kept = [
        (pair.old, pair.new, min(pair.of_old, pair.of_new, 1.0))
        for pair in pairs
        if pair.new < new_count
        and min(pair.of_old, pair.of_new) >= keep_share
        and ground.old.communities[pair.old] == cells[pair.new].community
    ]
    claimed = {old for old, _, _ in kept}
    taken: dict[int, list[Overlap]] = {old: [] for old in gone if old not in claimed}
    for pair in pairs:
        if pair.old in taken:
            taken[pair.old].append(pair)
    unchanged = []
    for position, old in enumerate(beside, new_count):
        if cells[position].polygon is ground.old.geometries[old]:
            unchanged.append(old)
        else:
            kept.append((old, position, 1.0))
    with_code = {new for _, new, _ in kept}
    return Matched(
        old=ground.old,
        cells=tuple(cells),
        unchanged=tuple(unchanged),
        kept=tuple(sorted(kept)),
        void=tuple(taken),
        taken=taken,
        numbered=tuple(k for k in range(new_count) if k not in with_code),
    )


def _noded(session: Session, ground: Ground) -> list[NewCell]:
    """The new cells and then those that stay, each with the vertices of all on its border.

    Cells of other communities lend their vertices and stay as they are.
    """
    old = ground.old
    stay = [
        NewCell(old.communities[k], old.geometries[k], 0.0, 0.0, old.nominal_m2[k])
        for k in ground.stays
    ]
    cells = [*ground.cells, *stay]
    if not ground.cells:
        return cells
    cut = shapely.union_all([cell.polygon for cell in ground.cells])
    others = repository.valid_grids_touching(
        session, shapely.to_wkb(cut), outside=sorted(set(old.communities))
    )
    polygons = with_common_vertices([cell.polygon for cell in cells], list(others.geometries))
    return [
        cell if polygon is cell.polygon else replace(cell, polygon=polygon)
        for cell, polygon in zip(cells, polygons, strict=True)
    ]


def _check_room(cells: Sequence[NewCell], old: GridRows, stays: Sequence[int]) -> None:
    counts: dict[str, int] = defaultdict(int)
    for community in [cell.community for cell in cells] + [old.communities[k] for k in stays]:
        counts[community] += 1
    for community, count in counts.items():
        if count > SERIALS:
            raise CodesExhausted(
                f"Community {community} would have {count:,} cells, but has serials for {SERIALS};"
                " split it into two codes first."
            )
