"""What is wrong with the rows of an import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["ImportResult", "RowFault", "RowFaults"]


@dataclass(frozen=True, slots=True)
class RowFault:
    """One reason why one row is refused.

    ``row`` counts the data rows from 1; ``line`` is the line of a CSV file, None elsewhere;
    ``code`` is the 8-digit code that the row gave, if any.
    """

    row: int
    code: str | None
    reason: str
    line: int | None = None

    def __str__(self) -> str:
        where = f"row {self.row}" if self.line is None else f"row {self.row} (line {self.line})"
        return f"{where}{f', code {self.code}' if self.code else ''}: {self.reason}"


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did: parts loaded, every fault by row, parts that lie in no unit grid.

    Any fault means that nothing was loaded; ``rows`` is what the source held.
    """

    rows: int
    loaded: int
    refused: tuple[RowFault, ...]
    without_grid: int
    codes: tuple[str, ...] = ()


class RowFaults:
    """Collects the reasons row by row; rows here count from 0."""

    def __init__(self, count: int) -> None:
        self._reasons: dict[int, list[str]] = {}
        self.bad: NDArray[np.bool_] = np.zeros(count, dtype=bool)

    def refuse(self, row: int, reason: str) -> None:
        """Add a reason for one row."""
        self._reasons.setdefault(row, []).append(reason)
        self.bad[row] = True

    def refuse_where(self, mask: ArrayLike, reason: str) -> None:
        """Add one reason for all rows where the mask (bool, n) holds."""
        for row in np.flatnonzero(mask).tolist():
            self.refuse(row, reason)

    def refuse_each(self, reasons: Mapping[int, str]) -> None:
        """Add a reason of its own for each row named."""
        for row, reason in reasons.items():
            self.refuse(row, reason)

    def listed(
        self, codes: NDArray[np.object_], lines: NDArray[np.int64] | None
    ) -> tuple[RowFault, ...]:
        """All faults in order of row, as a person counts rows."""
        return tuple(
            RowFault(
                row + 1, codes[row] or None, reason, None if lines is None else int(lines[row])
            )
            for row in sorted(self._reasons)
            for reason in self._reasons[row]
        )
