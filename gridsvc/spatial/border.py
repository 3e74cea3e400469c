"""How far the border is, and who is behind it.

A border is where two areas of one level meet, or where an area meets the outside: the edges of all
rings. Distances are metres on the WGS84 ellipsoid, right to 0.1 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridsvc.errors import BadCoordinate
from gridsvc.spatial._nearest import distances, neighbours_at, neighbours_many, pack
from gridsvc.spatial.locator import Locator
from gridsvc.spatial.locator._rings import check_areas, merge_edges, ring_edges

_SAME_EDGE_M = 1e-3  # nearer than this with its ends and its middle, an edge lies on another


@dataclass(frozen=True, slots=True)
class Border:
    """The border near a point.

    `distance_m`: metres to the nearest border (infinite if there is none); `neighbours`: the areas
    within reach besides the point's own, as (index, metres), nearest first, then by index; 0 metres
    if the point is in or on the area.
    """

    distance_m: float
    neighbours: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Borders:
    """The border near each of n points, as `Border` has it.

    `distance_m`: float64, n; the neighbours of point i are `neighbours[offsets[i]:offsets[i + 1]]`
    (indexes, int32) and as far away as `neighbours_m` says at the same places (float64);
    `offsets`: int64, n + 1.
    """

    distance_m: NDArray[np.float64]
    offsets: NDArray[np.int64]
    neighbours: NDArray[np.int32]
    neighbours_m: NDArray[np.float64]


class BorderIndex:
    """The borders of one level; read-only and safe to share between threads."""

    def __init__(
        self,
        locator: Locator,
        boxes: NDArray[np.float64],
        edges: NDArray[np.float64],
        offsets: NDArray[np.int64],
        areas: NDArray[np.int32],
    ) -> None:
        self._locator = locator
        self._tree = boxes, edges, offsets, areas

    @classmethod
    def build(
        cls, geometries: Sequence[Any], codes: Sequence[str], *, locator: Locator | None = None
    ) -> BorderIndex:
        """Index the borders of n valid polygons or multipolygons, WGS84 lon/lat, in code order.

        `locator`: that of the same areas, if there is one already. Raises `BadGeometry` as
        `Locator.build` does.
        """
        shapes = check_areas(geometries, codes)
        if locator is None:
            locator = Locator.build(list(shapes), codes)
        if not len(shapes):
            nothing = np.full((2, 4), np.nan)
            return cls(
                locator, nothing, np.empty((0, 4)), np.zeros(1, np.int64), np.empty(0, np.int32)
            )
        given, area_of = ring_edges(shapes)
        edges, number = merge_edges(given, True)
        order, boxes = pack(edges)
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        by_edge = np.lexsort((area_of, place[number]))
        offsets = np.zeros(len(edges) + 1, np.int64)
        np.cumsum(np.bincount(place[number], minlength=len(edges)), out=offsets[1:])
        return cls(locator, boxes, np.ascontiguousarray(edges[order]), offsets, area_of[by_edge])

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the areas, by index."""
        return self._locator.codes

    @property
    def arrays(
        self,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.int32]]:
        """What the index is made of besides its locator, in the order that `BorderIndex()` takes.

        The boxes `x0, y0, x1, y1` (degrees; row 1 holds all borders), the edges, the offsets of
        each edge's areas, and these areas.
        """
        return self._tree

    def apart_from(self, others: Sequence[BorderIndex]) -> BorderIndex:
        """The borders that none of the others has: edges that lie on theirs are left out."""
        boxes, edges, offsets, areas = self._tree
        keep = np.ones(len(edges), dtype=bool)
        nobody = np.full(len(edges), -1, dtype=np.int32)
        for other in others:
            common = np.ones(len(edges), dtype=bool)
            for part in (0.0, 0.5, 1.0):
                lon = edges[:, 0] + part * (edges[:, 2] - edges[:, 0])
                lat = edges[:, 1] + part * (edges[:, 3] - edges[:, 1])
                common &= other.distance(lon, lat, nobody)[0] < _SAME_EDGE_M
            keep &= ~common
        if keep.all():
            return self
        kept = np.flatnonzero(keep)
        if not len(kept):
            return BorderIndex.build([], [])
        order, boxes = pack(edges[kept])
        kept = kept[order]
        counts = np.diff(offsets)[kept]
        starts = np.zeros(len(kept) + 1, np.int64)
        np.cumsum(counts, out=starts[1:])
        of_edge = [areas[offsets[edge] : offsets[edge + 1]] for edge in kept]
        own = np.concatenate(of_edge).astype(np.int32)
        return BorderIndex(self._locator, boxes, np.ascontiguousarray(edges[kept]), starts, own)

    def distance(
        self, lon: ArrayLike, lat: ArrayLike, own: ArrayLike | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """Metres from each point to the nearest border, and the area behind it: `(float64, int32)`.

        `lon`, `lat`: WGS84 degrees, of one shape, which the answers have too. `own`: the index of
        each point's own area, -1 for none; looked up if not given. The area behind the border is
        the smallest index besides the point's own that has the border, -1 if it is the outside.
        A coordinate that is not a number gives NaN. Raises `BadCoordinate` if the shapes differ.
        """
        xs, ys, mine = self._points(lon, lat, own)
        metres = np.empty(xs.shape)
        other = np.empty(xs.shape, np.int32)
        distances(
            *self._tree,
            xs.reshape(-1),
            ys.reshape(-1),
            mine.reshape(-1),
            metres.reshape(-1),
            other.reshape(-1),
        )
        return metres, other

    def _points(
        self, lon: ArrayLike, lat: ArrayLike, own: ArrayLike | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int32]]:
        """Coordinates and own areas as arrays of one shape. Raises `BadCoordinate`."""
        xs = np.ascontiguousarray(lon, dtype=np.float64)
        ys = np.ascontiguousarray(lat, dtype=np.float64)
        mine = np.ascontiguousarray(
            self._locator.locate(xs, ys) if own is None else own, dtype=np.int32
        )
        if not xs.shape == ys.shape == mine.shape:
            raise BadCoordinate(
                f"lon has the shape {xs.shape}, lat {ys.shape} and own {mine.shape}; give as many "
                "of each."
            )
        return xs, ys, mine

    def nearest_many(
        self, lon: ArrayLike, lat: ArrayLike, reach_m: float, own: ArrayLike | None = None
    ) -> Borders:
        """The border near each of n points, and who is within `reach_m` metres, as `nearest` says.

        `lon`, `lat`: WGS84 degrees, n each; `own`: the index of each point's own area, -1 for none;
        looked up if not given. A coordinate that is not finite gives NaN and no neighbours. Raises
        `BadCoordinate` if the shapes differ.
        """
        xs, ys, mine = self._points(lon, lat, own)
        xs, ys, mine = xs.ravel(), ys.ravel(), mine.ravel()
        claim_ends, claims = self._locator.claims_many(xs, ys)
        metres = np.empty(len(xs))
        offsets = np.empty(len(xs) + 1, np.int64)
        room = 2 * len(xs) + 16
        while True:
            found, found_m = np.empty(room, np.int32), np.empty(room)
            neighbours_many(
                *self._tree,
                xs,
                ys,
                mine,
                float(reach_m),
                claim_ends,
                claims,
                metres,
                offsets,
                found,
                found_m,
            )
            count = int(offsets[-1])
            if count <= room:
                return Borders(metres, offsets, found[:count].copy(), found_m[:count].copy())
            room = count

    def nearest(
        self,
        lon: float,
        lat: float,
        own_index: int,
        reach_m: float,
        claims: Sequence[int] | None = None,
    ) -> Border:
        """The border near one point (WGS84 degrees), and who is within `reach_m` metres.

        `own_index`: the point's own area, which is not a neighbour of itself; -1 for none.
        `claims`: the areas that touch the point, looked up if not given. Raises `BadCoordinate` if
        a coordinate is not finite.
        """
        x, y = float(lon), float(lat)
        if not (math.isfinite(x) and math.isfinite(y)):
            raise BadCoordinate(f"({lon}, {lat}) is not a place; give finite degrees.")
        room = 16
        while True:
            found = np.empty(room, np.int32)
            found_m = np.empty(room)
            best, count = neighbours_at(*self._tree, x, y, float(reach_m), found, found_m)
            if count >= 0:
                break
            room *= 8
        touched = self._locator.claims(x, y) if claims is None else claims
        if not count and all(index == own_index for index in touched):
            return Border(best, ())
        near = dict(zip(found[:count].tolist(), found_m[:count].tolist(), strict=True))
        for index in touched:
            near[index] = 0.0
        near.pop(own_index, None)
        neighbours = sorted(near.items(), key=lambda one: (one[1], one[0]))
        return Border(best, tuple(neighbours))
