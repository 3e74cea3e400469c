"""What the ways of reading, placing and writing pass to each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from gridsvc.bulk.batch import BatchFault, BulkIndex


@dataclass(frozen=True, slots=True)
class Portion:
    """A row range: bytes of whole CSV lines or a record batch, and where the next one begins."""

    content: Any
    next: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A portion with its codes: the bytes to append to the spool, its rows, its bad rows."""

    content: bytes
    rows: int
    faults: tuple[BatchFault, ...]


#: Places one portion's content; can be pickled, so it runs in any process.
Placer = Callable[[Any, BulkIndex], Placed]


class PointSource(Protocol):
    """A file of points: how it is cut, placed, and put together again.

    ``total`` is its length in ``unit`` (bytes or rows), ``crs`` what it says of itself, ``first``
    where the first portion begins, ``header`` what the spool begins with.
    """

    total: int
    unit: str
    crs: str
    first: int
    header: bytes

    @property
    def placer(self) -> Placer:
        """What places its portions."""
        ...

    def portions(self, start: int) -> Iterator[Portion]:
        """The portions from a place on; the same ones wherever it is begun."""
        ...

    def finish(self, spool: Path, out: Path) -> None:
        """Make OUT of the whole spool, and remove the spool."""
        ...
