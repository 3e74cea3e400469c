"""Which areas touch which cells of a strip (one row of blocks), by which edges."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gridsvc.spatial.locator._predicates import CROSSED, crossing
from gridsvc.spatial.locator._raster import (
    BLOCK,
    H_COLUMNS,
    H_PER_LAT,
    H_PER_LON,
    H_ROWS,
    H_X0,
    H_Y0,
    SHIFT,
    column_of,
)

Words = NDArray[np.int32]
Floats = NDArray[np.float64]

# A node of a cell's list: the area, whether it holds the cell's centre, the next node, and the
# first link of its edges.
NODE_AREA, NODE_INSIDE, NODE_NEXT, NODE_EDGES = range(4)

_MARGIN = 1e-3  # of a cell: an edge is listed in the cells that it comes this near to


@njit(cache=True, nogil=True)
def _rows_of(edge: Floats, header: Floats) -> tuple[int, int]:
    """The first and last row that an edge comes near to."""
    rows = int(header[H_ROWS])
    margin = _MARGIN / header[H_PER_LAT]
    low = max(min(edge[1], edge[3]) - margin, header[H_Y0])
    high = max(edge[1], edge[3]) + margin
    return (
        column_of(low, header[H_Y0], header[H_PER_LAT], rows),
        column_of(high, header[H_Y0], header[H_PER_LAT], rows),
    )


@njit(cache=True, nogil=True)
def edges_by_strip(
    header: Floats, edges: Floats, number: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """For each strip, the ring edges that come near to it, in their order (offsets, list)."""
    strips = (int(header[H_ROWS]) + BLOCK - 1) >> SHIFT
    offsets = np.zeros(strips + 1, np.int64)
    for i in range(number.size):
        first, last = _rows_of(edges[number[i]], header)
        for strip in range(first >> SHIFT, (last >> SHIFT) + 1):
            offsets[strip + 1] += 1
    for strip in range(strips):
        offsets[strip + 1] += offsets[strip]
    listed = np.empty(offsets[strips], np.int32)
    filled = offsets[:-1].copy()
    for i in range(number.size):
        first, last = _rows_of(edges[number[i]], header)
        for strip in range(first >> SHIFT, (last >> SHIFT) + 1):
            listed[filled[strip]] = i
            filled[strip] += 1
    return offsets, listed


@njit(cache=True, nogil=True)
def _columns_of(edge: Floats, header: Floats, row: int) -> tuple[int, int]:
    """The first and last column in which an edge comes near to a row that it comes near to."""
    x1, y1, x2, y2 = edge[0], edge[1], edge[2], edge[3]
    if y2 < y1:
        x1, y1, x2, y2 = x2, y2, x1, y1
    margin = _MARGIN / header[H_PER_LAT]
    bottom = header[H_Y0] + row / header[H_PER_LAT] - margin
    top = header[H_Y0] + (row + 1) / header[H_PER_LAT] + margin
    a = x1
    b = x2
    if y1 < bottom:
        a = x1 + (bottom - y1) / (y2 - y1) * (x2 - x1)
    # the last row takes all that lies above it, as `column_of` does
    if y2 > top and row < int(header[H_ROWS]) - 1:
        b = x1 + (top - y1) / (y2 - y1) * (x2 - x1)
    margin = _MARGIN / header[H_PER_LON]
    columns = int(header[H_COLUMNS])
    west = max(min(a, b) - margin, header[H_X0])
    east = max(max(a, b) + margin, header[H_X0])
    return (
        column_of(west, header[H_X0], header[H_PER_LON], columns),
        column_of(east, header[H_X0], header[H_PER_LON], columns),
    )


@njit(cache=True, nogil=True)
def centre(header: Floats, row: int, column: int) -> tuple[float, float]:
    """The point by which the state of a cell is fixed."""
    return (
        header[H_X0] + (column + 0.5) / header[H_PER_LON],
        header[H_Y0] + (row + 0.5) / header[H_PER_LAT],
    )


@njit(cache=True, nogil=True)
def _columns_west_of(edge: Floats, header: Floats, row: int) -> int:
    """How many cells of a row, from the west, have their centre west of an edge that spans it."""
    x, y = centre(header, row, 0)
    at = edge[0] + (y - edge[1]) / (edge[3] - edge[1]) * (edge[2] - edge[0])
    columns = int(header[H_COLUMNS])
    count = min(max(int((at - x) * header[H_PER_LON] + 1.0), 0), columns)
    while count < columns:
        x, y = centre(header, row, count)
        if crossing(edge[0], edge[1], edge[2], edge[3], x, y) != CROSSED:
            break
        count += 1
    while count > 0:
        x, y = centre(header, row, count - 1)
        if crossing(edge[0], edge[1], edge[2], edge[3], x, y) == CROSSED:
            break
        count -= 1
    return count


@njit(cache=True, nogil=True)
def _longer(rows: Words, used: int) -> Words:
    """The same rows (n, k) with room for at least one more."""
    if used < rows.shape[0]:
        return rows
    width = rows.shape[1]
    grown = np.empty((2 * rows.shape[0], width), np.int32)
    for k in range(used):  # a copy by slices takes three seconds more to compile
        for column in range(width):
            grown[k, column] = rows[k, column]
    return grown


@njit(cache=True, nogil=True)
def _sort(keys: NDArray[np.int64], count: int) -> None:
    """Sort the first `count` keys in place (Shell's way: mostly a handful, quick to compile)."""
    gap = 1
    while gap < count:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, count):
            key = keys[i]
            k = i
            while k >= gap and keys[k - gap] > key:
                keys[k] = keys[k - gap]
                k -= gap
            keys[k] = key
        gap //= 3


