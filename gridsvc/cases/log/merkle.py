"""The Merkle tree of RFC 9162, section 2.1, over nodes that are stored.

Leaf hashes (level 0) are stored, and of the nodes above them every eighth level (256, 65,536 ...
leaves): a proof in a tree of any size reads a few hundred hashes, and nothing is kept in memory.
Hashes are SHA-256, 32 bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

__all__ = [
    "LEVELS_APART",
    "GrowingRoot",
    "ReadNodes",
    "consistency_path",
    "inclusion_path",
    "leaf_hash",
    "new_nodes",
    "root",
]

#: Nodes of every so many levels are stored.
LEVELS_APART = 8

#: Reads the stored nodes of a level from ``start`` to before ``stop``, in their order.
ReadNodes = Callable[[int, int, int], Sequence[bytes]]


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def root(read: ReadNodes, size: int) -> bytes:
    """The hash of the tree of the first ``size`` leaves."""
    return _subtree(read, 0, size) if size else hashlib.sha256(b"").digest()


def inclusion_path(read: ReadNodes, index: int, size: int) -> list[bytes]:
    """The proof that leaf ``index`` (from 0) is in the tree of ``size`` leaves, from below up."""
    path, start, stop = [], 0, size
    while stop - start > 1:
        middle = start + _left_width(stop - start)
        if index < middle:
            path.append(_subtree(read, middle, stop))
            stop = middle
        else:
            path.append(_subtree(read, start, middle))
            start = middle
    return path[::-1]


def consistency_path(read: ReadNodes, first: int, second: int) -> list[bytes]:
    """The proof that the tree of ``second`` leaves begins with that of ``first``, 1 or more."""
    path, start, stop, begins_with_first = [], 0, second, True
    while first != stop:
        middle = start + _left_width(stop - start)
        if first <= middle:
            path.append(_subtree(read, middle, stop))
            stop = middle
        else:
            path.append(_subtree(read, start, middle))
            start, begins_with_first = middle, False
    if not begins_with_first:
        path.append(_subtree(read, start, stop))
    return path[::-1]


def new_nodes(read: ReadNodes, level: int, before: int, size: int) -> Iterator[tuple[int, bytes]]:
    """The nodes of a stored level that became whole when a tree of ``before`` leaves grew.

    Each with its number in the level; ``read`` knows the level below up to ``size`` leaves.
    """
    below = level - LEVELS_APART
    for n in range(before >> level, size >> level):
        yield n, _fold(read(below, n << LEVELS_APART, (n + 1) << LEVELS_APART))


class GrowingRoot:
    """The root over leaf hashes that come one after the other; only log2 of them are kept."""

    def __init__(self) -> None:
        self._whole: list[tuple[int, bytes]] = []
        self.size = 0

    def append(self, leaf: bytes) -> None:
        """Take the hash of the next leaf."""
        self.size += 1
        width, node = 1, leaf
        while self._whole and self._whole[-1][0] == width:
            node = _node(self._whole.pop()[1], node)
            width *= 2
        self._whole.append((width, node))

    def root(self) -> bytes:
        """The root over the leaves until now."""
        if not self._whole:
            return hashlib.sha256(b"").digest()
        *lefts, (_, node) = self._whole
        for _, left in reversed(lefts):
            node = _node(left, node)
        return node


def _subtree(read: ReadNodes, start: int, stop: int) -> bytes:
    width = stop - start
    if width & (width - 1):
        middle = start + _left_width(width)
        return _node(_subtree(read, start, middle), _subtree(read, middle, stop))
    level = (width.bit_length() - 1) // LEVELS_APART * LEVELS_APART
    return _fold(read(level, start >> level, stop >> level))


def _fold(nodes: Sequence[bytes]) -> bytes:
    """The root over nodes of one level, as many as a power of two."""
    while len(nodes) > 1:
        nodes = [_node(*pair) for pair in zip(nodes[::2], nodes[1::2], strict=True)]
    return nodes[0]


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _left_width(width: int) -> int:
    """The largest power of two below ``width``."""
    return 1 << ((width - 1).bit_length() - 1)
