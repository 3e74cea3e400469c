"""Unit grids that follow the city: cells along roads, walls and rivers that cut no building.

Without barriers it is the equal-area partition of ``gridding``, bit for bit. With them each
community is cut by itself, so a change in one leaves the cells of all others as they were.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from gridsvc.errors import BadGeometry
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.gridding import (
    CommunityGrid,
    cells_for,
    grid_communities,
    measured_grids,
    nominal_m2,
    parts_of,
)
from gridsvc.spatial.unit_grids.community import cut_along
from gridsvc.spatial.unit_grids.metrics import Metrics, metrics_of

__all__ = ["Barriers", "CityGrid", "Metrics", "barriers_of", "grid_city"]

# How far around a community's box barriers are looked for, in degrees (about 4 m).
_AROUND = 4e-5
# Fewer communities than this are not worth starting processes for.
_WORTH_PROCESSES = 16


@dataclass(frozen=True, slots=True, eq=False)
class Barriers:
    """What cells have to respect, in WGS84; made and checked by :func:`barriers_of`.

    ``lines``: LineStrings (roads, walls, rivers). ``buildings``: Polygons and MultiPolygons.
    ``parts``: Points. Each an object array (n,) of shapely geometries, possibly of length 0.
    """

    lines: NDArray[np.object_]
    buildings: NDArray[np.object_]
    parts: NDArray[np.object_]


@dataclass(frozen=True, slots=True, eq=False)
class CityGrid:
    """The unit grids of one community and, where barriers were given, how they fit the city."""

    grid: CommunityGrid
    metrics: Metrics | None


def barriers_of(
    lines: Sequence[Any] = (), buildings: Sequence[Any] = (), parts: Sequence[Any] = ()
) -> Barriers:
    """Check what a city gives and make it barriers; all in WGS84 degrees.

    ``lines`` may be LineStrings and MultiLineStrings, ``parts`` Points and MultiPoints.

    Raises BadGeometry, with the number of the geometry in its list, for what is missing, empty, of
    another type, has a coordinate that is not a finite number, or is an invalid polygon.
    """
    wanted = {
        "lines": (lines, ("LineString", "MultiLineString")),
        "buildings": (buildings, ("Polygon", "MultiPolygon")),
        "parts": (parts, ("Point", "MultiPoint")),
    }
    checked = {name: _checked(name, given, types) for name, (given, types) in wanted.items()}
    return Barriers(
        shapely.get_parts(checked["lines"]),
        checked["buildings"],
        shapely.get_parts(checked["parts"]),
    )


def _checked(name: str, given: Sequence[Any], types: tuple[str, ...]) -> NDArray[np.object_]:
    shapes = np.empty(len(given), dtype=object)
    for number, shape in enumerate(given):
        if not isinstance(shape, BaseGeometry) or shape.geom_type not in types:
            what = getattr(shape, "geom_type", type(shape).__name__)
            raise BadGeometry(
                f"Number {number} of the {name} is {what}; give {' or '.join(types)}.", field=name
            )
        shapes[number] = shape
    xy, of = shapely.get_coordinates(shapes, return_index=True)
    empty = shapely.is_empty(shapes)
    if empty.any():
        raise BadGeometry(
            f"Number {int(np.argmax(empty))} of the {name} is empty; leave it out.", field=name
        )
    odd = ~np.isfinite(xy).all(axis=1)
    if odd.any():
        raise BadGeometry(
            f"Number {int(of[np.argmax(odd)])} of the {name} has a coordinate that is not a finite"
            " number; correct it or leave it out.",
            field=name,
        )
    far = (np.abs(xy) > [180.0, 90.0]).any(axis=1)
    if far.any():
        raise BadGeometry(
            f"Number {int(of[np.argmax(far)])} of the {name} is not in degrees of longitude and"
            " latitude (WGS84); convert it first.",
            field=name,
        )
    broken = ~shapely.is_valid(shapes)
    if name == "buildings" and broken.any():
        number = int(np.argmax(broken))
        raise BadGeometry(
            f"Number {number} of the buildings is not valid"
            f" ({shapely.is_valid_reason(shapes[number])}); repair it or leave it out.",
            field=name,
        )
    return shapes


def grid_city(
    communities: Sequence[BaseGeometry],
    *,
    barriers: Barriers | None = None,
    target_m2: float = 10_000.0,
    tolerance: float = 0.10,
    max_cells: int = 999,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[CityGrid]:
    """Cut communities into unit grids that follow the city; the answer has their order.

    ``communities``, ``target_m2``, ``tolerance``, ``max_cells`` and the order of the serials are
    those of :func:`gridsvc.spatial.gridding.grid_communities`, whose answer, bit for bit, this is
    when ``barriers`` is None or has neither lines nor buildings nor parts.

    With barriers a community depends on nothing but its own outline and on the barriers that meet
    it: the cells of one community are the same bits whatever the others in the list are. So that
    neighbours still share every vertex, cells begin and end only at *stations* of the border:
    its own vertices, points about every 10 m between them, and where a line crosses it; all cells
    along the border carry them, on both sides.

    ``workers``: processes (default: the machine's cores; 1 starts none), ``progress``: called
    with communities done and in all. Neither moves a vertex.

    Raises BadGeometry as ``grid_communities`` does.
    """
    if barriers is None or not (
        len(barriers.lines) or len(barriers.buildings) or len(barriers.parts)
    ):
        grids = grid_communities(communities, target_m2, tolerance, max_cells, workers)
        return [CityGrid(grid, None) for grid in grids]
    jobs = _jobs(communities, barriers, target_m2, tolerance, max_cells)
    made: list[CityGrid] = []
    processes = min(workers or os.cpu_count() or 1, len(jobs))
    if processes < 2 or len(jobs) < _WORTH_PROCESSES:
        for done, job in enumerate(jobs, start=1):
            made.append(_grid(job))
            if progress is not None:
                progress(done, len(jobs))
        return made
    # Processes, as most of the work holds the GIL; spawned, as a fork beside threads may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        for done, city_grid in enumerate(pool.map(_grid, jobs, chunksize=4), start=1):
            made.append(city_grid)
            if progress is not None:
                progress(done, len(jobs))
    return made


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """One community with what meets it."""

    community: BaseGeometry
    number: int
    barriers: Barriers
    target_m2: float
    tolerance: float
    max_cells: int


def _jobs(
    communities: Sequence[BaseGeometry],
    barriers: Barriers,
    target_m2: float,
    tolerance: float,
    max_cells: int,
) -> list[_Job]:
    for number, community in enumerate(communities):
        parts_of(community, number)
    boxes = shapely.bounds(np.array(communities, dtype=object)).reshape(-1, 4)
    rooms = shapely.box(*(boxes + np.array([-_AROUND, -_AROUND, _AROUND, _AROUND])).T)
    near = [_meeting(rooms, kind) for kind in (barriers.lines, barriers.buildings, barriers.parts)]
    return [
        _Job(
            community,
            number,
            Barriers(near[0][number], near[1][number], near[2][number]),
            target_m2,
            tolerance,
            max_cells,
        )
        for number, community in enumerate(communities)
    ]


def _meeting(rooms: NDArray[np.object_], shapes: NDArray[np.object_]) -> list[NDArray[np.object_]]:
    """Those shapes that meet each box, in the order of their bits, so that theirs is no matter."""
    if not len(shapes):
        return [shapes] * len(rooms)
    room, shape = shapely.STRtree(shapes).query(rooms, predicate="intersects")
    found = []
    for number in range(len(rooms)):
        own = shapes[shape[room == number]]
        bits = np.array(shapely.to_wkb(own), dtype=object)
        found.append(own[np.unique(bits, return_index=True)[1]] if len(own) else own)
    return found


def _grid(job: _Job) -> CityGrid:
    lines, buildings, points = job.barriers.lines, job.barriers.buildings, job.barriers.parts
    grounds = parts_of(job.community, job.number)
    areas = [float(area) for area in area_m2(grounds)]
    nominal = nominal_m2(areas, job.target_m2, job.max_cells, job.number)
    cells: list[Polygon] = []
    for ground, area in zip(grounds, areas, strict=True):
        cells += cut_along(ground, lines, buildings, points, cells_for(area, nominal))
    [grid] = measured_grids([cells], [nominal], job.target_m2, job.tolerance)
    metrics = metrics_of(
        job.community, np.array(grid.cells), grid.area_m2, nominal, lines, buildings, points
    )
    return CityGrid(grid, metrics)
