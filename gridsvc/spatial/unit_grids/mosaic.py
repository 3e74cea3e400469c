"""A community in small pieces that no cell has to cut: each building whole, lines between pieces.

The ground is parted along the lines and, between them, along the middle of the gaps between
buildings and a loose raster of open ground (Voronoi). All is noded together on a grid of 1 mm.
Pieces that hold bits of one building are joined, whatever the lines did.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Polygon

from gridsvc.spatial.unit_grids.coverings import (
    PER_METRE,
    coverage_edges,
    join_narrow,
    lie_on,
    union_find,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Objects = NDArray[np.object_]

FREE, BARRIER, WALL = 0, 1, 2

# Buildings nearer to each other than this touch: cells may part them along the wall itself.
_TOUCH_M = 0.3
# How far apart the outline of a building is sampled; of one that has a near neighbour.
_SAMPLE_M, _FINE_SAMPLE_M, _NEAR_M = 6.0, 1.5, 6.0
# Open ground this near to a building belongs to it.
_OWN_M = 6.0
# Pieces smaller or narrower than this are given to a neighbour.
_LEAST_M2, _LEAST_WIDTH_M = 60.0, 3.0
# What a metre of border on a barrier counts against one elsewhere, when pieces are joined.
_ACROSS, _JOININGS = 0.3, 4
# A block narrower than this is a strip.
_STRIP_M = 14.0


@dataclass(frozen=True, slots=True, eq=False)
class Mosaic:
    """Pieces and the edges between them, in a metric plane.

    ``xy``: float64 (v, 2), vertices, whole millimetres. Edges run from ``start`` to ``end``
    (int64 (e,)) with piece ``left`` and ``right`` (int64; -1: outside the community); ``kind``
    (int8): FREE, BARRIER or WALL; ``length_m``: float64 (e,). ``area_m2``, ``centre``: float64
    (p,) and (p, 2), of the pieces. ``faces``: the polygons, ``piece``: int64, the piece of each.
    """

    xy: Floats
    start: Ints
    end: Ints
    left: Ints
    right: Ints
    kind: NDArray[np.int8]
    length_m: Floats
    area_m2: Floats
    centre: Floats
    faces: Objects
    piece: Ints


def mosaic_of(
    ground: Polygon, lines: Objects, buildings: Objects, step_m: float, angle: float
) -> Mosaic:
    """Part a polygon (metric plane) by lines and around buildings.

    ``step_m``: the raster of open ground, turned by ``angle`` (radians).
    """
    buildings = _apart(buildings)
    touching = _touching(buildings)
    cuts = _open_lines(_without_strips(ground, lines), buildings)
    between = _between(ground, buildings, step_m, angle)
    walls = shapely.boundary(buildings[touching])
    if touching.any():
        between = _open_lines(between, buildings[touching])
    everything = np.concatenate([[ground.boundary], cuts, walls, between])
    noded = shapely.union_all(everything, grid_size=1 / PER_METRE)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    shapely.prepare(ground)
    inner = shapely.get_coordinates(shapely.point_on_surface(faces))
    faces = shapely.orient_polygons(faces[shapely.contains_xy(ground, inner)])
    piece = _whole_buildings(faces, buildings)
    xy, start, end, left, right = coverage_edges(faces)
    middle = shapely.points((xy[start] + xy[end]) / 2)
    kind = np.zeros(len(start), dtype=np.int8)
    kind[lie_on(middle, walls)] = WALL
    kind[lie_on(middle, cuts)] = BARRIER
    length = np.hypot(*(xy[end] - xy[start]).T)
    worth = np.where(kind == BARRIER, _ACROSS, 1.0)
    for _ in range(_JOININGS):
        piece = join_narrow(faces, piece, left, right, worth, length, _LEAST_M2, _LEAST_WIDTH_M)
    area = shapely.area(faces)
    whole = np.bincount(piece, weights=area).astype(np.float64)
    middle_of = shapely.get_coordinates(shapely.centroid(faces))
    centre = np.column_stack(
        [np.bincount(piece, weights=area * middle_of[:, axis]) / whole for axis in (0, 1)]
    )
    outside = np.append(piece, -1)
    return Mosaic(
        xy, start, end, outside[left], outside[right], kind, length, whole, centre, faces, piece
    )


def _apart(buildings: Objects) -> Objects:
    """Buildings that overlap become one; doubles go with it."""
    if not len(buildings):
        return buildings
    a, b = shapely.STRtree(buildings).query(buildings, predicate="intersects")
    a, b = a[a < b], b[a < b]
    deep = shapely.area(shapely.intersection(buildings[a], buildings[b])) > 0.05
    group = union_find(len(buildings), a[deep], b[deep])
    if group.max() + 1 == len(buildings):
        return buildings
    joined = np.empty(group.max() + 1, dtype=object)
    for number in range(len(joined)):
        own = buildings[group == number]
        joined[number] = own[0] if len(own) == 1 else shapely.union_all(own)
    return joined


def _touching(buildings: Objects) -> NDArray[np.bool_]:
    touching = np.zeros(len(buildings), dtype=bool)
    if len(buildings):
        a, b = shapely.STRtree(buildings).query(buildings, predicate="dwithin", distance=_TOUCH_M)
        touching[a[a != b]] = True
    return touching


def _without_strips(ground: Polygon, lines: Objects) -> Objects:
    """Lines without one side of each narrow strip, as between a street and the wall beside it.

    The strip goes with the block that it borders on most: one line stays, not two.
    """
    if not len(lines):
        return lines
    noded = shapely.union_all([ground.boundary, *lines], grid_size=1 / PER_METRE)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    inner = shapely.get_coordinates(shapely.point_on_surface(faces))
    faces = faces[shapely.contains_xy(ground, inner)]
    if len(faces) < 2:
        return lines
    xy, start, end, left, right = coverage_edges(faces)
    length = np.hypot(*(xy[end] - xy[start]).T)
    block = np.arange(len(faces), dtype=np.int64)
    for _ in range(3):
        joined = join_narrow(faces, block, left, right, np.ones(len(left)), length, 0.0, _STRIP_M)
        if joined.max() == block.max():
            break
        block = joined
    gone = (right >= 0) & (block[left] == block[np.maximum(right, 0)])
    if not gone.any():
        return lines
    dropped = shapely.linestrings(np.stack([xy[start[gone]], xy[end[gone]]], axis=1))
    kept = shapely.difference(
        shapely.union_all(lines, grid_size=1 / PER_METRE),
        shapely.union_all(dropped),
        grid_size=1 / PER_METRE,
    )
    return np.asarray(shapely.get_parts(shapely.line_merge(kept)))


def _open_lines(lines: Objects, buildings: Objects) -> Objects:
    """Lines without what runs through a building."""
    if not len(lines) or not len(buildings):
        return lines
    line, building = shapely.STRtree(buildings).query(lines, predicate="intersects")
    if not len(line):
        return lines
    hit, houses = np.unique(line), np.unique(building)
    # All in one overlay: one by one takes ten times as long.
    open_ground = shapely.difference(
        shapely.union_all(lines[hit]), shapely.union_all(buildings[houses])
    )
    parts = shapely.get_parts(open_ground)
    return np.concatenate([np.delete(lines, hit), parts[~shapely.is_empty(parts)]])


def _between(ground: Polygon, buildings: Objects, step_m: float, angle: float) -> Objects:
    """Lines halfway between buildings and the raster of open ground."""
    points, label = [], []
    if len(buildings):
        tree = shapely.STRtree(buildings)
        a, b = tree.query(buildings, predicate="dwithin", distance=_NEAR_M)
        crowded = np.bincount(a[a != b], minlength=len(buildings)) > 0
        step = np.where(crowded, _FINE_SAMPLE_M, _SAMPLE_M)
        # Large buildings are sampled more loosely, so that their number stays within bounds.
        step = np.maximum(step, shapely.length(buildings) / 200)
        for spacing in np.unique(step):
            own = np.flatnonzero(step == spacing)
            xy, of = shapely.get_coordinates(
                shapely.segmentize(shapely.boundary(buildings[own]), spacing), return_index=True
            )
            points.append(xy)
            label.append(own[of])
    open_ground = _raster(ground, step_m, angle)
    if len(buildings):
        spot = shapely.points(open_ground)
        near = tree.query(spot, predicate="dwithin", distance=min(_OWN_M, step_m / 2))[0]
        open_ground = np.delete(open_ground, np.unique(near), axis=0)
    points.append(open_ground)
    label.append(np.arange(len(open_ground)) + len(buildings))
    xy, of = np.round(np.concatenate(points), 3), np.concatenate(label)
    xy, first = np.unique(xy, axis=0, return_index=True)
    of = of[first]
    if len(xy) < 2:
        return np.empty(0, dtype=object)
    cells = shapely.get_parts(
        shapely.voronoi_polygons(shapely.MultiPoint(xy), extend_to=ground, ordered=True)
    )
    corners, a, b, left, right = coverage_edges(cells)
    apart = (right >= 0) & (of[left] != of[np.maximum(right, 0)])
    lines = shapely.linestrings(np.stack([corners[a[apart]], corners[b[apart]]], axis=1))
    shapely.prepare(ground)
    return np.asarray(lines[shapely.intersects(ground, lines)])


def _raster(ground: Polygon, step_m: float, angle: float) -> Floats:
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners = shapely.get_coordinates(ground.exterior) @ turn.T
    west, south = corners.min(axis=0)
    east, north = corners.max(axis=0)
    x = np.arange(west + step_m / 2, east, step_m)
    y = np.arange(south + step_m / 2, north, step_m)
    spots = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2) @ turn
    return np.asarray(spots[shapely.contains_xy(ground, spots)])


def _whole_buildings(faces: Objects, buildings: Objects) -> Ints:
    """Number the pieces: faces that share a building are one."""
    if not len(buildings):
        return np.arange(len(faces), dtype=np.int64)
    building, face = shapely.STRtree(faces).query(buildings, predicate="intersects")
    several = np.bincount(building, minlength=len(buildings))[building] > 1
    building, face = building[several], face[several]
    held = shapely.area(shapely.intersection(buildings[building], faces[face])) > 0.01
    building, face = building[held], face[held]
    same = building[1:] == building[:-1]
    return union_find(len(faces), face[:-1][same], face[1:][same])
