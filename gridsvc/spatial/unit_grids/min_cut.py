"""The cheapest way to part a graph between given ends: maximum flow after Dinic.

Compiled by numba, without the GIL; the same input gives the same bits.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@njit(cache=True, nogil=True)
def min_cut(
    begin: Ints, other: Ints, back: Ints, width: Floats, source: Flags, sink: Flags
) -> Flags:
    """Give the side of the sources, bool (n,), of a cut of least total width.

    Neighbours of node k are ``other[begin[k]:begin[k + 1]]`` over arcs of ``width``; ``back`` is
    the number of the arc in the other direction. ``source``, ``sink``: bool (n,), apart.
    """
    n = begin.size - 1
    left = width.copy()
    level = np.empty(n, np.int64)
    queue = np.empty(n, np.int64)
    at = np.empty(n, np.int64)
    path = np.empty(n + 1, np.int64)
    least = 1e-9
    while True:
        level[:] = -1
        head = tail = 0
        for k in range(n):
            if source[k]:
                level[k] = 0
                queue[tail] = k
                tail += 1
        reached = False
        while head < tail:
            k = queue[head]
            head += 1
            if sink[k]:
                reached = True
                continue
            for arc in range(begin[k], begin[k + 1]):
                to = other[arc]
                if level[to] < 0 and left[arc] > least:
                    level[to] = level[k] + 1
                    queue[tail] = to
                    tail += 1
        if not reached:
            return level >= 0
        at[:] = begin[:n]
        for first in range(n):
            if not source[first]:
                continue
            depth = 0
            node = first
            while True:
                if sink[node]:
                    most = np.inf
                    for d in range(depth):
                        most = min(most, left[path[d]])
                    stop = 0
                    for d in range(depth - 1, -1, -1):
                        left[path[d]] -= most
                        left[back[path[d]]] += most
                        if left[path[d]] <= least:
                            stop = d
                    depth = stop
                    node = other[back[path[depth]]]
                    continue
                if at[node] < begin[node + 1]:
                    arc = at[node]
                    to = other[arc]
                    if left[arc] > least and level[to] == level[node] + 1:
                        path[depth] = arc
                        depth += 1
                        node = to
                    else:
                        at[node] += 1
                else:
                    if depth == 0:
                        break
                    level[node] = -1
                    depth -= 1
                    node = other[back[path[depth]]]
                    at[node] += 1
