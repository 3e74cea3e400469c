"""On which side of an edge a point lies, and whether an edge counts for it, without error.

The arithmetic is the one that GEOS uses for `intersects`: a filter in plain doubles, and behind it
double-double arithmetic (Dekker, Knuth). Wherever the differences of the coordinates are doubles
themselves, which `is_tame` of the build checks for the whole raster and which holds everywhere in a
city like Beijing, the fallback is exact. Elsewhere (areas around 0 degrees, where doubles become
arbitrarily fine) it gives the same sign as GEOS, since every operation comes in the same order.
Only where products of differences underflow, which takes a difference below 1e-150 degrees, nothing
is promised; there the ways of GEOS (prepared point, prepared area) contradict each other too.

None of these functions may be compiled with `fastmath`: reordered or fused operations are wrong.
"""

from __future__ import annotations

from numba import njit

NOT_CROSSED = 0
CROSSED = 1
TOUCHED = 2

_SPLIT = 134217729.0  # 2**27 + 1: halves a double into two of 26 bits
FILTER = 1e-15  # more than the rounding errors of three differences and two products


@njit(cache=True, nogil=True)
def _sum(a_high: float, a_low: float, b_high: float, b_low: float) -> tuple[float, float]:
    """The double-double sum of two double-doubles."""
    high = a_high + b_high
    shift = high - a_high
    high_error = (b_high - shift) + (a_high - (high - shift))
    low = a_low + b_low
    shift = low - a_low
    low_error = (b_low - shift) + (a_low - (low - shift))
    carry = high_error + low
    top = high + carry
    rest = low_error + (carry + (high - top))
    result = top + rest
    return result, rest + (top - result)


@njit(cache=True, nogil=True)
def _product(a_high: float, a_low: float, b_high: float, b_low: float) -> tuple[float, float]:
    """The double-double product of two double-doubles."""
    scaled = _SPLIT * a_high
    a1 = scaled - (scaled - a_high)
    a2 = a_high - a1
    scaled = _SPLIT * b_high
    b1 = scaled - (scaled - b_high)
    b2 = b_high - b1
    high = a_high * b_high
    error = (((a1 * b1 - high) + a1 * b2) + a2 * b1) + a2 * b2
    low = error + (a_high * b_low + a_low * b_high)
    result = high + low
    return result, low + (high - result)


@njit(cache=True, nogil=True)
def _orientation_double_double(
    x1: float, y1: float, x2: float, y2: float, qx: float, qy: float
) -> int:
    """The sign of (p2 - p1) x (q - p2) in double-double arithmetic."""
    dx1, dx1_low = _sum(x2, 0.0, -x1, 0.0)
    dy1, dy1_low = _sum(y2, 0.0, -y1, 0.0)
    dx2, dx2_low = _sum(qx, 0.0, -x2, 0.0)
    dy2, dy2_low = _sum(qy, 0.0, -y2, 0.0)
    left, left_low = _product(dx1, dx1_low, dy2, dy2_low)
    right, right_low = _product(dy1, dy1_low, dx2, dx2_low)
    high, low = _sum(left, left_low, -right, -right_low)
    if high > 0.0 or (high == 0.0 and low > 0.0):
        return 1
    if high < 0.0 or (high == 0.0 and low < 0.0):
        return -1
    return 0


@njit(cache=True, nogil=True)
def orientation(x1: float, y1: float, x2: float, y2: float, qx: float, qy: float) -> int:
    """1 if q lies left of the line from p1 to p2, -1 if right of it, 0 if on it."""
    left = (x1 - qx) * (y2 - qy)
    right = (y1 - qy) * (x2 - qx)
    determinant = left - right
    if left > 0.0:
        if right <= 0.0:
            return 1 if determinant > 0.0 else (-1 if determinant < 0.0 else 0)
        bound = FILTER * (left + right)
    elif left < 0.0:
        if right >= 0.0:
            return 1 if determinant > 0.0 else (-1 if determinant < 0.0 else 0)
        bound = FILTER * (-left - right)
    else:
        return 1 if determinant > 0.0 else (-1 if determinant < 0.0 else 0)
    if determinant >= bound:
        return 1
    if -determinant >= bound:
        return -1
    return _orientation_double_double(x1, y1, x2, y2, qx, qy)


@njit(cache=True, nogil=True)
def crossing(x1: float, y1: float, x2: float, y2: float, qx: float, qy: float) -> int:
    """What the ray from q towards the east meets of the edge from p1 to p2.

    `TOUCHED`: q is on the edge. `CROSSED`: the ray crosses it; the lower end belongs to an edge and
    the upper one does not, so that a vertex is counted once. `NOT_CROSSED`: neither.
    """
    if x1 < qx and x2 < qx:
        return NOT_CROSSED
    if (y1 > qy) == (y2 > qy):
        if y1 == qy and y2 == qy:  # a level edge is never crossed, but it may be touched
            return TOUCHED if min(x1, x2) <= qx <= max(x1, x2) else NOT_CROSSED
        if (x1 == qx and y1 == qy) or (x2 == qx and y2 == qy):
            return TOUCHED
        return NOT_CROSSED
    side = orientation(x1, y1, x2, y2, qx, qy)
    if side == 0:
        return TOUCHED
    if y2 < y1:
        side = -side
    return CROSSED if side > 0 else NOT_CROSSED
