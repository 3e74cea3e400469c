"""How many areas claim each piece of ground: the faces of the edges that do not cancel out.

Every area is walked with its ground on the left. Where one area ends and the next begins, their
edges run against each other and cancel; what is left, the net edges, is all that the number of
claimants can change across. Of a sound coverage only its outline is left, so that work and memory
follow the faults and not the areas.

Everything happens in degrees: sides with different vertices on one straight line meet exactly
there, and drift apart once they are projected.

A *needle* is what is left of two edges that should be one and differ in their last digits: a node
that falls a hair beside an edge leaves a face with a needle of no width. It has no area, but it
makes the face's edge long, and a point that is taken inside it says nothing of the face.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.spatial.polygons import polygons_of

Floats = NDArray[np.float64]
Shapes = NDArray[np.object_]
_Box = tuple[float, float, float, float]

# Areas whose edges are held at once, and net edges that are noded at once.
_AREAS_AT_ONCE = 20_000
_EDGES_AT_ONCE = 30_000
# The frame around everything, so that the outside is a face too: about 100 m.
_MARGIN_DEG = 1e-3
# A point on a border says nothing; another one is taken at random, at most so often.
_TRIES = 10
_ODD = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93],
    dtype=np.uint64,
)

# Nearer than this two lines are one, and a point is on a line: 10 µm.
_HAIR_DEG = 1e-10


@dataclass(frozen=True, slots=True)
class Face:
    """Ground (polygon, WGS84) that the same number of areas claims, and whether it is outside.

    ``claimants`` are places in the list of areas, in order. The face of an ``outside`` reaches the
    frame around everything.
    """

    geometry: Any
    claimants: tuple[int, ...]
    outside: bool = False


def net_edges(areas: Shapes) -> Floats:
    """The edges that do not cancel out: float64 (k, 4), from and to in degrees, each once.

    ``areas`` are valid Polygons or MultiPolygons. They are walked from south to north, and only
    edges that wait for their counterpart are kept.
    """
    south = shapely.bounds(areas)[:, 1]
    order = np.argsort(np.where(np.isnan(south), np.inf, south), kind="stable")
    open_edges, balance = np.empty((0, 4)), np.empty(0, dtype=np.int64)
    for begin in range(0, len(order), _AREAS_AT_ONCE):
        new, sign = _directed(areas[order[begin : begin + _AREAS_AT_ONCE]])
        open_edges, balance = _balanced(
            np.concatenate([open_edges, new]), np.concatenate([balance, sign])
        )
    return open_edges


def claimed_faces(areas: Shapes) -> Iterator[Face]:
    """The faces that not exactly one area claims: unclaimed ones, then those of several.

    ``areas`` are valid Polygons or MultiPolygons (WGS84). Unclaimed faces are whole; a face of
    several claimants is cut where other areas begin to claim, and at the lines that part the work.
    """
    edges = net_edges(areas)
    if not len(edges):
        return
    low = edges.reshape(-1, 2).min(axis=0) - _MARGIN_DEG
    high = edges.reshape(-1, 2).max(axis=0) + _MARGIN_DEG
    frame: _Box = (low[0], low[1], high[0], high[1])
    tree = shapely.STRtree(areas)
    unclaimed: list[Any] = []
    several: list[tuple[Any, int]] = []
    tiles = 0
    for tile, box in _tiles(edges, frame):
        tiles += 1
        faces, counts = _faces(tile, box, tree)
        unclaimed += faces[counts == 0].tolist()
        several += zip(faces[counts > 1].tolist(), counts[counts > 1].tolist(), strict=True)
    if tiles > 1:
        unclaimed = list(polygons_of(shapely.union_all(unclaimed)))
    rim = shapely.boundary(shapely.box(*frame))
    for face in unclaimed:
        yield Face(face, (), outside=bool(shapely.intersects(face, rim)))
    for face, count in several:
        yield from _by_claimants(face, count, areas, tree)


def _directed(areas: Shapes) -> tuple[Floats, NDArray[np.int64]]:
    """Edges with their smaller end first, and 1 or -1 as the ground is on their left or right."""
    polygons = shapely.orient_polygons(shapely.get_parts(areas))
    xy, ring = shapely.get_coordinates(shapely.get_rings(polygons), return_index=True)
    xy = xy + 0.0  # one zero
    start = np.flatnonzero(ring[:-1] == ring[1:])
    edges = np.concatenate([xy[start], xy[start + 1]], axis=1)
    return _smaller_first(edges)


def _smaller_first(edges: Floats) -> tuple[Floats, NDArray[np.int64]]:
    turned = (edges[:, 0] > edges[:, 2]) | (
        (edges[:, 0] == edges[:, 2]) & (edges[:, 1] > edges[:, 3])
    )
    edges[turned] = edges[turned][:, [2, 3, 0, 1]]
    return edges, np.where(turned, -1, 1)


def _balanced(edges: Floats, sign: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int64]]:
    """Each edge once, with the sum of its signs, those without a rest left out."""
    if not len(edges):
        return edges, sign
    keys = np.zeros(len(edges), dtype=np.uint64)
    for column in range(4):
        keys ^= edges[:, column].view(np.uint64) * _ODD[column]
        keys ^= keys >> np.uint64(29)
        keys *= _ODD[0]
    order = np.argsort(keys, kind="stable")
    keys, sorted_edges = keys[order], edges[order]
    same = (sorted_edges[1:] == sorted_edges[:-1]).all(axis=1)
    if (same != (keys[1:] == keys[:-1])).any():  # two edges with one key: sort by the edges
        order = np.lexsort(edges.T)
        sorted_edges = edges[order]
        same = (sorted_edges[1:] == sorted_edges[:-1]).all(axis=1)
    first = np.flatnonzero(np.concatenate([[True], ~same]))
    total = np.add.reduceat(sign[order], first)
    kept = total != 0
    return sorted_edges[first[kept]], total[kept]


def _tiles(edges: Floats, box: _Box) -> Iterator[tuple[Floats, _Box]]:
    """Halve a box until each holds few edges; edges are cut at the lines between boxes."""
    if len(edges) <= _EDGES_AT_ONCE:
        yield edges, box
        return
    axis = 0 if box[2] - box[0] > box[3] - box[1] else 1
    line = float(np.median((edges[:, axis] + edges[:, axis + 2]) / 2))
    low, high = _cut(edges, axis, line)
    if len(low) == len(edges) or len(high) == len(edges):
        yield edges, box
        return
    west, south, east, north = box
    yield from _tiles(low, (west, south, line, north) if axis == 0 else (west, south, east, line))
    yield from _tiles(high, (line, south, east, north) if axis == 0 else (west, line, east, north))


def _cut(edges: Floats, axis: int, line: float) -> tuple[Floats, Floats]:
    """The edges below and above a line; an edge on the line is in both."""
    begin, end = edges[:, axis], edges[:, axis + 2]
    least, most = np.minimum(begin, end), np.maximum(begin, end)
    crossing = (least < line) & (most > line)
    whole = edges[crossing]
    part = (line - whole[:, axis]) / (whole[:, axis + 2] - whole[:, axis])
    at = whole[:, :2] + part[:, None] * (whole[:, 2:] - whole[:, :2])
    at[:, axis] = line
    halves = np.concatenate(
        [np.concatenate([whole[:, :2], at], axis=1), np.concatenate([at, whole[:, 2:]], axis=1)]
    )
    below = np.minimum(halves[:, axis], halves[:, axis + 2]) < line
    return (
        np.concatenate([edges[most <= line], halves[below]]),
        np.concatenate([edges[least >= line], halves[~below]]),
    )


def _faces(edges: Floats, box: _Box, tree: shapely.STRtree) -> tuple[Shapes, NDArray[np.int64]]:
    """The faces of a tile, and how many areas claim each."""
    lines = shapely.linestrings(edges.reshape(-1, 2, 2))
    noded = shapely.union_all(np.append(lines, shapely.boundary(shapely.box(*box))))
    faces = without_needles(polygons_of(shapely.polygonize(shapely.get_parts(noded))))
    return faces, _counts(faces, tree)


def _counts(faces: Shapes, tree: shapely.STRtree) -> NDArray[np.int64]:
    """How many areas claim each face, asked at a point of it that lies on no border."""
    counts = np.zeros(len(faces), dtype=np.int64)
    asked = np.arange(len(faces))
    random = np.random.default_rng(0)
    points = inner_points(faces)
    for _ in range(_TRIES):
        touching, _ = tree.query(points, predicate="intersects")
        within, _ = tree.query(points, predicate="within")
        counts[asked] = np.bincount(within, minlength=len(asked))
        # Borders that cancel out go through a face; a point on one is within neither side.
        again = np.bincount(touching, minlength=len(asked)) != counts[asked]
        asked = asked[again]
        if not len(asked):
            break
        points = np.array([_point_in(face, random) for face in faces[asked]], dtype=object)
    return counts


def _by_claimants(face: Any, count: int, areas: Shapes, tree: shapely.STRtree) -> Iterator[Face]:
    """Cut a face of several claimants where other areas begin to claim."""
    near = np.sort(tree.query(face, predicate="intersects"))
    among = near[shapely.relate_pattern(areas[near], face, "T********")]
    if len(among) == count:
        yield Face(face, tuple(among.tolist()))
        return
    west, south, east, north = shapely.bounds(face)
    # Borders that go on past the face cross its edge; cut off at it, they would end a hair short.
    around = (west - _MARGIN_DEG, south - _MARGIN_DEG, east + _MARGIN_DEG, north + _MARGIN_DEG)
    borders = shapely.clip_by_rect(shapely.boundary(areas[among]), *around)
    noded = shapely.union_all(np.append(borders, shapely.boundary(face)))
    cells = without_needles(polygons_of(shapely.polygonize(shapely.get_parts(noded))))
    points = inner_points(cells)
    inside = shapely.within(points, face)
    cells, points = cells[inside], points[inside]
    cell, claimant = shapely.STRtree(areas[among]).query(points, predicate="within")
    for n, geometry in enumerate(cells):
        claimants = np.sort(among[claimant[cell == n]])
        if len(claimants) > 1:
            yield Face(geometry, tuple(claimants.tolist()))


def without_needles(polygons: Shapes) -> Shapes:
    """The polygons (WGS84) without their needles; those that have none as they are.

    A vertex is the tip of a needle where the edge back runs along the edge there, within 10 µm.
    """
    if not len(polygons):
        return polygons
    rings, of_polygon = shapely.get_rings(polygons, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    begin = np.flatnonzero(np.diff(ring, prepend=-1))
    last = np.append(begin[1:], len(xy)) - 1
    before, after = np.arange(len(xy)) - 1, np.arange(len(xy)) + 1
    # A ring ends where it begins.
    before[begin] = last - 1
    after[last] = begin + 1
    pointed = np.unique(of_polygon[ring[_tips(xy[before], xy, xy[after])]])
    cleaned = polygons.copy()
    for n in pointed.tolist():
        cleaned[n] = _cleaned(polygons[n])
    return cleaned


def inner_points(polygons: Shapes) -> Shapes:
    """A point inside each polygon, more than 10 µm from its edge where that can be."""
    points = shapely.point_on_surface(polygons)
    on_edge = shapely.dwithin(shapely.boundary(polygons), points, _HAIR_DEG)
    random = np.random.default_rng(0)
    for n in np.flatnonzero(on_edge).tolist():
        points[n] = _point_in(polygons[n], random)
    return np.asarray(points, dtype=object)


def _point_in(polygon: Any, random: np.random.Generator) -> Any:
    """A random point in the largest triangle of a polygon."""
    triangles = shapely.get_parts(shapely.constrained_delaunay_triangles(polygon))
    if not len(triangles):
        return shapely.point_on_surface(polygon)
    largest = triangles[int(np.argmax(shapely.area(triangles)))]
    weights = random.dirichlet((2.0, 2.0, 2.0))
    return shapely.points(weights @ shapely.get_coordinates(largest)[:3])


def _tips(before: Floats, at: Floats, after: Floats) -> NDArray[np.bool_]:
    """Which of k vertices are tips; float64 (k, 2) each."""
    there, back = before - at, after - at
    same_way = (there * back).sum(axis=1) > 0
    across = np.abs(there[:, 0] * back[:, 1] - there[:, 1] * back[:, 0])
    longer = np.maximum(np.hypot(*there.T), np.hypot(*back.T))
    return np.asarray(same_way & (across <= _HAIR_DEG * longer), dtype=np.bool_)


def _cleaned(polygon: Any) -> Any:
    """The polygon without its needles; as it is where nothing else would be left of it."""
    rings = []
    for ring in shapely.get_rings(polygon):
        xy = shapely.get_coordinates(ring)[:-1]
        while len(xy) > 3:
            tips = _tips(np.roll(xy, 1, axis=0), xy, np.roll(xy, -1, axis=0))
            if not tips.any():
                break
            # One at a time: what is a tip may change with its neighbour.
            xy = np.delete(xy, int(np.argmax(tips)), axis=0)
        rings.append(xy)
    cleaned = shapely.Polygon(rings[0], rings[1:])
    return cleaned if shapely.is_valid(cleaned) and shapely.area(cleaned) > 0 else polygon
