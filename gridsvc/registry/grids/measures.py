"""What a build of unit grids made: sizes, shapes, and how the cells fit the city."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gridsvc.spatial.gridding_barriers import CityGrid, Metrics

#: No cell is smaller or larger, in m², unless its community or a building leaves no choice.
_SMALLEST_M2, _LARGEST_M2 = 3_000.0, 20_000.0


@dataclass(frozen=True, slots=True)
class EnlargedCommunity:
    """A community with more ground than its serials can number, and the size of its cells."""

    code: str
    name: str
    cells: int
    nominal_m2: float


@dataclass(frozen=True, slots=True)
class CityMeasures:
    """How cells that were cut along barriers fit the city.

    ``within_tenth``: the share of cells within 10 % of the nominal size. ``too_small``,
    ``too_large``: cells under 3,000 and over 20,000 m²; ``forced``: those of them about which a
    building or the community leaves no choice. ``buildings``: wholly inside a community;
    ``cut_buildings``: of them, in more than one cell; ``astride_buildings``: cut by a community's
    own border. ``on_barrier``: the share of cell borders within 1 m of a barrier;
    ``barrier_used``: the share of barriers with a cell border within 1 m; None without any.
    ``parts_mean``, ``parts_deviation``, ``parts_most``: parts in a cell.
    """

    within_tenth: float
    too_small: int
    too_large: int
    forced: int
    buildings: int
    cut_buildings: int
    astride_buildings: int
    on_barrier: float | None
    barrier_used: float | None
    parts_mean: float
    parts_deviation: float
    parts_most: int


@dataclass(frozen=True, slots=True)
class GridBuild:
    """What a build made.

    ``counts``: unit grids by district. ``worst_compactness`` and ``mean_compactness``:
    Polsby-Popper, 4 pi area / perimeter² (a square has 0.785). ``worst_squareness``: short side
    over long side of the smallest rectangle around a cell. ``smallest_m2`` to ``largest_m2``: all
    cells. ``spread``: the largest difference from the nominal size, as a share of it, and
    ``outside_tolerance``: how many cells differ by more than 10 %, which without barriers only a
    community too small for it has. ``enlarged``: communities whose cells are larger, because 999
    serials were too few. ``city``: None when no barriers were given.
    """

    edition_id: str
    communities_edition_id: str
    counts: dict[str, int]
    communities: int
    worst_compactness: float
    mean_compactness: float
    worst_squareness: float
    smallest_m2: float
    largest_m2: float
    spread: float
    outside_tolerance: int
    enlarged: tuple[EnlargedCommunity, ...]
    city: CityMeasures | None
    seconds: float

    @property
    def total(self) -> int:
        """Unit grids of all districts."""
        return sum(self.counts.values())


def measured(
    codes: Sequence[str],
    names: Mapping[str, str],
    grids: Sequence[CityGrid],
    *,
    districts: Sequence[str],
    **build: Any,
) -> GridBuild:
    """The measures of the cells of communities, and whatever else a build has to say."""
    cut = [city.grid for city in grids]
    sizes = np.concatenate([grid.area_m2 for grid in cut])
    nominal = np.concatenate([np.full(len(grid.cells), grid.nominal_m2) for grid in cut])
    compactness = np.concatenate([grid.compactness for grid in cut])
    return GridBuild(
        counts={
            district: sum(
                len(grid.cells)
                for code, grid in zip(codes, cut, strict=True)
                if code.startswith(district)
            )
            for district in districts
        },
        communities=len(codes),
        worst_compactness=float(compactness.min()),
        mean_compactness=float(compactness.mean()),
        worst_squareness=min(float(grid.squareness.min()) for grid in cut),
        smallest_m2=float(sizes.min()),
        largest_m2=float(sizes.max()),
        spread=float(np.abs(sizes / nominal - 1.0).max()),
        outside_tolerance=sum(grid.outside_tolerance for grid in cut),
        enlarged=tuple(
            EnlargedCommunity(code, names[code], len(grid.cells), grid.nominal_m2)
            for code, grid in zip(codes, cut, strict=True)
            if grid.enlarged
        ),
        city=city_measures(grids),
        **build,
    )


def city_measures(grids: Sequence[CityGrid]) -> CityMeasures | None:
    """How the cells fit the city; None when none was cut along barriers."""
    followed = [(city.grid, city.metrics) for city in grids if city.metrics is not None]
    if not followed:
        return None
    fits: list[Metrics] = [fit for _, fit in followed]
    sizes = np.concatenate([grid.area_m2 for grid, _ in followed])
    nominal = np.concatenate([np.full(len(grid.cells), grid.nominal_m2) for grid, _ in followed])
    parts = np.concatenate([fit.parts for fit in fits])
    border_m = sum(fit.border_m for fit in fits)
    barrier_m = sum(fit.barrier_m for fit in fits)
    return CityMeasures(
        within_tenth=float((np.abs(sizes / nominal - 1.0) <= 0.1).mean()),
        too_small=int((sizes < _SMALLEST_M2).sum()),
        too_large=int((sizes > _LARGEST_M2).sum()),
        forced=sum(fit.forced for fit in fits),
        buildings=sum(fit.buildings for fit in fits),
        cut_buildings=sum(fit.cut_buildings for fit in fits),
        astride_buildings=sum(fit.astride_buildings for fit in fits),
        on_barrier=sum(fit.on_barrier_m for fit in fits) / border_m if border_m else None,
        barrier_used=sum(fit.barrier_used_m for fit in fits) / barrier_m if barrier_m else None,
        parts_mean=float(parts.mean()),
        parts_deviation=float(parts.std()),
        parts_most=int(parts.max()),
    )
