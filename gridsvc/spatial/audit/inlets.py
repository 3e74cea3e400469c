"""Inlets: ground that no area claims, open to the outside by a narrow mouth between two areas.

The definition. Roll a disc whose diameter is the inlet width around the areas, in their plane. What
the disc cannot reach, and what lies behind that, is cut off by straight mouths from wall to wall,
none longer than the diameter. A place cut off like that is an inlet when

- at least two areas are its walls, so that it is between areas and not a notch in one, and
- its walls are at least three times as long as its mouths: a slot is deeper than wide, and the
  corner of less than 39 degrees between two areas counts, a blunt one does not.

A crack right through, open at both ends, is an inlet with two mouths.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.spatial.ellipsoid import distance_m
from gridsvc.spatial.plane import LocalPlane
from gridsvc.spatial.polygons import polygons_of

Floats = NDArray[np.float64]
Shapes = NDArray[np.object_]

#: Walls are at least so many times as long as mouths.
WALLS_TO_MOUTHS = 3.0
# A quarter circle has so many corners, so that a disc is round to 0.1 %.
_QUAD_SEGS = 32
# A mouth that ends within this part of the radius from a corner of the wall ends at the corner.
_TO_CORNER = 0.02
# Mouths reach this much into the walls, so that they meet them: 0.1 mm.
_INTO_WALL_DEG = 1e-9
# An edge of a place is of the wall that lies within 0.1 mm.
_ON_WALL_DEG = 1e-9


@dataclass(frozen=True, slots=True)
class Inlet:
    """Its ground (polygon, WGS84), its walls by their areas, the longest first, and its mouths."""

    geometry: Any
    members: tuple[int, ...]
    mouth_m: float


def find_inlets(
    outside: Sequence[Any], tree: shapely.STRtree, inlet_width_m: float
) -> Iterator[Inlet]:
    """The inlets of the ground around the areas.

    ``outside``: the unclaimed polygons (WGS84) that reach a frame around everything. ``tree`` holds
    the areas, valid, in order. ``inlet_width_m``: the longest mouth in metres; 0 finds none.
    """
    if inlet_width_m <= 0:
        return
    for ground in outside:
        mouths = _mouths(LocalPlane.amid(shapely.bounds(ground)), ground, inlet_width_m / 2)
        if mouths:
            yield from _behind(ground, mouths, tree)


def walls_of(geometry: Any, tree: shapely.STRtree) -> dict[int, float]:
    """The areas around some ground (polygon, WGS84), the longest border first, in metres."""
    return _by_area(*_edges(geometry), tree)


def _edges(geometry: Any) -> tuple[Shapes, Floats]:
    """The middles (WGS84) and metres of a polygon's edges."""
    xy, ring = shapely.get_coordinates(shapely.get_rings(geometry), return_index=True)
    start = np.flatnonzero(ring[:-1] == ring[1:])
    middles = shapely.points((xy[start] + xy[start + 1]) / 2)
    return middles, distance_m(*xy[start].T, *xy[start + 1].T)


def _by_area(middles: Shapes, metres: Floats, tree: shapely.STRtree) -> dict[int, float]:
    edge, area = tree.query(middles, predicate="dwithin", distance=_ON_WALL_DEG)
    lengths: dict[int, float] = {}
    for n, member in zip(edge.tolist(), area.tolist(), strict=True):
        lengths[member] = lengths.get(member, 0.0) + float(metres[n])
    # Borders of one length keep their order, whatever their last digits.
    return dict(sorted(lengths.items(), key=lambda it: (-round(it[1], 2), it[0])))


def _mouths(plane: LocalPlane, ground: Any, radius_m: float) -> list[Any]:
    """The straight mouths (lines, WGS84) of all that a disc cannot reach."""
    flat = plane.project(_with_margin(plane, ground, 4 * radius_m))
    free = shapely.buffer(flat, -radius_m, quad_segs=_QUAD_SEGS)
    reached = shapely.buffer(free, radius_m, quad_segs=_QUAD_SEGS)
    wall = shapely.boundary(flat)
    shapely.prepare(wall)
    ends = [end for arc in _arcs(reached, wall, radius_m) for end in (arc[0], arc[-1])]
    if not ends:
        return []
    at = _on_wall(plane, ground, np.array(ends), radius_m).reshape(-1, 2, 2)
    return list(shapely.linestrings(at[(at[:, 0] != at[:, 1]).any(axis=1)]))


