"""`python -m benchmarks.unit_grids`: unit grids of a made-up city, four ways, side by side.

Writes docs/unit-grids-comparison.md and its picture from one run.
"""

from __future__ import annotations

import argparse
import math
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import h3
import numpy as np
import shapely
from numpy.typing import NDArray

from benchmarks import NAVIGATION
from benchmarks.fixtures import PLANE
from benchmarks.made_up_city import City, make_city
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.gridding import grid_communities
from gridsvc.spatial.gridding_barriers import barriers_of, grid_city
from gridsvc.spatial.unit_grids.metrics import metrics_of

__all__ = ["main"]

Objects = NDArray[np.object_]

_ROOT = Path(__file__).resolve().parent.parent
_PICTURE = "images/unit-grids-comparison.png"
_SHOWN = 5


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    """One way to cut a city: cells (WGS84) of each community, and what it took."""

    name: str
    cells: list[Objects]
    seconds: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class _Row:
    """What was measured of one way."""

    name: str
    cells: int
    near: float
    least: float
    most: float
    out: int
    cut: int
    buildings: int
    along: float
    compact: float
    least_compact: float
    uneven: float
    uncovered: int
    seconds: float
    cpu_s: float


def _fishnet(city: City) -> list[Objects]:
    """Squares of 100 m from one corner of the city, cut at the communities' borders."""
    flat = PLANE.project(city.communities)
    west, south, east, north = shapely.total_bounds(flat)
    x, y = np.meshgrid(np.arange(west, east, 100.0), np.arange(south, north, 100.0))
    squares = PLANE.unproject(shapely.box(x, y, x + 100.0, y + 100.0).ravel())
    return [_clipped(squares, community) for community in city.communities]


def _hexagons(city: City) -> list[Objects]:
    """H3 cells of resolution 10 (about 15,000 m²), cut at the communities' borders."""
    cells = []
    for community in city.communities:
        shape = h3.geo_to_h3shape(community)
        found = sorted(h3.h3shape_to_cells_experimental(shape, 10, "overlap"))
        hexagons = [
            shapely.Polygon([(lon, lat) for lat, lon in h3.cell_to_boundary(k)]) for k in found
        ]
        cells.append(_clipped(np.array(hexagons), community))
    return cells


def _clipped(shapes: Objects, community: object) -> Objects:
    inside = shapely.intersection(shapes[shapely.intersects(shapes, community)], community)
    return np.asarray(inside[shapely.area(inside) > 0])


def _equal(city: City) -> list[Objects]:
    return [np.array(grid.cells) for grid in grid_communities(list(city.communities))]


def _along(city: City) -> list[Objects]:
    barriers = barriers_of(*map(list, (city.lines, city.buildings, city.parts)))
    grids = grid_city(list(city.communities), barriers=barriers, progress=_tell)
    return [np.array(one.grid.cells) for one in grids]


_WAYS: Sequence[tuple[str, Callable[[City], list[Objects]]]] = (
    ("square fishnet, 100 m", _fishnet),
    ("H3, resolution 10", _hexagons),
    ("equal-area bisection", _equal),
    ("following the city", _along),
)


def _tell(done: int, of: int) -> None:
    if done % 50 == 0 or done == of:
        sys.stderr.write(f"  {done:,} of {of:,} communities\n")


def _cpu_s() -> float:
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def _cut(name: str, way: Callable[[City], list[Objects]], city: City) -> _Way:
    sys.stderr.write(f"{name} ...\n")
    began, cpu = time.perf_counter(), _cpu_s()
    cells = way(city)
    return _Way(name, cells, time.perf_counter() - began, _cpu_s() - cpu)


def _measured(way: _Way, city: City, sample: NDArray[np.int64]) -> _Row:
    every = np.concatenate(way.cells)
    area = area_m2(every)
    flat = PLANE.project(every)
    compact = 4 * math.pi * shapely.area(flat) / shapely.length(flat) ** 2
    trees = [shapely.STRtree(kind) for kind in (city.lines, city.buildings, city.parts)]
    border = along = 0.0
    cut = buildings = 0
    parts = []
    for number in sample.tolist():
        community, own = city.communities[number], way.cells[number]
        met = [
            kind[np.sort(tree.query(community, predicate="intersects"))]
            for kind, tree in zip((city.lines, city.buildings, city.parts), trees, strict=True)
        ]
        fit = metrics_of(community, own, area_m2(own), 10_000.0, *met)
        border += fit.border_m
        along += fit.on_barrier_m
        cut += fit.cut_buildings
        buildings += fit.buildings
        parts.append(fit.parts)
    load = np.concatenate(parts)
    uncovered = sum(
        not shapely.coverage_is_valid(own)
        or abs(float(area_m2(own).sum()) / float(area_m2(community)) - 1) > 1e-9
        for community, own in zip(city.communities, way.cells, strict=True)
    )
    return _Row(
        way.name,
        len(every),
        float(np.mean(np.abs(area / 10_000 - 1) <= 0.1)),
        float(area.min()),
        float(area.max()),
        int(((area < 3_000) | (area > 20_000)).sum()),
        cut,
        buildings,
        along / border,
        float(np.median(compact)),
        float(np.quantile(compact, 0.05)),
        float(load.std() / load.mean()),
        uncovered + (not shapely.coverage_is_valid(every)),
        way.seconds,
        way.cpu_s,
    )


