"""Whether a border may run straight from here to there: no building, no other border in its way.

Compiled by numba, without the GIL; the same input gives the same bits.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Sine below which a turn counts as straight; ends nearer than this (metres) are one point.
_SAME_M = 1e-6


@njit(cache=True, nogil=True)
def _from_point(px: float, py: float, ax: float, ay: float, bx: float, by: float) -> float:
    ux, uy = bx - ax, by - ay
    long = ux * ux + uy * uy
    t = 0.0
    if long > 0.0:
        t = min(max(((px - ax) * ux + (py - ay) * uy) / long, 0.0), 1.0)
    return float(np.hypot(px - ax - t * ux, py - ay - t * uy))


@njit(cache=True, nogil=True)
def distance(
    ax: float, ay: float, bx: float, by: float, cx: float, cy: float, dx: float, dy: float
) -> float:
    """Give the distance of two segments; -1 where they cross inside both."""
    d1 = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    d2 = (bx - ax) * (dy - ay) - (by - ay) * (dx - ax)
    d3 = (dx - cx) * (ay - cy) - (dy - cy) * (ax - cx)
    d4 = (dx - cx) * (by - cy) - (dy - cy) * (bx - cx)
    near = min(
        _from_point(ax, ay, cx, cy, dx, dy),
        _from_point(bx, by, cx, cy, dx, dy),
        _from_point(cx, cy, ax, ay, bx, by),
        _from_point(dx, dy, ax, ay, bx, by),
    )
    if d1 * d2 < 0.0 and d3 * d4 < 0.0 and near > _SAME_M:
        return -1.0
    return near


@njit(cache=True, nogil=True)
def room(
    ax: float,
    ay: float,
    bx: float,
    by: float,
    segments: Floats,
    chosen: Ints,
    enough: float,
    beside: float = 0.966,
) -> float:
    """Give how far a segment keeps from others, metres, at most ``enough``; -1 if it crosses one.

    ``segments``: float64 (n, 4), x and y of both ends; ``chosen``: the numbers of those to look
    at. One that has an end in common is only looked at for its direction: a smaller angle than that
    of the cosine ``beside`` (15 degrees) counts as crossing.
    """
    least = enough
    west, east = min(ax, bx) - enough, max(ax, bx) + enough
    south, north = min(ay, by) - enough, max(ay, by) + enough
    for number in chosen:
        cx, cy, dx, dy = segments[number]
        if max(cx, dx) < west or min(cx, dx) > east or max(cy, dy) < south or min(cy, dy) > north:
            continue
        head = np.hypot(cx - ax, cy - ay) < _SAME_M or np.hypot(dx - ax, dy - ay) < _SAME_M
        tail = np.hypot(cx - bx, cy - by) < _SAME_M or np.hypot(dx - bx, dy - by) < _SAME_M
        if head and tail:
            return -1.0
        if head or tail:
            ox, oy = (ax, ay) if head else (bx, by)
            ux, uy = (bx - ax, by - ay) if head else (ax - bx, ay - by)
            vx, vy = dx - cx, dy - cy
            if np.hypot(dx - ox, dy - oy) < np.hypot(cx - ox, cy - oy):
                vx, vy = -vx, -vy
            dot = ux * vx + uy * vy
            if dot > beside * np.hypot(ux, uy) * np.hypot(vx, vy):
                return -1.0
            continue
        near = distance(ax, ay, bx, by, cx, cy, dx, dy)
        if near < least:
            least = near
            if least < 0.0:
                return -1.0
    return least


@njit(cache=True, nogil=True)
def sharpest(x: float, y: float, ends: Floats) -> float:
    """Give the cosine of the smallest angle between segments from one point, to ``ends`` (n, 2)."""
    most = -1.0
    for i in range(len(ends)):
        ux, uy = ends[i, 0] - x, ends[i, 1] - y
        for j in range(i):
            vx, vy = ends[j, 0] - x, ends[j, 1] - y
            far = np.hypot(ux, uy) * np.hypot(vx, vy)
            if far == 0.0:
                return 1.0
            most = max(most, (ux * vx + uy * vy) / far)
    return most
