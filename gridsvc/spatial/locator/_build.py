"""Areas become a raster of cells with exact records (see `_raster` for the layout).

The raster is built in strips, one row of blocks after the other, so that memory stays small:

1. `plan` chooses the cell's size from the length of all borders and the area that they enclose;
2. edges are sorted into strips (`_edges_by_strip`);
3. `_build_strip` takes the areas that meet a strip one by one: it lists the cells that their edges
   touch, fills the cells between them, and writes blocks and records.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gridsvc.spatial.locator._predicates import CROSSED, crossing
from gridsvc.spatial.locator._raster import (
    BLOCK,
    F_COLUMNS,
    F_PER_LAT,
    F_PER_LON,
    F_ROWS,
    F_X0,
    F_X1,
    F_Y0,
    F_Y1,
    SHIFT,
    column_of,
)
from gridsvc.spatial.locator._rings import merge_edges, ring_edges

__all__ = ["build_index", "plan"]

Words = NDArray[np.int32]
Floats = NDArray[np.float64]

_METRES_PER_DEGREE = 111_320.0
_SMALLEST_CELL = 1e-7  # degrees, about a centimetre: still millions of times a double's step
_MARGIN = 1e-3  # of a cell: an edge is listed in the cells that it comes this near to


def _is_tame(edges: Floats, frame: Floats) -> bool:
    """Whether all differences of coordinates that a look-up makes are doubles, without rounding.

    Then the arithmetic of `crossing` is exact, the direction of an edge makes no difference, and
    what two areas share may be stored once.
    """
    for low, high, a, b in ((F_X0, F_X1, 0, 2), (F_Y0, F_Y1, 1, 3)):
        nearest = (
            0.0 if frame[low] <= 0.0 <= frame[high] else min(abs(frame[low]), abs(frame[high]))
        )
        if nearest == 0.0:
            return False
        widest = float(np.abs(edges[:, a] - edges[:, b]).max())
        cell = 1.0 / frame[F_PER_LON if a == 0 else F_PER_LAT]
        if widest + 2.0 * cell >= float(np.spacing(nearest)) * 2.0**53:
            return False
    return True


def plan(edges: Floats, enclosed: float, areas: int) -> Floats:
    """The frame of the raster, float64[16], for `areas` areas.

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
    cells = min(max(24e6, 24.0 * areas), 65_536.0 + 2_048.0 * len(edges))
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
    frame = np.zeros(16)
    frame[F_X0], frame[F_Y0], frame[F_X1], frame[F_Y1] = x0, y0, x1, y1
    frame[F_PER_LON], frame[F_PER_LAT] = 1.0 / lon_side, 1.0 / lat_side
    frame[F_COLUMNS] = int((x1 - x0) / lon_side) + 1
    frame[F_ROWS] = int((y1 - y0) / lat_side) + 1
    return frame


@njit(cache=True, nogil=True, inline="always")
def _rows_of(edge: Floats, frame: Floats) -> tuple[int, int]:
    """The first and last row that an edge comes near to."""
    rows = int(frame[F_ROWS])
    margin = _MARGIN / frame[F_PER_LAT]
    low = max(min(edge[1], edge[3]) - margin, frame[F_Y0])
    high = max(edge[1], edge[3]) + margin
    return (
        column_of(low, frame[F_Y0], frame[F_PER_LAT], rows),
        column_of(high, frame[F_Y0], frame[F_PER_LAT], rows),
    )


