"""A polygon as numbered vertices and edges in a flat metric plane, ready to be cut.

Straight lines in WGS84 stay straight in the plane (``LocalPlane``): a vertex that is added on an
edge lies on that very edge, and cells fill their community exactly. The price is that areas in the
plane drift by 0.01 % for each kilometre north or south, which only decides where a cut falls; areas
that are reported are those on the ellipsoid.

A hole is joined to the outer ring by a slit, a pair of opposite edges in one place, so that one
ring tells the whole polygon; where both sides of a slit end up in one cell it is closed again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from gridsvc.errors import BadGeometry
from gridsvc.spatial.plane import LocalPlane


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """One ring of numbered vertices.

    ``lonlat`` (float64 (m, 2), degrees) are the polygon's own vertices, bit for bit; ``x``, ``y``
    (float64 (m,), metres) the same in the plane. ``ring`` and ``roots`` (int64 (k,)): the
    vertices counter-clockwise and the root of the edge that begins at each. ``root_from``,
    ``root_to``: the ends of the roots; the first ``borders`` of them are edges of the polygon,
    the rest slits.
    """

    lonlat: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    ring: NDArray[np.int64]
    roots: NDArray[np.int64]
    root_from: NDArray[np.int64]
    root_to: NDArray[np.int64]
    borders: int
    plane: LocalPlane

    @property
    def has_slits(self) -> bool:
        """Whether the ring comes to some vertex twice, along a slit or where rings touch."""
        return len(self.ring) > len(self.lonlat)

    def to_lonlat(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points of the plane, float64 (k,) each in metres, in degrees, float64 (k, 2)."""
        return self.plane.lonlat(np.column_stack([x, y]))


def outline_of(polygon: Polygon) -> Outline:
    """Number a valid WGS84 polygon. Raises BadGeometry when a hole cannot be reached by a slit."""
    polygon = shapely.remove_repeated_points(shapely.orient_polygons(polygon))
    numbers: dict[tuple[float, float], int] = {}
    rings = [
        [numbers.setdefault((lon, lat), len(numbers)) for lon, lat in ring.coords[:-1]]
        for ring in (polygon.exterior, *polygon.interiors)
    ]
    lonlat = np.array(list(numbers), dtype=np.float64)
    root_from = [vertex for ring in rings for vertex in ring]
    root_to = [vertex for ring in rings for vertex in ring[1:] + ring[:1]]
    borders = len(root_from)
    roots: list[list[int]] = []
    for ring in rings:
        first = sum(map(len, roots))
        roots.append(list(range(first, first + len(ring))))

    ring, edges = rings[0], roots[0]
    holes = list(zip(rings[1:], roots[1:], strict=True))
    barrier: BaseGeometry = polygon.boundary
    while holes:
        at, hole, begin = _nearest_bridge(polygon, barrier, lonlat, ring, [h for h, _ in holes])
        inner, inner_edges = holes.pop(hole)
        inner = inner[begin:] + inner[:begin]
        inner_edges = inner_edges[begin:] + inner_edges[:begin]
        u, w = ring[at], inner[0]
        if u == w:
            ring = ring[:at] + inner + ring[at:]
            edges = edges[:at] + inner_edges + edges[at:]
            continue
        slit = len(root_from)
        root_from.append(u)
        root_to.append(w)
        barrier = shapely.union(barrier, LineString(lonlat[[u, w]]))
        ring = [*ring[: at + 1], *inner, w, *ring[at:]]
        edges = [*edges[:at], slit, *inner_edges, slit, *edges[at:]]

    plane = LocalPlane.amid(polygon.bounds)
    return Outline(
        lonlat,
        (lonlat[:, 0] - plane.lon) * plane.east,
        (lonlat[:, 1] - plane.lat) * plane.north,
        np.array(ring, dtype=np.int64),
        np.array(edges, dtype=np.int64),
        np.array(root_from, dtype=np.int64),
        np.array(root_to, dtype=np.int64),
        borders,
        plane,
    )


def _nearest_bridge(
    polygon: Polygon,
    barrier: BaseGeometry,
    lonlat: NDArray[np.float64],
    ring: list[int],
    holes: list[list[int]],
) -> tuple[int, int, int]:
    """Find the shortest slit: place in the ring, number of the hole, place in the hole."""
    taken = np.bincount(ring, minlength=len(lonlat))
    spots = np.array([k for k, vertex in enumerate(ring) if taken[vertex] == 1], dtype=np.int64)
    ends = [(hole, k) for hole, vertices in enumerate(holes) for k in range(len(vertices))]
    targets = lonlat[[vertex for vertices in holes for vertex in vertices]]
    sources = lonlat[np.array(ring, dtype=np.int64)[spots]]
    far = np.hypot(
        sources[:, None, 0] - targets[None, :, 0], sources[:, None, 1] - targets[None, :, 1]
    )
    for pair in np.argsort(far, axis=None, kind="stable"):
        spot, end = divmod(int(pair), len(ends))
        at, (hole, begin) = int(spots[spot]), ends[end]
        if far[spot, end] == 0.0:
            return at, hole, begin
        line = LineString([sources[spot], targets[end]])
        met = shapely.intersection(line, barrier)
        if shapely.get_num_geometries(met) == 2 and shapely.get_dimensions(met) == 0:
            middle = line.interpolate(0.5, normalized=True)
            if polygon.contains(middle):
                return at, hole, begin
    raise BadGeometry(
        "A hole of the community cannot be joined to its outer ring; check that its rings do not"
        " touch each other along a line.",
        field="geometry",
    )


def close_slits(ring: list[tuple[float, float]]) -> list[Polygon]:
    """Make polygons of a ring (not closed) that may run along both sides of a slit.

    What the ring runs along twice, in both directions, is not a border. The answer is one polygon,
    with a hole where the ring runs around one, or several where the ring only touched itself.
    """
    edges = set(zip(ring, ring[1:] + ring[:1], strict=True))
    kept = [(a, b) for a, b in sorted(edges) if (b, a) not in edges]
    if len(kept) == len(ring) == len(set(ring)):
        return [Polygon(ring)]
    built = shapely.build_area(shapely.MultiLineString(kept))
    return [shapely.orient_polygons(part) for part in shapely.get_parts(built)]
