"""What geometry costs, counted before it is worked on.

Mending an outline that crosses itself takes a time that grows faster than its crossings, a check of
validity one that grows with the edges that come near each other: 300 random vertices kept GEOS busy
for two minutes. Both are counted first, by a sweep that stops where it is too much.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numba import njit
from numpy.typing import NDArray

from gridsvc.errors import QueryTooBroad

#: GEOS mends so many crossings in half a second.
MOST_CROSSINGS = 500
#: GEOS checks so many pairs of edges whose boxes meet in about half a second.
MOST_MEETINGS = 5_000_000
#: Vertices of an outline times areas that it may touch: beyond, noding them takes seconds.
MOST_VERTICES_TIMES_AREAS = 500_000
#: Work below this many microseconds is done where it is asked for.
_CHEAP_US = 50_000.0
_CROSSING_US, _MEETING_US, _VERTEX_US = 1_000.0, 0.1, 2.0


@dataclass(frozen=True, slots=True)
class Price:
    """What an outline was counted to have."""

    vertices: int
    crossings: int
    meetings: int

    @property
    def is_small(self) -> bool:
        """Whether the work is done before another process could begin it."""
        spent = self.vertices * _VERTEX_US + self.crossings * _CROSSING_US
        return spent + self.meetings * _MEETING_US < _CHEAP_US


def price_of(
    outline: Any, *, subject: str, field: str, most_meetings: int = MOST_MEETINGS
) -> Price:
    """Count what a polygon or multipolygon costs to check and to mend; ``subject`` is its name.

    Raises QueryTooBroad where it is too much.
    """
    rings = shapely.get_rings(shapely.get_parts(outline))
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    joined = ring[1:] == ring[:-1]
    edges = np.hstack((coordinates[:-1], coordinates[1:]))[joined]
    crossings, meetings = _count(edges, MOST_CROSSINGS, most_meetings)
    if crossings > MOST_CROSSINGS:
        raise QueryTooBroad(
            f"{subject} crosses itself more than {MOST_CROSSINGS:,} times (counted up to there);"
            " check the order of its vertices, or send the outlines of its parts.",
            field=field,
        )
    if meetings > most_meetings:
        raise QueryTooBroad(
            f"{subject} has {len(coordinates):,} vertices, and its edges come near each other more"
            f" than {most_meetings:,} times (counted up to there); send it with fewer vertices, or"
            " in parts.",
            field=field,
        )
    return Price(len(coordinates), crossings, meetings)


def check_product(vertices: int, areas: int, *, field: str) -> None:
    """Refuse an outline with too many vertices for all the areas in its box.

    Raises QueryTooBroad.
    """
    if vertices * areas > MOST_VERTICES_TIMES_AREAS:
        raise QueryTooBroad(
            f"The footprint has {vertices:,} vertices and {areas:,} areas may touch it; their"
            f" product may be {MOST_VERTICES_TIMES_AREAS:,}. Send fewer vertices, a smaller"
            " outline, or ask for a higher level.",
            field=field,
        )


@njit(cache=True, nogil=True)
def _count(edges: NDArray[np.float64], most_crossings: int, most_meetings: int) -> tuple[int, int]:
    """Pairs of edges (n, 4) that cross, and pairs whose boxes meet; ends where one is too many.

    Edges that share an end do not cross.
    """
    n = edges.shape[0]
    west = np.minimum(edges[:, 0], edges[:, 2])
    order = np.argsort(west)
    crossings = meetings = 0
    for i in range(n):
        ax, ay, bx, by = edges[order[i]]
        east, south, north = max(ax, bx), min(ay, by), max(ay, by)
        for j in range(i + 1, n):
            other = order[j]
            if west[other] > east:
                break
            cx, cy, dx, dy = edges[other]
            if min(cy, dy) > north or max(cy, dy) < south:
                continue
            meetings += 1
            if (ax == cx and ay == cy) or (ax == dx and ay == dy):
                continue
            if (bx == cx and by == cy) or (bx == dx and by == dy):
                continue
            c_left = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
            d_left = (bx - ax) * (dy - ay) - (by - ay) * (dx - ax)
            a_left = (dx - cx) * (ay - cy) - (dy - cy) * (ax - cx)
            b_left = (dx - cx) * (by - cy) - (dy - cy) * (bx - cx)
            # Zero counts as either side: touching and lying on each other are as dear.
            if c_left * d_left <= 0.0 and a_left * b_left <= 0.0:
                crossings += 1
                if crossings > most_crossings:
                    return crossings, meetings
        if meetings > most_meetings:
            break
    return crossings, meetings
