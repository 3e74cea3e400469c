"""One connected part of a community becomes cells that follow the city (WGS84 in and out).

The way: stations on its border (``stations``), pieces that nobody has to cut (``mosaic``), cells of
pieces (``division``), straight borders (``borders``), equal areas (``settling``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Polygon

from gridsvc.spatial.plane import LocalPlane
from gridsvc.spatial.unit_grids.anchoring import anchored
from gridsvc.spatial.unit_grids.borders import (
    Borders,
    contracted,
    segments_of,
    straightened,
)
from gridsvc.spatial.unit_grids.coverings import coverage_edges, lie_on
from gridsvc.spatial.unit_grids.division import divide
from gridsvc.spatial.unit_grids.exchange import exchange
from gridsvc.spatial.unit_grids.mosaic import (
    BARRIER,
    FREE,
    WALL,
    Mosaic,
    mosaic_of,
)
from gridsvc.spatial.unit_grids.settling import REACH_M, rails_of, segments_near, settle
from gridsvc.spatial.unit_grids.stations import with_stations

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Objects = NDArray[np.object_]

# What a metre of border along a barrier costs against one elsewhere.
_ALONG = 0.1
# The raster of open ground, for cells of 10,000 m²; how far a border may be straightened, tried in
# this order; and each time after it has settled.
_STEP_M, _OFF_M, _AFTER_M = 18.0, (12.0, 4.0, 1.0), (8.0, 4.0, 1.5)
# Where borders cannot be drawn, others are looked for, in directions turned by this (radians).
_TURNS = (0.0, 0.13, 0.05, 0.2)
# So deep inside a building a border cuts it.
_INSIDE_M = 0.02
# A smaller cell, against the nominal size, is joined to another; no cell made so is larger.
_SCRAP, _MOST = 0.31, 1.95


def cut_along(
    polygon: Polygon, lines: Objects, buildings: Objects, parts: Objects, cells: int
) -> list[Polygon]:
    """Cut a valid WGS84 polygon into about ``cells`` cells, a coverage that fills it exactly.

    ``lines``, ``buildings``, ``parts``: at least all that come within 2 m of it. Fewer cells come
    out where buildings leave no choice.
    """
    stationed = with_stations(polygon, lines)
    while cells > 1:
        made = _cut(stationed, lines, buildings, parts, cells)
        if made is not None:
            return made
        # Not every border could be joined to the community's: fewer cells have fewer ends there.
        cells = cells * 3 // 4
    return [stationed]


def _cut(
    stationed: Polygon, lines: Objects, buildings: Objects, parts: Objects, cells: int
) -> list[Polygon] | None:
    plane = LocalPlane.amid(stationed.bounds)
    ground = plane.project(np.array([stationed]))[0]
    shapely.prepare(ground)
    lines, buildings, parts = (plane.project(shapes) for shapes in (lines, buildings, parts))
    lines = _in_millimetres(lines[shapely.intersects(ground, lines)])
    buildings = _in_millimetres(buildings[shapely.intersects(ground, buildings)])
    angle = _main_direction(ground, lines)
    nominal = ground.area / cells
    mosaic = mosaic_of(ground, lines, buildings, _STEP_M * math.sqrt(nominal / 10_000), angle)
    rings = [np.array(ring.coords) for ring in (stationed.exterior, *stationed.interiors)]
    site = _Site(plane, ground, rings, lines, buildings)
    for turn in _TURNS:
        cell = _cells_of_pieces(mosaic, parts, cells, angle + turn)
        for off_m in _OFF_M:
            made = site.cells(mosaic, cell, nominal, off_m * math.sqrt(nominal / 10_000))
            if made is not None:
                return made
    return None


def _in_millimetres(shapes: Objects) -> Objects:
    """Round to the grid of the mosaic; what falls together or turns invalid by it is repaired."""
    rounded = shapely.transform(shapes, lambda xy: np.round(xy, 3))
    broken = ~shapely.is_valid(rounded)
    rounded[broken] = shapely.buffer(rounded[broken], 0.0)
    return np.asarray(rounded[~shapely.is_empty(rounded)])


def _main_direction(ground: Polygon, lines: Objects) -> float:
    """The direction, modulo a right angle, of most of the lines and of the border (radians)."""
    table = np.concatenate([segments_of(np.array([ground])), segments_of(lines)])
    run = table[:, 2:] - table[:, :2]
    turned = 4 * np.arctan2(run[:, 1], run[:, 0])
    weight = np.hypot(*run.T)
    return math.atan2(float(weight @ np.sin(turned)), float(weight @ np.cos(turned))) / 4


def _cells_of_pieces(mosaic: Mosaic, parts: Objects, cells: int, angle: float) -> Ints:
    """Give the cell of each piece."""
    pieces = len(mosaic.area_m2)
    held = np.zeros(pieces)
    if len(parts):
        point, face = shapely.STRtree(mosaic.faces).query(parts, predicate="intersects")
        first = np.append(True, np.diff(point) > 0)
        held = np.bincount(mosaic.piece[face[first]], minlength=pieces).astype(np.float64)
    inner = (mosaic.right >= 0) & (mosaic.left != mosaic.right)
    a, b = mosaic.left[inner], mosaic.right[inner]
    cost = mosaic.length_m[inner] * np.where(mosaic.kind[inner] == BARRIER, _ALONG, 1.0)
    pair, which = np.unique(np.concatenate([a * pieces + b, b * pieces + a]), return_inverse=True)
    width = np.bincount(which, weights=np.concatenate([cost, cost]), minlength=len(pair)).astype(
        np.float64
    )
    begin = np.searchsorted(pair // pieces, np.arange(pieces + 1))
    other = pair % pieces
    cell = divide(begin, other, width, mosaic.area_m2, mosaic.centre, held, cells, angle)
    return np.asarray(exchange(begin, other, width, mosaic.area_m2, held, cell, cells))


@dataclass(frozen=True, slots=True, eq=False)
class _Site:
    """What does not change while borders are drawn: the community and what is in it."""

    plane: LocalPlane
    ground: Polygon
    rings: list[Floats]
    lines: Objects
    buildings: Objects

    def cells(
        self, mosaic: Mosaic, cell: Ints, nominal: float, off_m: float
    ) -> list[Polygon] | None:
        """Draw the cells, or None where the borders cannot be joined to the community's."""
        outline = segments_of(np.array([self.ground]))
        # A little smaller than they are, so that a border along a wall does not meet its corners.
        walls = segments_of(shapely.buffer(self.buildings, -_INSIDE_M, join_style="mitre"))
        inner = mosaic.right >= 0
        parted = np.zeros(len(inner), dtype=bool)
        parted[inner] = cell[mosaic.left[inner]] != cell[mosaic.right[inner]]
        edge_ends = np.unique([mosaic.start[~inner], mosaic.end[~inner]])
        raw = Borders(mosaic.xy, mosaic.start[parted], mosaic.end[parted], mosaic.kind[parted])
        ends = np.intersect1d(edge_ends, np.concatenate([raw.start, raw.end]))
        straight = straightened(
            contracted(raw, ends, walls), set(ends.tolist()), outline, walls, off_m
        )
        joined = anchored(straight, ends, outline, outline[:, :2], walls)
        if joined is None:
            return None
        found = len(np.unique(cell))
        faces = self._faces(joined.xy[joined.start], joined.xy[joined.end], outline)
        if len(faces) != found or not shapely.is_valid(faces).all():
            return None
        for after_m in _AFTER_M:
            faces = self._settled(faces, nominal, outline, walls, found, after_m)
        return self._in_degrees(_without_scraps(faces, nominal))

    def _faces(self, a: Floats, b: Floats, outline: Floats) -> Objects:
        """Cells from borders (both ends of each) and the outline."""
        every = np.concatenate([np.concatenate([a, b], axis=1), outline]).reshape(-1, 2, 2)
        faces = shapely.get_parts(shapely.polygonize(shapely.linestrings(every)))
        inner = shapely.get_coordinates(shapely.point_on_surface(faces))
        return np.asarray(faces[shapely.contains_xy(self.ground, inner)])

    def _settled(
        self,
        faces: Objects,
        nominal: float,
        outline: Floats,
        walls: Floats,
        found: int,
        off_m: float,
    ) -> Objects:
        """Let the vertices of cells settle; the cells as they were if that breaks them."""
        xy, start, end, left, right = coverage_edges(faces)
        middle = shapely.points((xy[start] + xy[end]) / 2)
        kind = np.full(len(start), FREE, dtype=np.int8)
        kind[lie_on(middle, shapely.boundary(self.buildings))] = WALL
        kind[lie_on(middle, self.lines)] = BARRIER
        rail = rails_of(xy, start, end, right, kind)
        weight = np.where(right < 0, 0.0, np.where(kind == BARRIER, _ALONG, 1.0))
        order = np.argsort(np.concatenate([start, end]), kind="stable")
        edges = np.concatenate([np.arange(len(start))] * 2)[order]
        begin = np.searchsorted(np.concatenate([start, end])[order], np.arange(len(xy) + 1))
        runs = np.concatenate([xy[start], xy[end]], axis=1)
        near_begin, near = segments_near(xy, start, end, runs)
        wall_begin, wall = segments_near(xy, start, end, walls)
        moved = settle(
            xy, start, end, left, right, weight, begin, edges, rail, near_begin, near,
            wall_begin, wall, walls, shapely.area(faces), nominal, REACH_M,
        )  # fmt: skip
        inner = right >= 0
        borders = Borders(moved, start[inner], end[inner], kind[inner])
        fixed = np.unique([start[~inner], end[~inner]])
        borders = straightened(borders, set(fixed.tolist()), outline, walls, off_m)
        now = self._faces(moved[borders.start], moved[borders.end], outline)
        sound = len(now) == found and bool(shapely.is_valid(now).all())
        return now if sound else faces

    def _in_degrees(self, faces: Objects) -> list[Polygon]:
        """Transform cells to WGS84, with the community's own vertices bit by bit."""
        own = np.concatenate(self.rings)
        place = {
            spot: tuple(lonlat)
            for spot, lonlat in zip(
                map(tuple, shapely.get_coordinates(self.ground).tolist()), own.tolist(), strict=True
            )
        }

        def vertices(xy: Floats) -> Floats:
            lonlat = self.plane.lonlat(xy)
            for k, spot in enumerate(map(tuple, xy.tolist())):
                if spot in place:
                    lonlat[k] = place[spot]
            return lonlat

        return list(shapely.transform(faces, vertices))


def _without_scraps(faces: Objects, nominal: float) -> Objects:
    """Give each cell too small for a unit grid to the neighbour with which it stays small enough.

    Where the city leaves no room for a cell of its own there is one cell less.
    """
    while True:
        area = shapely.area(faces)
        joined = None
        for small in np.argsort(area, kind="stable").tolist():
            if area[small] >= _SCRAP * nominal:
                break
            _, _, _, left, right = coverage_edges(faces)
            beside = np.unique(np.concatenate([right[left == small], left[right == small]]))
            beside = beside[(beside >= 0) & (beside != small)]
            fits = beside[area[beside] + area[small] < _MOST * nominal]
            if len(fits):
                joined = small, int(fits[np.argmin(area[fits])])
                break
        if joined is None:
            return faces
        whole = shapely.coverage_union_all(faces[list(joined)])
        faces = np.append(np.delete(faces, joined), shapely.get_parts(whole))
