"""Unit grids that follow the city: cells along roads, walls and rivers that cut no building.

Without barriers it is the equal-area partition of ``gridding``, bit for bit. With them each
community is cut by itself, so a change in one leaves the cells of all others as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gridsvc.errors import BadGeometry
from gridsvc.spatial.gridding import CommunityGrid, grid_communities

__all__ = ["Barriers", "CityFit", "CityGrid", "barriers_of", "grid_city"]


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
class CityFit:
    """How the cells of one community fit the city around them.

    ``parts``: int64 (cells,), the parts in each cell. ``border_m``: the length of cell borders
    inside the community; ``on_barrier_m``: how much of it lies within 1 m of a barrier.
    ``barrier_m``: the length of barriers inside the community (1 m off its border or more);
    ``barrier_used_m``: how much of it has a cell border within 1 m. ``buildings``: those wholly
    inside; ``cut_buildings``: those of them that lie in more than one cell; ``astride_buildings``:
    those that the community's own border cuts. ``forced``: cells outside 3,000 to 20,000 m² that a
    single building or the size of the community leaves no choice about.
    """

    parts: NDArray[np.int64]
    border_m: float
    on_barrier_m: float
    barrier_m: float
    barrier_used_m: float
    buildings: int
    cut_buildings: int
    astride_buildings: int
    forced: int


@dataclass(frozen=True, slots=True, eq=False)
class CityGrid:
    """The unit grids of one community and, where barriers were given, how they fit the city."""

    grid: CommunityGrid
    fit: CityFit | None


def barriers_of(
    lines: Sequence[Any] = (), buildings: Sequence[Any] = (), parts: Sequence[Any] = ()
) -> Barriers:
    """Check what a city gives and make it barriers; all in WGS84 degrees.

    ``lines`` may be LineStrings and MultiLineStrings, ``parts`` Points and MultiPoints.

    Raises BadGeometry, with the number of the geometry in its list, for what is missing, empty, of
    another type, has a coordinate that is no finite number, or is an invalid polygon.
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
                f"Number {number} of the {name} is {what}: give {' or '.join(types)}.", field=name
            )
        shapes[number] = shape
    xy, of = shapely.get_coordinates(shapes, return_index=True)
    empty = shapely.is_empty(shapes)
    if empty.any():
        raise BadGeometry(
            f"Number {int(np.argmax(empty))} of the {name} is empty: leave it out.", field=name
        )
    odd = ~np.isfinite(xy).all(axis=1)
    if odd.any():
        raise BadGeometry(
            f"Number {int(of[np.argmax(odd)])} of the {name} has a coordinate that is no finite "
            "number: mend it or leave it out.",
            field=name,
        )
    far = (np.abs(xy) > [180.0, 90.0]).any(axis=1)
    if far.any():
        raise BadGeometry(
            f"Number {int(of[np.argmax(far)])} of the {name} is not in degrees of longitude and "
            "latitude (WGS84): convert it first.",
            field=name,
        )
    broken = ~shapely.is_valid(shapes)
    if name == "buildings" and broken.any():
        number = int(np.argmax(broken))
        raise BadGeometry(
            f"Number {number} of the buildings is not valid "
            f"({shapely.is_valid_reason(shapes[number])}): mend it or leave it out.",
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
        len(barriers.lines) + len(barriers.buildings) + len(barriers.parts)
    ):
        grids = grid_communities(communities, target_m2, tolerance, max_cells, workers)
        return [CityGrid(grid, None) for grid in grids]
    raise BadGeometry("Barriers are not followed yet.")
