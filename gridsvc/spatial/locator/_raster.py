"""The raster of cells: how it is addressed, and how a point is answered from it.

Three arrays make an index:

`header`, float64[16]: the raster's place and shape, see the `H_` names.

`edges`, float64[m, 4]: the different edges of all rings.

`words`, int32[n]: first a directory with one word for each block of 32 x 32 cells, row by row from
the south-west; then the blocks and the records. A word of the directory or of a block is

- -1: nothing touches this block or cell;
- k >= 0: area k fills it, and no other area touches it;
- below -1: the position -2 - word in `words`; in the directory that of a block (1024 words),
  in a block that of a record.

A record lists the areas that touch a cell, by rising index:
`count * 2 + complete, (area, edge count * 2 + odd, edge * 4 + flags, ...), ...`.
`complete` says that each point of the cell belongs to at least one of them, so that the last one
needs no test once the others have said no. The edges are those that touch the cell. A point is in
the area if the number of them that its eastward ray crosses is odd, after these corrections:
`odd` adds one; and flag 1 (2) says that the edge's first (second) end lies east of the cell,
where the ring goes on over edges that are not listed, so that one is added if the point is not
below that end. (The unlisted rest of the ring does not touch the cell: what the ray meets of it
changes only where the ray passes such an end.)
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gridsvc.spatial.locator._predicates import FILTER, TOUCHED, crossing
from gridsvc.spatial.locator._prefetch import prefetch

Words = NDArray[np.int32]
Floats = NDArray[np.float64]

SHIFT = 5
BLOCK = 1 << SHIFT
_MASK = BLOCK - 1

H_X0, H_Y0, H_X1, H_Y1, H_PER_LON, H_PER_LAT, H_COLUMNS, H_ROWS = range(8)

_CHUNK = 256  # what is asked for ahead must still be in the nearest cache when its turn comes

# Where the words of a record stand, unsigned, so that no index is taken for one from the end: the
# first area, its shape and edges; with two edges each, the next area and its shape, and the last.
_TWO_COMPLETE, _THREE_COMPLETE = 2 * 2 + 1, 3 * 2 + 1
_ONE = np.uint64(1)
_FIRST, _SHAPE, _EDGE = np.uint64(1), np.uint64(2), np.uint64(3)
_NEXT, _SHAPE_NEXT, _LAST = np.uint64(5), np.uint64(6), np.uint64(9)
_ONE_EDGE, _MORE, _TWO_EDGES, _CORNER, _OTHER = range(5)  # kinds of records


@njit(cache=True, nogil=True)
def column_of(x: float, start: float, per_degree: float, count: int) -> int:
    """The column (or row) of a coordinate that is not below `start`; it never falls as x rises."""
    return min(int((x - start) * per_degree), count - 1)


@njit(cache=True, nogil=True)
def word_of(header: Floats, words: Words, x: float, y: float) -> int:
    """The word of the cell of a point; -1 if the point is outside the raster or no number."""
    if not (header[H_X0] <= x <= header[H_X1] and header[H_Y0] <= y <= header[H_Y1]):
        return -1
    columns = int(header[H_COLUMNS])
    column = column_of(x, header[H_X0], header[H_PER_LON], columns)
    row = column_of(y, header[H_Y0], header[H_PER_LAT], int(header[H_ROWS]))
    blocks = (columns + _MASK) >> SHIFT
    word = int(words[(row >> SHIFT) * blocks + (column >> SHIFT)])
    if word < -1:
        word = int(words[-2 - word + ((row & _MASK) << SHIFT) + (column & _MASK)])
    return word


@njit(cache=True, nogil=True)
def _side(edges: Floats, entry: int, x: float, y: float) -> tuple[int, bool]:
    """What one listed edge does to the parity of a point, as in `belongs`, without branches.

    The second value is False if plain arithmetic cannot tell, as on every point of the edge.
    """
    edge = np.uint64(entry >> 2)
    x1 = edges[edge, 0]
    y1 = edges[edge, 1]
    x2 = edges[edge, 2]
    y2 = edges[edge, 3]
    left = (x1 - x) * (y2 - y)
    right = (y1 - y) * (x2 - x)
    determinant = left - right
    above_first = y >= y1
    above_second = y >= y2
    crossed = (above_first != above_second) & ((determinant > 0.0) == (y2 > y1))
    odd = int(crossed) ^ (entry & 1 & above_first) ^ ((entry >> 1) & 1 & above_second)
    return odd, abs(determinant) > FILTER * (abs(left) + abs(right))


@njit(cache=True, nogil=True)
def belongs(words: Words, edges: Floats, at: int, count: int, odd: int, x: float, y: float) -> bool:
    """Whether a point of a cell touches the area whose `count` edges are listed from `at` on."""
    for k in range(at, at + count):
        entry = words[k]
        flip, sure = _side(edges, entry, x, y)
        if not sure:
            edge = entry >> 2
            y1 = edges[edge, 1]
            y2 = edges[edge, 3]
            met = crossing(edges[edge, 0], y1, edges[edge, 2], y2, x, y)
            if met == TOUCHED:
                return True
            flip = met ^ ((entry & 1) & (y >= y1)) ^ (((entry >> 1) & 1) & (y >= y2))
        odd ^= flip
    return odd == 1


@njit(cache=True, nogil=True)
def _first(words: Words, edges: Floats, word: int, x: float, y: float) -> int:
    """The smallest area of a record that a point touches, or -1."""
    at = -2 - word
    head = words[at]
    last = (head >> 1) - 1
    at += 1
    for k in range(last + 1):
        area = int(words[at])
        if k == last and head & 1:
            return area
        shape = words[at + 1]
        count = shape >> 1
        if belongs(words, edges, at + 2, count, shape & 1, x, y):
            return area
        at += 2 + count
    return -1


@njit(cache=True, nogil=True)
def locate_at(header: Floats, words: Words, edges: Floats, x: float, y: float) -> int:
    """The smallest area that one point touches, or -1."""
    word = word_of(header, words, x, y)
    if word < -1:
        return _first(words, edges, word, x, y)
    return word


@njit(cache=True, nogil=True)
def _pair(words: Words, edges: Floats, shape: np.uint64, x: float, y: float) -> tuple[bool, bool]:
    """Whether an area with two edges, whose shape stands at `shape`, has a point; and if sure."""
    odd, sure = _side(edges, words[shape + _ONE], x, y)
    odd_too, sure_too = _side(edges, words[shape + _ONE + _ONE], x, y)
    return odd ^ odd_too ^ (words[shape] & 1) == 1, sure & sure_too


@njit(cache=True, nogil=True)
def _prefetch_edge(edges: Floats, entry: int) -> None:
    """Ask for the edge of an entry of a record."""
    prefetch(edges, np.uint64(entry >> 2) * np.uint64(4))


@njit(cache=True, nogil=True)
def _prefetch_edges(words: Words, edges: Floats, at: int) -> None:
    """Ask for all edges of the record that stands at `at`."""
    areas = words[at] >> 1
    at += 2
    for _ in range(areas):
        end = at + (words[at] >> 1)
        while at < end:
            at += 1
            _prefetch_edge(edges, words[at])
        at += 2


@njit(cache=True, nogil=True)
def locate_many(
    header: Floats, words: Words, edges: Floats, xs: Floats, ys: Floats, out: NDArray[np.int32]
) -> None:
    """Write the smallest area that each point touches, or -1, to `out`.

    Chunk by chunk, in loops without branches that are hard to foretell, so that the processor has
    many points under way while it waits for memory: where the raster's word of each point stands;
    the words; the records of the points that the raster does not answer, by kind; cells that one
    edge or two part into two areas; cells with the corner of three areas; at last all others.
    Each loop asks for the memory that the next one reads: waiting for it one by one is what makes
    a large index slow.
    """
    x0, y0, x1, y1 = header[H_X0], header[H_Y0], header[H_X1], header[H_Y1]
    per_lon, per_lat = header[H_PER_LON], header[H_PER_LAT]
    columns, rows = int(header[H_COLUMNS]), int(header[H_ROWS])
    blocks = (columns + _MASK) >> SHIFT
    places = np.empty(_CHUNK, np.int64)
    found = np.empty(_CHUNK, np.int32)
    open_points = np.empty(_CHUNK, np.int64)
    records = np.empty(_CHUNK, np.int64)
    by_kind = np.empty((5, _CHUNK), np.int64)
    for start in range(0, xs.size, _CHUNK):
        size = min(_CHUNK, xs.size - start)
        for k in range(size):
            x = xs[start + k]
            y = ys[start + k]
            if x0 <= x <= x1 and y0 <= y <= y1:
                column = column_of(x, x0, per_lon, columns)
                row = column_of(y, y0, per_lat, rows)
                word = int(words[np.uint64((row >> SHIFT) * blocks + (column >> SHIFT))])
                # an answered block is remembered as its own answer, below zero
                inner = ((row & _MASK) << SHIFT) + (column & _MASK)
                places[k] = -2 - word + inner if word < -1 else -2 - word
            else:
                places[k] = -1
            prefetch(words, np.uint64(max(places[k], 0)))
        for k in range(size):
            found[k] = words[np.uint64(max(places[k], 0))]
        left = 0
        for k in range(size):
            word = int(found[k]) if places[k] >= 0 else -2 - places[k]
            out[start + k] = word
            open_points[left] = start + k
            records[left] = -2 - word
            prefetch(words, np.uint64(max(-2 - word, 0)))
            prefetch(words, np.uint64(max(-2 - word, 0)) + _LAST)  # most records end there
            left += word < -1
        ones = more = twos = threes = others = 0
        for k in range(left):
            at = np.uint64(records[k])
            one = (words[at] == _TWO_COMPLETE) & (words[at + _SHAPE] >> 1 == 1)
            by_kind[_ONE_EDGE, ones] = k
            by_kind[_MORE, more] = k
            ones += one
            more += not one
        for m in range(more):
            k = by_kind[_MORE, m]
            at = np.uint64(records[k])
            head = words[at]
            pair = words[at + _SHAPE] >> 1 == 2
            two = pair & (head == _TWO_COMPLETE)
            # the last area's words are there, so the second area's shape is not beyond the end
            three = pair & (head == _THREE_COMPLETE)
            three &= words[at + (_SHAPE_NEXT if three else _SHAPE)] >> 1 == 2
            by_kind[_TWO_EDGES, twos] = k
            by_kind[_CORNER, threes] = k
            by_kind[_OTHER, others] = k
            twos += two
            threes += three
            others += not (two | three)
        for m in range(ones):
            at = np.uint64(records[by_kind[_ONE_EDGE, m]])
            _prefetch_edge(edges, words[at + _EDGE])
        for m in range(twos):
            at = np.uint64(records[by_kind[_TWO_EDGES, m]])
            _prefetch_edge(edges, words[at + _EDGE])
            _prefetch_edge(edges, words[at + _EDGE + _ONE])
        for m in range(threes):
            at = np.uint64(records[by_kind[_CORNER, m]])
            _prefetch_edge(edges, words[at + _EDGE])
            _prefetch_edge(edges, words[at + _EDGE + _ONE])
            _prefetch_edge(edges, words[at + _SHAPE_NEXT + _ONE])
            _prefetch_edge(edges, words[at + _SHAPE_NEXT + _ONE + _ONE])
        for m in range(others):
            _prefetch_edges(words, edges, records[by_kind[_OTHER, m]])
        for m in range(ones):
            k = by_kind[_ONE_EDGE, m]
            i = open_points[k]
            at = np.uint64(records[k])
            odd, sure = _side(edges, words[at + _EDGE], xs[i], ys[i])
            odd ^= words[at + _SHAPE] & 1
            out[i] = words[at + (_FIRST if odd else _EDGE + _ONE)]
            by_kind[_OTHER, others] = k
            others += not sure
        for m in range(twos):
            k = by_kind[_TWO_EDGES, m]
            i = open_points[k]
            at = np.uint64(records[k])
            odd, sure = _pair(words, edges, at + _SHAPE, xs[i], ys[i])
            out[i] = words[at + (_FIRST if odd else _NEXT)]
            by_kind[_OTHER, others] = k
            others += not sure
        for m in range(threes):
            k = by_kind[_CORNER, m]
            i = open_points[k]
            at = np.uint64(records[k])
            odd, sure = _pair(words, edges, at + _SHAPE, xs[i], ys[i])
            odd_next, sure_next = _pair(words, edges, at + _SHAPE_NEXT, xs[i], ys[i])
            beyond_first = _NEXT if odd_next else _LAST
            out[i] = words[at + (_FIRST if odd else beyond_first)]
            by_kind[_OTHER, others] = k
            others += not (sure & sure_next)
        for m in range(others):
            k = by_kind[_OTHER, m]
            i = open_points[k]
            out[i] = _first(words, edges, -2 - records[k], xs[i], ys[i])


@njit(cache=True, nogil=True)
def _claims(
    words: Words, edges: Floats, word: int, x: float, y: float, out: NDArray[np.int32], used: int
) -> int:
    """Write the areas that a point touches to `out` from `used` on; give the new end.

    If `out` is too short, the end is right all the same, and nothing is written beyond it.
    """
    if word >= -1:
        if word >= 0:
            if used < out.size:
                out[used] = word
            used += 1
        return used
    at = -2 - word
    number = words[at] >> 1
    at += 1
    for _ in range(number):
        shape = words[at + 1]
        count = shape >> 1
        if belongs(words, edges, at + 2, count, shape & 1, x, y):
            if used < out.size:
                out[used] = words[at]
            used += 1
        at += 2 + count
    return used


@njit(cache=True, nogil=True)
def claims_at(
    header: Floats, words: Words, edges: Floats, x: float, y: float, out: NDArray[np.int32]
) -> int:
    """Write the areas that one point touches to `out`, by rising index; give their number."""
    return _claims(words, edges, word_of(header, words, x, y), x, y, out, 0)


@njit(cache=True, nogil=True)
def claims_many(
    header: Floats,
    words: Words,
    edges: Floats,
    xs: Floats,
    ys: Floats,
    offsets: NDArray[np.int64],
    out: NDArray[np.int32],
) -> None:
    """The areas that each point touches: those of point i are out[offsets[i]:offsets[i + 1]].

    If `out` is too short, the offsets are right all the same; call again with enough room.
    """
    used = 0
    offsets[0] = 0
    for i in range(xs.size):
        word = word_of(header, words, xs[i], ys[i])
        used = _claims(words, edges, word, xs[i], ys[i], out, used)
        offsets[i + 1] = used
