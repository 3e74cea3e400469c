"""Areas become a raster of cells with exact records (see `_raster` for the layout).

The raster is built in strips, one row of blocks after the other, so that memory stays small:

1. `_plan` chooses the cell's size from the length of all borders and the area that they enclose;
2. edges are sorted into strips (`edges_by_strip`);
3. `list_areas` takes the areas that meet a strip one by one: it lists the cells that their edges
   touch and fills the cells between them;
4. `_build_strip` writes blocks and records.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gridsvc.errors import TooLarge
from gridsvc.spatial.locator._cells import (
    NODE_AREA,
    NODE_EDGES,
    NODE_INSIDE,
    NODE_NEXT,
    centre,
    edges_by_strip,
    list_areas,
)
from gridsvc.spatial.locator._predicates import CROSSED, crossing
from gridsvc.spatial.locator._raster import (
    BLOCK,
    H_COLUMNS,
    H_PER_LAT,
    H_PER_LON,
    H_ROWS,
    H_X0,
    H_X1,
    H_Y0,
    H_Y1,
    SHIFT,
    column_of,
)
from gridsvc.spatial.locator._rings import merge_edges, ring_edges

Floats = NDArray[np.float64]

_WORDS_A_CROSSING = 5  # of an area in a cell: itself, its shape, an edge, its part of the rest
_SMALLEST_CELL = 1e-7  # degrees, about a centimetre: still millions of times a double's step

Words = NDArray[np.int32]

_MOST_WORDS = 2**31 - 2  # a word holds a position in `words`, or an edge's number and two flags
_MOST_EDGES = 2**29


def _is_tame(edges: Floats, header: Floats) -> bool:
    """Whether all differences of coordinates that a look-up makes are doubles, without rounding.

    Then the arithmetic of `crossing` is exact, the direction of an edge makes no difference, and
    what two areas share may be stored once.
    """
    for low, high, a, b in ((H_X0, H_X1, 0, 2), (H_Y0, H_Y1, 1, 3)):
        nearest = (
            0.0 if header[low] <= 0.0 <= header[high] else min(abs(header[low]), abs(header[high]))
        )
        widest = float(np.abs(edges[:, a] - edges[:, b]).max())
        cell = 1.0 / header[H_PER_LON if a == 0 else H_PER_LAT]
        if widest + 2.0 * cell >= float(np.spacing(nearest)) * 2.0**53:
            return False
    return True


def _expected_words(edges: Floats, number: NDArray[np.int32], header: Floats) -> int:
    """How many words an index will hardly exceed: the cells, and records where edges cross them.

    `edges`: the different edges, (m, 4) in degrees; `number`: which of them each ring edge is.
    """
    cells = (int(header[H_COLUMNS]) + BLOCK) * (int(header[H_ROWS]) + BLOCK)
    crossed = np.abs(edges[:, 2] - edges[:, 0]) * header[H_PER_LON]
    crossed += np.abs(edges[:, 3] - edges[:, 1]) * header[H_PER_LAT]
    times = np.bincount(number, minlength=len(edges))
    return cells + int(_WORDS_A_CROSSING * (crossed @ times + len(number)))


def _plan(edges: Floats, enclosed: float, areas: int) -> Floats:
    """The header of the raster, float64[16], for `areas` areas.

    `edges`: the different edges, (m, 4) in degrees; `enclosed`: what the areas cover, in square
    degrees. Cells are as small as the memory for them allows: about 4 bytes for each cell of a
    block that a border crosses and 40 for each cell that a border crosses; but not smaller than is
    of use: with few edges there are few cells, and 1 point in 100 may need its record.
    """
    x0, y0 = float(edges[:, [0, 2]].min()), float(edges[:, [1, 3]].min())
    x1, y1 = float(edges[:, [0, 2]].max()), float(edges[:, [1, 3]].max())
    narrowing = max(math.cos(math.radians((y0 + y1) / 2.0)), 0.01)
    length = float(
        np.hypot((edges[:, 2] - edges[:, 0]) * narrowing, edges[:, 3] - edges[:, 1]).sum()
    )
    enclosed = max(enclosed * narrowing, 1e-12)
    box = max((x1 - x0) * narrowing * (y1 - y0), enclosed)
    cells = min(max(24e6, 24.0 * areas), 65_536.0 + 512.0 * len(edges))
    records = max(4.5e6, 15.0 * areas)
    side = max(
        0.01 * enclosed / (1.3 * length),
        min(math.sqrt(box / cells), 40.0 * length / cells),
        1.3 * length / records,
        math.sqrt(box / (4.0 * cells)),
        _SMALLEST_CELL,
    )
    lon_side = max(side / narrowing, (x1 - x0) / 200_000.0)
    lat_side = max(side, (y1 - y0) / 200_000.0)
    header = np.zeros(16)
    header[H_X0], header[H_Y0], header[H_X1], header[H_Y1] = x0, y0, x1, y1
    header[H_PER_LON], header[H_PER_LAT] = 1.0 / lon_side, 1.0 / lat_side
    header[H_COLUMNS] = int((x1 - x0) / lon_side) + 1
    header[H_ROWS] = int((y1 - y0) / lat_side) + 1
    return header


@njit(cache=True, nogil=True)
def _is_complete(members: Words, used: int, inside: int) -> bool:
    """Whether areas with these edges cover a whole cell: see `complete` in `_raster`.

    `inside`: how many of them hold the cell's centre. Each edge must be there an even number of
    times; then the number of areas around a point is odd everywhere if it is at the centre.
    """
    if inside & 1 == 0 or used & 1 or used > members.size:
        return False
    for i in range(used):
        same = 0
        for k in range(used):
            same += members[k] == members[i]
        if same & 1:
            return False
    return True


@njit(cache=True, nogil=True)
def _room(out: Words, at: int) -> Words:
    """The same words, long enough for position `at`."""
    if at < out.size:
        return out
    grown = np.empty(2 * at + 1024, np.int32)
    for k in range(out.size):  # as in `_cells._longer`
        grown[k] = out[k]
    return grown


@njit(cache=True, nogil=True)
def _record(
    header: Floats,
    edges: Floats,
    nodes: Words,
    links: Words,
    node: int,
    row: int,
    column: int,
    tame: bool,
    out: Words,
    at: int,
) -> tuple[Words, int, bool]:
    """Write the record of a cell whose list begins with `node` to `out` from `at` on.

    Gives the (perhaps longer) `out`, the end, and whether the record has edges.
    """
    members = np.empty(64, np.int32)
    x, y = centre(header, row, column)
    columns = int(header[H_COLUMNS])
    used = at + 1
    count = inside = total = 0
    while node >= 0:
        shape = used + 1
        used += 2
        odd = nodes[node, NODE_INSIDE]
        inside += odd
        link = nodes[node, NODE_EDGES]
        own = 0
        while link >= 0:
            key = links[link, 0]
            x1, y1, x2, y2 = edges[key, 0], edges[key, 1], edges[key, 2], edges[key, 3]
            flags = 0
            if column_of(x1, header[H_X0], header[H_PER_LON], columns) > column:
                flags |= 1
                odd ^= y >= y1
            if column_of(x2, header[H_X0], header[H_PER_LON], columns) > column:
                flags |= 2
                odd ^= y >= y2
            odd ^= crossing(x1, y1, x2, y2, x, y) == CROSSED
            out = _room(out, used)
            out[used] = key << 2 | flags
            used += 1
            if total < members.size:
                members[total] = key
            total += 1
            own += 1
            link = links[link, 1]
        out = _room(out, shape)
        out[shape - 1] = nodes[node, NODE_AREA]
        out[shape] = own << 1 | odd
        count += 1
        node = nodes[node, NODE_NEXT]
    out[at] = count << 1 | (tame and _is_complete(members, total, inside))
    return out, used, total > 0


@njit(cache=True, nogil=True)
def _build_strip(
    strip: int,
    header: Floats,
    edges: Floats,
    number: Words,
    area_of: Words,
    listed: Words,
    tame: bool,
    base: int,
    directory: Words,
) -> Words:
    """The blocks and records of one strip; its words of the directory are written in place.

    `listed`: the ring edges of this strip, by rising area; `base`: where in `words` the result
    will stand.
    """
    alone, head, nodes, links = list_areas(strip, header, edges, number, area_of, listed)
    columns = int(header[H_COLUMNS])
    rows = alone.size // columns
    blocks = (columns + BLOCK - 1) >> SHIFT
    out = np.empty(4096, np.int32)
    used = 0
    for block in range(blocks):
        left = block << SHIFT
        right = min(left + BLOCK, columns)
        same = True
        for row in range(rows):
            for cell in range(row * columns + left, row * columns + right):
                same &= head[cell] < 0 and alone[cell] == alone[left]
        if same:
            directory[strip * blocks + block] = alone[left]
            continue
        start = used
        directory[strip * blocks + block] = -2 - (base + start)
        used += BLOCK * BLOCK
        out = _room(out, used)
        out[start:used] = -1
        plain = -1  # the last record without edges: the next cell often has the same
        for row in range(rows):
            for column in range(left, right):
                cell = row * columns + column
                slot = start + (row << SHIFT) + column - left
                if head[cell] < 0:
                    out[slot] = alone[cell]
                    continue
                record = used
                out, used, has_edges = _record(
                    header,
                    edges,
                    nodes,
                    links,
                    head[cell],
                    (strip << SHIFT) + row,
                    column,
                    tame,
                    out,
                    record,
                )
                if not has_edges:
                    size = used - record
                    same = plain >= 0
                    for k in range(size):
                        same = same and out[plain + k] == out[record + k]
                    if same:
                        used = record
                        record = plain
                    plain = record
                out[slot] = -2 - (base + record)
    return out[:used].copy()


def _by_place(edges: Floats, header: Floats) -> NDArray[np.int64]:
    """An order in which edges that lie near each other stand near each other."""
    column = ((edges[:, 0] - header[H_X0]) * header[H_PER_LON] / BLOCK).astype(np.int64)
    row = ((edges[:, 1] - header[H_Y0]) * header[H_PER_LAT] / BLOCK).astype(np.int64)
    return np.argsort(row * (int(column.max()) + 1) + column, kind="stable")


def _too_large(what: str) -> TooLarge:
    return TooLarge(f"The areas need {what}, which is too large; index them in several parts.")


def build_index(shapes: NDArray[np.object_], enclosed: float) -> tuple[Floats, Words, Floats]:
    """The arrays `header`, `words` and `edges` of an index; see `_raster`.

    `shapes`: valid polygons and multipolygons, WGS84 lon/lat; `enclosed`: the sum of their areas
    in square degrees. Raises `TooLarge` where 32 bits are not enough for the positions in it.
    """
    given, area_of = ring_edges(shapes)
    edges, number = merge_edges(given, True)
    header = _plan(edges, enclosed, len(shapes))
    tame = _is_tame(edges, header)
    if not tame:
        edges, number = merge_edges(given, False)
    del given
    if len(edges) > _MOST_EDGES:
        raise _too_large(f"{len(edges):,} edges")
    order = _by_place(edges, header)
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    edges, number = edges[order], place[number]
    offsets, listed = edges_by_strip(header, edges, number)
    strips = len(offsets) - 1
    directory = np.empty(strips * ((int(header[H_COLUMNS]) + BLOCK - 1) >> SHIFT), np.int32)
    used = len(directory)
    # What is never written takes no memory. Room that is there from the start comes in large pages,
    # for which NumPy asks: few enough for the processor to know where each of them is.
    words = np.empty(_expected_words(edges, number, header), dtype=np.int32)
    for strip in range(strips):
        piece = _build_strip(
            strip,
            header,
            edges,
            number,
            area_of,
            listed[offsets[strip] : offsets[strip + 1]],
            tame,
            used,
            directory,
        )
        if used + len(piece) > _MOST_WORDS:
            raise _too_large(f"an index of more than {_MOST_WORDS:,} words")
        if used + len(piece) > len(words):
            # a large array grows where it is or is mapped elsewhere: there is never a second copy
            words.resize(used + used // 4 + len(piece), refcheck=False)
        words[used : used + len(piece)] = piece
        used += len(piece)
    words.resize(used, refcheck=False)
    words[: len(directory)] = directory
    return header, words, edges
