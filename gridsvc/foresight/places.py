"""The places that reports are counted in: the unit grids of a district, or H3 cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.spatial.neighbourhoods import neighbourhoods
from gridsvc.spatial.plane import MetricPlane

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

UNIT_GRID = "unit_grid"


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Places by their codes, in the order of these; ``shapes`` (n,) are polygons, WGS84."""

    codes: tuple[str, ...]
    shapes: NDArray[np.object_]

    def around(self, plane: MetricPlane, most: int) -> Ints:
        """The nearest places of each, as :func:`neighbourhoods` gives them."""
        middles = shapely.centroid(plane.project(self.shapes))
        return neighbourhoods(shapely.get_coordinates(middles), most)

    def outline(self, numbers: Iterable[int]) -> shapely.MultiPolygon:
        """The ground of some of the places."""
        ground = shapely.union_all(self.shapes[list(numbers)])
        parts = shapely.get_parts(ground)
        return shapely.MultiPolygon([one for one in parts if shapely.get_dimensions(one) == 2])


def counted(cells: str, grids: Places, lon: Floats, lat: Floats) -> tuple[Places, Ints]:
    """The places of a kind, and the number of the place of each point (n,): -1 in none.

    ``cells`` is ``unit_grid``, whose places are ``grids``, or ``h3-`` and a resolution: those are
    the cells with a point and all around them up to the second ring, so that what surrounds a hot
    cell is known though nobody reported there.
    """
    if cells == UNIT_GRID:
        return grids, _in_polygons(grids.shapes, lon, lat)
    return _in_cells(int(cells.removeprefix("h3-")), lon, lat)


def h3_shapes(codes: Sequence[str]) -> NDArray[np.object_]:
    """The polygons of H3 cells (n,), WGS84."""
    import h3  # a tenth of a second that only who counts in its cells waits for

    rings = [[(x, y) for y, x in h3.cell_to_boundary(one)] for one in codes]
    return np.array([shapely.Polygon(ring) for ring in rings], dtype=object)


def h3_areas_km2(codes: Sequence[str]) -> Floats:
    """The areas of H3 cells (n,) on the sphere, km²."""
    import h3

    return np.array([h3.cell_area(one, "km^2") for one in codes])


def h3_cells(resolution: int, lon: Floats, lat: Floats) -> NDArray[np.uint64]:
    """The H3 cell of each point (n,), as its number."""
    import h3.api.numpy_int as h3

    cell = h3.latlng_to_cell
    found = (cell(y, x, resolution) for y, x in zip(lat.tolist(), lon.tolist(), strict=True))
    return np.fromiter(found, dtype=np.uint64, count=len(lon))


def _in_cells(resolution: int, lon: Floats, lat: Floats) -> tuple[Places, Ints]:
    import h3

    cells = h3_cells(resolution, lon, lat)
    own = np.unique(cells)
    every = {ring for one in own for ring in h3.grid_disk(h3.int_to_str(int(one)), 2)}
    codes = sorted(every)
    numbers = np.array([h3.str_to_int(one) for one in codes], dtype=np.uint64)
    order = np.argsort(numbers)
    at = order[np.searchsorted(numbers, cells, sorter=order)] if len(cells) else np.empty(0)
    return Places(tuple(codes), h3_shapes(codes)), at.astype(np.int32)


def _in_polygons(shapes: NDArray[np.object_], lon: Floats, lat: Floats) -> Ints:
    """The first of the polygons that has each point, its edge with it."""
    number = np.full(len(lon), -1, dtype=np.int32)
    if len(shapes) and len(lon):
        point, polygon = shapely.STRtree(shapes).query(
            shapely.points(lon, lat), predicate="intersects"
        )
        # Of several assignments to one element the last holds.
        order = np.argsort(-polygon, kind="stable")
        number[point[order]] = polygon[order]
    return number
