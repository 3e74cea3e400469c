"""Faults of a procedure's file, told with file, line and reason."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gridsvc.errors import BadFile

_HEADER = re.compile(r"\[\[?\s*([a-z_.]+)\s*\]\]?$")


@dataclass(frozen=True, slots=True)
class ProcedureFile:
    """The text of a procedure's file, in which faults are found again."""

    file: str
    text: str

    def fault(self, table: str, n: int, reason: str, *, key: str = "name") -> BadFile:
        """A fault of the ``n``-th table of that kind (``steps``, ``returns``, ``acts.suspend``).

        The table ``""`` is the file's head. The line is that of ``key``, where the file has it,
        else of the name, else of the table's header.
        """
        rows = self.text.splitlines()
        begin, end = self._block(rows, table, n)
        for wanted in (key, "name"):
            for i in range(begin, end):
                if re.match(rf"{re.escape(wanted)}\s*=", rows[i].strip()):
                    return BadFile(f"{self.file}, line {i + 1}: {reason}")
        return BadFile(f"{self.file}, line {begin + 1}: {reason}")

    @staticmethod
    def _block(rows: list[str], table: str, n: int) -> tuple[int, int]:
        """The first line of a table and the line behind its last."""
        headers = [
            (i, found[1]) for i, row in enumerate(rows) if (found := _HEADER.match(row.strip()))
        ]
        if not table:
            return 0, headers[0][0] if headers else len(rows)
        own = [i for i, name in headers if name == table]
        if n >= len(own):
            return 0, len(rows)
        following = [i for i, name in headers if i > own[n] and not name.startswith(f"{table}.")]
        return own[n], following[0] if following else len(rows)