@njit(cache=True, nogil=True)
def _append(
    nodes: Words, used: int, head: Words, tail: Words, cell: int, area: int, inside: int
) -> Words:
    """Append a node to a cell's list of areas; give the (perhaps longer) nodes."""
    nodes = _longer(nodes, used)
    nodes[used, NODE_AREA] = area
    nodes[used, NODE_INSIDE] = inside
    nodes[used, NODE_NEXT] = -1
    nodes[used, NODE_EDGES] = -1
    if tail[cell] < 0:
        head[cell] = used
    else:
        nodes[tail[cell], NODE_NEXT] = used
    tail[cell] = used
    return nodes


@njit(cache=True, nogil=True)
def list_areas(
    strip: int,
    header: Floats,
    edges: Floats,
    number: Words,
    area_of: Words,
    listed: Words,
) -> tuple[Words, Words, Words, Words]:
    """The areas that touch each cell of a strip: `alone, head, nodes, links`.

    `alone`: the one area that fills a cell, or -1; `head`: the first node of the cell's list, or
    -1; `links`: (edge, next link). `listed`: the ring edges of the strip, by rising area.
    """
    columns = int(header[H_COLUMNS])
    bottom = strip << SHIFT
    top = min(bottom + BLOCK, int(header[H_ROWS]))
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
            first, last = _rows_of(edge, header)
            for row in range(max(first, bottom), min(last + 1, top)):
                west, east = _columns_of(edge, header, row)
                for column in range(west, east + 1):
                    cell = (row - bottom) * columns + column
                    if tail[cell] < 0 or nodes[tail[cell], NODE_AREA] != area:
                        if alone[cell] >= 0:
                            nodes = _append(nodes, used_nodes, head, tail, cell, alone[cell], 1)
                            used_nodes += 1
                            alone[cell] = -1
                        nodes = _append(nodes, used_nodes, head, tail, cell, area, 0)
                        used_nodes += 1
                    links = _longer(links, used_links)
                    links[used_links, 0] = key
                    links[used_links, 1] = nodes[tail[cell], NODE_EDGES]
                    nodes[tail[cell], NODE_EDGES] = used_links
                    used_links += 1
                _, y = centre(header, row, 0)
                if (edge[1] > y) != (edge[3] > y):
                    if crossings == spans.size:
                        longer = np.empty(2 * crossings, np.int64)
                        for k in range(crossings):
                            longer[k] = spans[k]
                        spans = longer
                    spans[crossings] = row << 32 | _columns_west_of(edge, header, row)
                    crossings += 1
        # between the first and second, third and fourth, ... crossing of a row, centres are inside
        _sort(spans, crossings)
        for k in range(0, crossings - 1, 2):
            at = ((spans[k] >> 32) - bottom) * columns
            for cell in range(at + (spans[k] & 0xFFFFFFFF), at + (spans[k + 1] & 0xFFFFFFFF)):
                if tail[cell] < 0 and alone[cell] < 0:
                    alone[cell] = area
                elif tail[cell] >= 0 and nodes[tail[cell], NODE_AREA] == area:
                    nodes[tail[cell], NODE_INSIDE] = 1
                else:
                    if alone[cell] >= 0:
                        nodes = _append(nodes, used_nodes, head, tail, cell, alone[cell], 1)
                        used_nodes += 1
                        alone[cell] = -1
                    nodes = _append(nodes, used_nodes, head, tail, cell, area, 1)
                    used_nodes += 1
        start = end
    return alone, head, nodes, links
