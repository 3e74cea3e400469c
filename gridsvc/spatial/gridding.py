"""A community becomes unit grids: cells of about 10,000 m² that fill it without gap or overlap.

Each connected part of a community is numbered (``outline``), cut into equal cells by chords
(``bisection``), and its cells are made rounder (``relaxation``). Then every vertex that a cut
made on an edge is given to the cells on the other side too, also to those of the neighbouring
community, so that the cells of all communities together are one coverage.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from gridsvc.errors import BadGeometry
from gridsvc.spatial.bisection import Cut, cut_into_cells
from gridsvc.spatial.ellipsoid import area_m2, length_m
from gridsvc.spatial.outline import Outline, close_slits, outline_of
from gridsvc.spatial.plane import metres_per_degree
from gridsvc.spatial.relaxation import node_cells, relax_cells

Point = tuple[float, float]
Edge = tuple[Point, Point]

# Two cuts of neighbouring communities that end on one edge nearer than this share a vertex.
_SAME_POINT_M = 0.05
_METRES_PER_DEGREE = 111_000.0


@dataclass(frozen=True, slots=True, eq=False)
class CommunityGrid:
    """The unit grids of one community, in the order of their serials.

    ``cells``: WGS84 polygons; cell k has the serial k + 1. ``area_m2``: float64 (n,), on
    the ellipsoid, with edges that are straight in degrees. ``compactness``: float64 (n,),
    Polsby-Popper, 4 pi area / perimeter² (circle 1, square 0.785, 2:1 rectangle 0.698).
    ``squareness``: float64 (n,), short side over long side of the smallest rectangle around the
    cell, at any angle. ``nominal_m2``: the size that was aimed at; ``enlarged``: whether it had
    to be more than what was asked for, because there are too few serials. ``outside_tolerance``:
    how many cells differ from ``nominal_m2`` by more than the tolerance.
    """

    cells: tuple[Polygon, ...]
    area_m2: NDArray[np.float64]
    compactness: NDArray[np.float64]
    squareness: NDArray[np.float64]
    nominal_m2: float
    enlarged: bool
    outside_tolerance: int


def grid_community(
    community: BaseGeometry,
    target_m2: float = 10_000.0,
    tolerance: float = 0.10,
    max_cells: int = 999,
) -> CommunityGrid:
    """Cut one community, as :func:`grid_communities` does."""
    return grid_communities([community], target_m2, tolerance, max_cells)[0]


def grid_communities(
    communities: Sequence[BaseGeometry],
    target_m2: float = 10_000.0,
    tolerance: float = 0.10,
    max_cells: int = 999,
    workers: int | None = None,
) -> list[CommunityGrid]:
    """Cut communities into unit grids; the answer has their order.

    ``communities``: WGS84 polygons or multipolygons, with holes and islands as they come, that
    are a coverage: neighbours have the same vertices along their border. (Where they do not,
    each community is still filled exactly, but the cells of both do not match there.)

    Every connected part is cut by itself into the whole number of equal cells that comes nearest
    to ``target_m2`` by ratio, at least one, so a small island is a cell of its own. From 45,500 m²
    on (5 cells) that is always within 10 %; a part of 15,000 m² has no such number and becomes
    two cells of 7,500 m². Where more than ``max_cells`` would be needed, cells are larger.

    The serial runs west to east, north to south inside one community (DB11/T 2157-2023). As
    cells are not squares of a raster, that is read as rows: the northernmost cell left over
    begins a row, which takes all cells whose centroid lies less than half a nominal side farther
    south, and numbers them from west to east.

    ``tolerance``: the share by which a cell may differ from the nominal size before it is counted
    in ``outside_tolerance``; it does not move any cut. ``workers``: threads, default by the
    machine; the answer does not depend on it. The same input gives the same bits.

    Raises BadGeometry for anything but valid, non-empty polygons, and for a community of more
    than ``max_cells`` separate parts.
    """
    parts: list[Polygon] = []
    owner: list[int] = []
    for number, community in enumerate(communities):
        for part in parts_of(community, number):
            parts.append(part)
            owner.append(number)
    areas: list[list[float]] = [[] for _ in communities]
    for number, area in zip(owner, area_m2(parts) if parts else (), strict=True):
        areas[number].append(float(area))
    nominal = [nominal_m2(areas[k], target_m2, max_cells, k) for k in range(len(communities))]
    counts = [cells_for(area, nominal[number]) for number, own in enumerate(areas) for area in own]

    with ThreadPoolExecutor(max_workers=workers) as threads:
        pieces = list(threads.map(_cut, parts, counts))
    shared = _shared_vertices(pieces)
    cells: list[list[Polygon]] = [[] for _ in communities]
    for number, (outline, cut) in zip(owner, pieces, strict=True):
        cells[number].extend(_cells_of(outline, cut, shared))
    return measured_grids(cells, nominal, target_m2, tolerance)


def parts_of(community: BaseGeometry, number: int) -> list[Polygon]:
    """Give the connected parts; BadGeometry, with the number, for what is not a sound area."""
    if community.is_empty or community.geom_type not in ("Polygon", "MultiPolygon"):
        raise BadGeometry(
            f"Community {number} of the list is"
            f" {'empty' if community.is_empty else community.geom_type}, not an area; give a"
            " polygon or multipolygon.",
            field="geometry",
        )
    if not community.is_valid:
        raise BadGeometry(
            f"Community {number} of the list is not valid ({shapely.is_valid_reason(community)});"
            " repair it before cutting.",
            field="geometry",
        )
    return list(shapely.get_parts(community))


def cells_for(area: float, nominal: float) -> int:
    """Give the number of cells whose size is nearest to the nominal one by ratio."""
    fewer = max(int(area / nominal), 1)
    return fewer if area / fewer / nominal <= nominal / (area / (fewer + 1)) else fewer + 1


def nominal_m2(areas: list[float], target_m2: float, max_cells: int, number: int) -> float:
    """Give the target, or the least size (in steps of 0.1 %) that needs no more than max_cells."""
    if len(areas) > max_cells:
        raise BadGeometry(
            f"Community {number} of the list has {len(areas)} separate parts, more than the"
            f" {max_cells} serials of one community; merge or drop the smallest.",
            field="geometry",
        )
    nominal = target_m2
    if sum(cells_for(area, nominal) for area in areas) > max_cells:
        nominal = max(sum(areas) / max_cells, target_m2)
        while sum(cells_for(area, nominal) for area in areas) > max_cells:
            nominal *= 1.001
    return nominal


def _cut(polygon: Polygon, cells: int) -> tuple[Outline, Cut]:
    outline = outline_of(polygon)
    cut = cut_into_cells(
        outline.x,
        outline.y,
        outline.ring,
        outline.roots,
        outline.root_from,
        outline.root_to,
        cells,
    )
    cut = node_cells(cut, outline.borders)
    if not outline.has_slits:
        cut = relax_cells(cut, len(outline.lonlat), outline.borders)
    return outline, cut


def _border_edge(outline: Outline, root: int) -> tuple[Edge, bool]:
    """Give a border edge with its ends in order, and whether it runs in that order."""
    a = tuple(outline.lonlat[outline.root_from[root]].tolist())
    b = tuple(outline.lonlat[outline.root_to[root]].tolist())
    return ((a, b), True) if a < b else ((b, a), False)


def _new_on_borders(outline: Outline, cut: Cut) -> Iterator[tuple[int, Edge, float]]:
    """Give each vertex made on a border: its number, the edge, and the position from 0 to 1."""
    on_border = (cut.vertex_root >= 0) & (cut.vertex_root < outline.borders)
    for vertex in np.flatnonzero(on_border).tolist():
        edge, forward = _border_edge(outline, int(cut.vertex_root[vertex]))
        at = float(cut.vertex_at[vertex])
        yield vertex, edge, at if forward else 1.0 - at


def _shared_vertices(pieces: list[tuple[Outline, Cut]]) -> dict[Edge, list[tuple[float, Point]]]:
    """Give for each border edge the vertices that cuts from either side made on it, in order."""
    made: dict[Edge, list[float]] = defaultdict(list)
    for outline, cut in pieces:
        for _, edge, at in _new_on_borders(outline, cut):
            made[edge].append(at)
    shared: dict[Edge, list[tuple[float, Point]]] = {}
    for ((ax, ay), (bx, by)), positions in made.items():
        same = _SAME_POINT_M / (math.hypot(bx - ax, by - ay) * _METRES_PER_DEGREE)
        kept: list[tuple[float, Point]] = []
        for at in sorted(positions):
            if not kept or at - kept[-1][0] > same:
                kept.append((at, (ax + at * (bx - ax), ay + at * (by - ay))))
        shared[(ax, ay), (bx, by)] = kept
    return shared


def _cells_of(
    outline: Outline, cut: Cut, shared: dict[Edge, list[tuple[float, Point]]]
) -> list[Polygon]:
    """Build the cells of one part, each with all vertices that lie on its edges."""
    given = len(outline.lonlat)
    lonlat = np.concatenate([outline.lonlat, outline.to_lonlat(cut.x[given:], cut.y[given:])])
    points: list[Point] = [(lon, lat) for lon, lat in lonlat.tolist()]
    at: list[float] = cut.vertex_at.tolist()
    # What lies on each border edge, from its first to its second end.
    on_root: dict[int, list[tuple[float, Point]]] = {}
    for root in range(outline.borders):
        edge, forward = _border_edge(outline, root)
        if edge in shared:
            kept = shared[edge]
            on_root[root] = kept if forward else [(1.0 - t, p) for t, p in reversed(kept)]
    roots: list[int] = cut.vertex_root.tolist()
    for vertex in range(given, len(points)):
        if 0 <= roots[vertex] < outline.borders:
            nearest = min((abs(t - at[vertex]), t, p) for t, p in on_root[roots[vertex]])
            _, at[vertex], points[vertex] = nearest

    first_ends: list[int] = cut.root_from.tolist()
    vertices: list[int] = cut.ring_vertex.tolist()
    ring_roots: list[int] = cut.ring_root.tolist()
    cells: list[Polygon] = []

    def position(vertex: int, root: int) -> float:
        if roots[vertex] == root:
            return at[vertex]
        return 0.0 if first_ends[root] == vertex else 1.0

    for begin, end in pairwise(cut.ring_start.tolist()):
        ring: list[Point] = []
        for k in range(begin, end):
            u = vertices[k]
            ring.append(points[u])
            root = ring_roots[k]
            if root in on_root:
                v = vertices[k + 1 if k + 1 < end else begin]
                a, b = position(u, root), position(v, root)
                ring.extend(p for t, p in on_root[root] if a < t < b)
        ring = [p for p, before in zip(ring, ring[-1:] + ring[:-1], strict=True) if p != before]
        if outline.has_slits:
            cells.extend(close_slits(ring))
        else:
            cells.append(Polygon(ring))
    return cells


def measured_grids(
    cells: list[list[Polygon]], nominal: list[float], target_m2: float, tolerance: float
) -> list[CommunityGrid]:
    """Number the cells of each community and measure them, all in one go."""
    every = np.array([cell for own in cells for cell in own], dtype=object)
    centroids = shapely.get_coordinates(shapely.centroid(every))
    # Each cell in a plane that is true to scale at its own middle.
    scale = np.array([metres_per_degree(lat) for lat in centroids[:, 1].tolist()]).reshape(-1, 2)
    xy, of_cell = shapely.get_coordinates(every, return_index=True)
    flat = shapely.set_coordinates(every.copy(), (xy - centroids[of_cell]) * scale[of_cell])
    area = area_m2(every)
    compactness = 4.0 * math.pi * area / length_m(shapely.boundary(every)) ** 2
    boxes = shapely.get_coordinates(shapely.oriented_envelope(flat)).reshape(-1, 5, 2)
    sides = np.hypot(*np.moveaxis(np.diff(boxes[:, :3], axis=1), 2, 0))
    squareness = sides.min(axis=1) / sides.max(axis=1)
    grids = []
    first = 0
    for own, size in zip(cells, nominal, strict=True):
        order = first + _serial_order(centroids[first : first + len(own)], math.sqrt(size))
        first += len(own)
        grids.append(
            CommunityGrid(
                tuple(every[order]),
                area[order],
                compactness[order],
                squareness[order],
                size,
                size > target_m2,
                int(np.count_nonzero(np.abs(area[order] / size - 1.0) > tolerance)),
            )
        )
    return grids


def _serial_order(centroids: NDArray[np.float64], side_m: float) -> NDArray[np.int64]:
    """Order cells, by their centroids in degrees, in rows from north to south, west to east."""
    lon, lat = centroids[:, 0], centroids[:, 1]
    band = side_m / 2 / _METRES_PER_DEGREE
    row = np.zeros(len(lat), dtype=np.int64)
    number = 0
    top = math.inf
    for cell in np.lexsort((lon, -lat)):
        if top - lat[cell] >= band:
            top = lat[cell]
            number += 1
        row[cell] = number
    return np.lexsort((lon, row))