def _page(rows: Sequence[_Row], city: City, sampled: int, command: str) -> str:
    head = (
        "| | cells | within ±10 % of 10,000 m² | smallest m² | largest m² | "
        "outside 3,000-20,000 m² | "
        "buildings cut | border on a line | compactness, median | 5 % quantile | parts, spread | "
        "not watertight | seconds | CPU s |\n|---" + "|---:" * 13 + "|\n"
    )
    body = "".join(
        f"| {row.name} | {row.cells:,} | {row.near:.1%} | {row.least:,.0f} | {row.most:,.0f} | "
        f"{row.out:,} | {row.cut:,} of {row.buildings:,} | {row.along:.1%} | {row.compact:.3f} | "
        f"{row.least_compact:.3f} | {row.uneven:.2f} | {row.uncovered:,} | {row.seconds:.1f} | "
        f"{row.cpu_s:.1f} |\n"
        for row in rows
    )
    return (
        f"{NAVIGATION}\n\n# Unit grids compared\n\n"
        f"`{command}`, {os.cpu_count()} cores: a made-up city of {len(city.communities):,} "
        f"communities with {len(city.buildings):,} buildings, {len(city.lines):,} lines and "
        f"{len(city.parts):,} parts, cut four ways. Fishnet and hexagons are cut at the "
        "communities' borders, as unit grids must not cross them.\n\n"
        f"{head}{body}\n"
        f"Buildings, borders and parts are measured in {sampled:,} communities, all else in all. "
        "*Buildings cut*: of those wholly inside a community, those in more "
        "than one cell. *Border on a line*: share of the length of cell borders inside communities "
        "that lies within 1 m of a street, wall or river. *Compactness*: Polsby-Popper (square "
        "0.785). *Parts, spread*: standard deviation over mean of the parts in a cell. *Not "
        "watertight*: "
        "communities whose cells are no valid coverage or do not sum to its area within 1e-9, and "
        "one more if the cells of all together are no valid coverage. *Seconds* and *CPU s*: of "
        "cutting alone (following the city: with its measuring), with whatever else the machine "
        "did.\n\n"
        f"![A community cut four ways]({_PICTURE})\n\n"
        "Grey: buildings; blue: streets, walls, river; red: cells.\n"
    )


def _draw(ways: Sequence[_Way], city: City, shown: int, path: Path) -> None:
    import matplotlib  # only this page needs it

    matplotlib.use("Agg")
    from matplotlib import pyplot

    community = city.communities[shown]
    west, south, east, north = shapely.bounds(PLANE.project(community))
    figure, axes = pyplot.subplots(2, 2, figsize=(15, 15 * (north - south) / (east - west) + 0.6))
    for way, axis in zip(ways, axes.ravel(), strict=True):
        for house in PLANE.project(city.buildings[shapely.intersects(city.buildings, community)]):
            axis.fill(*house.exterior.xy, color="#b5b0a8", lw=0)
        for line in PLANE.project(city.lines[shapely.intersects(city.lines, community)]):
            axis.plot(*line.xy, color="#8db4d8", lw=3)
        for cell in PLANE.project(way.cells[shown]):
            for part in shapely.get_parts(cell):
                axis.plot(*part.exterior.xy, color="#c8553d", lw=1.3)
        axis.set(
            aspect="equal", xlim=(west - 8, east + 8), ylim=(south - 8, north + 8),
            xticks=[], yticks=[], title=way.name,
        )  # fmt: skip
    figure.tight_layout()
    figure.savefig(path, dpi=70)
    pyplot.close(figure)


def main() -> None:
    """Cut, measure, write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.unit_grids", description=__doc__)
    parser.add_argument("--rows", type=int, default=26, help="rows of communities (26)")
    parser.add_argument("--columns", type=int, default=40, help="columns of communities (40)")
    parser.add_argument("--seed", type=int, default=7, help="of the city (7)")
    parser.add_argument(
        "--sample", type=int, help="communities whose buildings, borders and parts count (all)"
    )
    parser.add_argument(
        "--page",
        type=Path,
        default=_ROOT / "docs" / "unit-grids-comparison.md",
        help="what to write",
    )
    chosen = parser.parse_args()
    city = make_city(chosen.seed, chosen.rows, chosen.columns)
    count = len(city.communities)
    sys.stderr.write(f"{count:,} communities, {len(city.buildings):,} buildings\n")
    sampled = min(chosen.sample or count, count)
    sample = np.unique(np.linspace(0, count - 1, sampled).astype(np.int64))
    ways = [_cut(name, way, city) for name, way in _WAYS]
    rows = [_measured(way, city, sample) for way in ways]
    command = " ".join(["python -m benchmarks.unit_grids", *sys.argv[1:]])
    (chosen.page.parent / _PICTURE).parent.mkdir(parents=True, exist_ok=True)
    chosen.page.write_text(_page(rows, city, len(sample), command), encoding="utf-8")
    _draw(ways, city, min(_SHOWN, count - 1), chosen.page.parent / _PICTURE)
    sys.stderr.write(f"Wrote {chosen.page}.\n")


if __name__ == "__main__":
    main()