def _on_wall(plane: LocalPlane, ground: Any, ends: Floats, radius_m: float) -> Floats:
    """Where mouths end: float64 (k, 2), metres in the plane, to degrees on the ground's edge."""
    xy, ring = shapely.get_coordinates(shapely.get_rings(ground), return_index=True)
    start = np.flatnonzero(ring[:-1] == ring[1:])
    corners = shapely.points(shapely.get_coordinates(plane.project(shapely.multipoints(xy))))
    sides = shapely.linestrings(
        np.stack([shapely.get_coordinates(corners[start + n]) for n in (0, 1)], axis=1)
    )
    points = shapely.points(ends)
    corner = shapely.STRtree(corners).nearest(points)
    side = sides[shapely.STRtree(sides).nearest(points)]
    along = shapely.line_interpolate_point(side, shapely.line_locate_point(side, points))
    at_corner = shapely.distance(points, corners[corner]) <= _TO_CORNER * radius_m
    on_side = plane.lonlat(shapely.get_coordinates(along))
    return np.where(at_corner[:, None], xy[corner], on_side)


def _with_margin(plane: LocalPlane, ground: Any, margin_m: float) -> Any:
    """The ground with its frame moved outwards: no disc is caught between frame and areas."""
    east, north = plane.lonlat(np.array([margin_m, margin_m])) - (plane.lon, plane.lat)
    x0, y0, x1, y1 = shapely.bounds(ground)
    frame = shapely.box(x0 - east, y0 - north, x1 + east, y1 + north)
    return shapely.union(ground, shapely.difference(frame, shapely.box(x0, y0, x1, y1)))


def _arcs(reached: Any, wall: Any, radius_m: float) -> Iterator[Floats]:
    """The stretches of the reached ground's edge that are off the wall: float64 (n, 2) each."""
    off_m = radius_m * 1e-5
    for ring in shapely.get_rings(polygons_of(reached)):
        xy = shapely.get_coordinates(ring)
        middle = shapely.points((xy[1:] + xy[:-1]) / 2)
        off = ~shapely.dwithin(wall, middle, off_m)
        if off.all() or not off.any():
            continue
        begin = int(np.flatnonzero(~off)[0])
        off, ends = np.roll(off, -begin), np.roll(xy[:-1], -begin, axis=0)
        ends = np.concatenate([ends, ends[:1]])
        change = np.flatnonzero(np.diff(np.concatenate([[False], off, [False]]).astype(int)))
        for first, last in change.reshape(-1, 2):
            yield ends[first : last + 1]


def _behind(ground: Any, mouths: Sequence[Any], tree: shapely.STRtree) -> Iterator[Inlet]:
    """What the mouths cut off from the ground, where it is an inlet."""
    longer = [_longer(mouth) for mouth in mouths]
    lines = shapely.union_all([shapely.boundary(ground), *longer])
    faces = polygons_of(shapely.polygonize(shapely.get_parts(lines)))
    faces = faces[shapely.within(shapely.point_on_surface(faces), ground)]
    if not len(faces):
        return
    open_face = int(np.argmax(shapely.area(shapely.envelope(faces))))
    places = polygons_of(shapely.union_all(np.delete(faces, open_face)))
    mouth_tree = shapely.STRtree(longer)
    for place in places:
        middles, metres = _edges(place)
        # Mouths inside a place are gone with the union; those on its edge open to the outside.
        edge, mouth = mouth_tree.query(middles, predicate="dwithin", distance=_ON_WALL_DEG)
        openings = np.bincount(mouth, weights=metres[edge], minlength=1)
        wall = np.ones(len(metres), dtype=bool)
        wall[edge] = False
        if metres[wall].sum() < WALLS_TO_MOUTHS * metres[~wall].sum():
            continue
        walls = _by_area(middles[wall], metres[wall], tree)
        if len(walls) > 1:
            yield Inlet(place, tuple(walls), float(openings.max()))


def _longer(line: Any) -> Any:
    """A mouth that reaches a little into its walls."""
    begin, end = shapely.get_coordinates(line)
    step = (end - begin) / np.hypot(*(end - begin)) * _INTO_WALL_DEG
    return shapely.LineString([begin - step, end + step])