@njit(cache=True, nogil=True)
def _edges_by_strip(
    frame: Floats, edges: Floats, number: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """For each strip, the ring edges that come near to it, in their order (offsets, list)."""
    strips = (int(frame[F_ROWS]) + BLOCK - 1) >> SHIFT
    offsets = np.zeros(strips + 1, np.int64)
    for i in range(number.size):
        first, last = _rows_of(edges[number[i]], frame)
        for strip in range(first >> SHIFT, (last >> SHIFT) + 1):
            offsets[strip + 1] += 1
    for strip in range(strips):
        offsets[strip + 1] += offsets[strip]
    listed = np.empty(offsets[strips], np.int32)
    filled = offsets[:-1].copy()
    for i in range(number.size):
        first, last = _rows_of(edges[number[i]], frame)
        for strip in range(first >> SHIFT, (last >> SHIFT) + 1):
            listed[filled[strip]] = i
            filled[strip] += 1
    return offsets, listed


@njit(cache=True, nogil=True, inline="always")
def _columns_of(edge: Floats, frame: Floats, row: int) -> tuple[int, int]:
    """The first and last column in which an edge comes near to a row that it comes near to."""
    x1, y1, x2, y2 = edge[0], edge[1], edge[2], edge[3]
    if y2 < y1:
        x1, y1, x2, y2 = x2, y2, x1, y1
    margin = _MARGIN / frame[F_PER_LAT]
    bottom = frame[F_Y0] + row / frame[F_PER_LAT] - margin
    top = frame[F_Y0] + (row + 1) / frame[F_PER_LAT] + margin
    a = x1
    b = x2
    if y1 < bottom:
        a = x1 + (bottom - y1) / (y2 - y1) * (x2 - x1)
    # the last row takes all that lies above it, as `column_of` does
    if y2 > top and row < int(frame[F_ROWS]) - 1:
        b = x1 + (top - y1) / (y2 - y1) * (x2 - x1)
    margin = _MARGIN / frame[F_PER_LON]
    columns = int(frame[F_COLUMNS])
    west = max(min(a, b) - margin, frame[F_X0])
    east = max(max(a, b) + margin, frame[F_X0])
    return (
        column_of(west, frame[F_X0], frame[F_PER_LON], columns),
        column_of(east, frame[F_X0], frame[F_PER_LON], columns),
    )


@njit(cache=True, nogil=True, inline="always")
def _centre(frame: Floats, row: int, column: int) -> tuple[float, float]:
    """The point by which the state of a cell is fixed."""
    return (
        frame[F_X0] + (column + 0.5) / frame[F_PER_LON],
        frame[F_Y0] + (row + 0.5) / frame[F_PER_LAT],
    )


@njit(cache=True, nogil=True, inline="always")
def _columns_west_of(edge: Floats, frame: Floats, row: int) -> int:
    """How many cells of a row, from the west, have their centre west of an edge that spans it."""
    x, y = _centre(frame, row, 0)
    at = edge[0] + (y - edge[1]) / (edge[3] - edge[1]) * (edge[2] - edge[0])
    columns = int(frame[F_COLUMNS])
    count = min(max(int((at - x) * frame[F_PER_LON] + 1.0), 0), columns)
    while count < columns:
        x, y = _centre(frame, row, count)
        if crossing(edge[0], edge[1], edge[2], edge[3], x, y) != CROSSED:
            break
        count += 1
    while count > 0:
        x, y = _centre(frame, row, count - 1)
        if crossing(edge[0], edge[1], edge[2], edge[3], x, y) == CROSSED:
            break
        count -= 1
    return count


@njit(cache=True, nogil=True)
def _longer(rows: Words, used: int) -> Words:
    """The same rows (n, k) with room for at least one more."""
    if used < rows.shape[0]:
        return rows
    grown = np.empty((2 * rows.shape[0], rows.shape[1]), np.int32)
    grown[:used] = rows[:used]
    return grown


_AREA, _INSIDE, _NEXT, _EDGES = range(4)  # a node: area, holds the centre, next node, first link


@njit(cache=True, nogil=True, inline="always")
def _append(
    nodes: Words, used: int, head: Words, tail: Words, cell: int, area: int, inside: int
) -> Words:
    """Append a node to a cell's list of areas; give the (perhaps longer) nodes."""
    nodes = _longer(nodes, used)
    nodes[used, _AREA] = area
    nodes[used, _INSIDE] = inside
    nodes[used, _NEXT] = -1
    nodes[used, _EDGES] = -1
    if tail[cell] < 0:
        head[cell] = used
    else:
        nodes[tail[cell], _NEXT] = used
    tail[cell] = used
    return nodes


@njit(cache=True, nogil=True)
def _list_areas(
    strip: int,
    frame: Floats,
    edges: Floats,
    number: Words,
    area_of: Words,
    listed: Words,
) -> tuple[Words, Words, Words, Words]:
    """The areas that touch each cell of a strip: `alone, head, nodes, links`.

    `alone`: the one area that fills a cell, or -1; `head`: the first node of the cell's list, or
    -1; `links`: (edge, next link). `listed`: the ring edges of the strip, by rising area.
    """
    columns = int(frame[F_COLUMNS])
    bottom = strip << SHIFT
    top = min(bottom + BLOCK, int(frame[F_ROWS]))
    alone = np.full((top - bottom) * columns, -1, np.int32)
    head = np.full(alone.size, -1, np.int32)
    tail = np.full(alone.size, -1, np.int32)
    nodes = np.empty((1024, 4), np.int32)
    links = np.empty((1024, 2), np.int32)
    used_nodes = used_links = 0
    spans = np.empty(256, np.int64)
    start = 0
    while start < listed.size:
        area = area_of[listed[start]]
        crossings = 0
        end = start
        while end < listed.size and area_of[listed[end]] == area:
            key = number[listed[end]]
            end += 1
            edge = edges[key]
            first, last = _rows_of(edge, frame)
            for row in range(max(first, bottom), min(last + 1, top)):
                west, east = _columns_of(edge, frame, row)
                for column in range(west, east + 1):
                    cell = (row - bottom) * columns + column
                    if tail[cell] < 0 or nodes[tail[cell], _AREA] != area:
                        if alone[cell] >= 0:
                            nodes = _append(nodes, used_nodes, head, tail, cell, alone[cell], 1)
                            used_nodes += 1
                            alone[cell] = -1
                        nodes = _append(nodes, used_nodes, head, tail, cell, area, 0)
                        used_nodes += 1
                    links = _longer(links, used_links)
                    links[used_links, 0] = key
                    links[used_links, 1] = nodes[tail[cell], _EDGES]
                    nodes[tail[cell], _EDGES] = used_links
                    used_links += 1
                _, y = _centre(frame, row, 0)
                if (edge[1] > y) != (edge[3] > y):
                    if crossings == spans.size:
                        longer = np.empty(2 * spans.size, np.int64)
                        longer[:crossings] = spans
                        spans = longer
                    spans[crossings] = row << 32 | _columns_west_of(edge, frame, row)
                    crossings += 1
        # between the first and second, third and fourth, ... crossing of a row, centres are inside
        spans[:crossings].sort()
        for k in range(0, crossings - 1, 2):
            at = ((spans[k] >> 32) - bottom) * columns
            for cell in range(at + (spans[k] & 0xFFFFFFFF), at + (spans[k + 1] & 0xFFFFFFFF)):
                if tail[cell] < 0 and alone[cell] < 0:
                    alone[cell] = area
                elif tail[cell] >= 0 and nodes[tail[cell], _AREA] == area:
                    nodes[tail[cell], _INSIDE] = 1
                else:
                    if alone[cell] >= 0:
                        nodes = _append(nodes, used_nodes, head, tail, cell, alone[cell], 1)
                        used_nodes += 1
                        alone[cell] = -1
                    nodes = _append(nodes, used_nodes, head, tail, cell, area, 1)
                    used_nodes += 1
        start = end
    return alone, head, nodes, links


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
def _record(
    frame: Floats,
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
    x, y = _centre(frame, row, column)
    columns = int(frame[F_COLUMNS])
    used = at + 1
    count = inside = total = 0
    while node >= 0:
        shape = used + 1
        used += 2
        odd = nodes[node, _INSIDE]
        inside += odd
        link = nodes[node, _EDGES]
        own = 0
        while link >= 0:
            key = links[link, 0]
            x1, y1, x2, y2 = edges[key, 0], edges[key, 1], edges[key, 2], edges[key, 3]
            flags = 0
            if column_of(x1, frame[F_X0], frame[F_PER_LON], columns) > column:
                flags |= 1
                odd ^= y >= y1
            if column_of(x2, frame[F_X0], frame[F_PER_LON], columns) > column:
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
        out[shape - 1] = nodes[node, _AREA]
        out[shape] = own << 1 | odd
        count += 1
        node = nodes[node, _NEXT]
    out[at] = count << 1 | (tame and _is_complete(members, total, inside))
    return out, used, total > 0


@njit(cache=True, nogil=True, inline="always")
def _room(out: Words, at: int) -> Words:
    """The same words, long enough for position `at`."""
    if at < out.size:
        return out
    grown = np.empty(2 * at + 1024, np.int32)
    grown[: out.size] = out
    return grown


@njit(cache=True, nogil=True)
def _build_strip(
    strip: int,
    frame: Floats,
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
    alone, head, nodes, links = _list_areas(strip, frame, edges, number, area_of, listed)
    columns = int(frame[F_COLUMNS])
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
                    frame,
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
                    if plain >= 0 and np.array_equal(
                        out[plain : plain + size], out[record : record + size]
                    ):
                        used = record
                        record = plain
                    plain = record
                out[slot] = -2 - (base + record)
    return out[:used].copy()


def _by_place(edges: Floats, frame: Floats) -> NDArray[np.int64]:
    """An order in which edges that lie near each other stand near each other."""
    column = ((edges[:, 0] - frame[F_X0]) * frame[F_PER_LON] / BLOCK).astype(np.int64)
    row = ((edges[:, 1] - frame[F_Y0]) * frame[F_PER_LAT] / BLOCK).astype(np.int64)
    return np.argsort(row * (int(column.max()) + 1) + column, kind="stable")


def build_index(shapes: NDArray[np.object_], enclosed: float) -> tuple[Floats, Words, Floats]:
    """The arrays `frame`, `words` and `edges` of an index; see `_raster`.

    `shapes`: valid polygons and multipolygons, WGS84 lon/lat; `enclosed`: the sum of their areas
    in square degrees.
    """
    given, area_of = ring_edges(shapes)
    edges, number = merge_edges(given, True)
    frame = plan(edges, enclosed, len(shapes))
    tame = _is_tame(edges, frame)
    if not tame:
        edges, number = merge_edges(given, False)
    del given
    order = _by_place(edges, frame)
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    edges, number = edges[order], place[number]
    offsets, listed = _edges_by_strip(frame, edges, number)
    strips = len(offsets) - 1
    directory = np.empty(strips * ((int(frame[F_COLUMNS]) + BLOCK - 1) >> SHIFT), np.int32)
    pieces: list[Words] = []
    used = len(directory)
    for strip in range(strips):
        piece = _build_strip(
            strip,
            frame,
            edges,
            number,
            area_of,
            listed[offsets[strip] : offsets[strip + 1]],
            tame,
            used,
            directory,
        )
        pieces.append(piece)
        used += len(piece)
    words = np.empty(used, dtype=np.int32)
    words[: len(directory)] = directory
    at = len(directory)
    for strip in range(strips):  # each piece is let go once it is copied
        words[at : at + len(pieces[strip])] = pieces[strip]
        at += len(pieces[strip])
        pieces[strip] = directory
    return frame, words, edges
