"""CSV tables, those that come in and those of the package, read and refused in one way.

UTF-8, with or without a byte order mark; quotes must be closed. Every error names the line on which
the record begins.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from gridsvc.errors import BadFile


class Row(dict[str, str]):
    """A record of a table: its cells by column, without blanks around them.

    ``line`` is where it begins; ``where`` says file and line, to begin an error with. ``fault``
    says why it has no cells, None when it has.
    """

    __slots__ = ("fault", "line", "where")

    def __init__(self, cells: dict[str, str], line: int, where: str, fault: str | None) -> None:
        super().__init__(cells)
        self.line, self.where, self.fault = line, where, fault


def table(
    path: Path,
    columns: Sequence[str],
    optional: Sequence[str] | None = (),
    *,
    key: Sequence[str] = (),
    ragged: bool = False,
) -> Iterator[Row]:
    """The rows of a CSV file whose columns, in any order, are ``columns`` and perhaps ``optional``.

    ``optional`` None takes any others. A row has all of ``columns`` and ``optional``, '' where the
    file has no such column. No two rows may agree in all columns of ``key``. With ``ragged``, a
    record with too few or too many fields comes as a row with a ``fault`` and ends nothing. Raises
    BadFile, with the line, on all else.
    """
    return rows(_lines(path), path.name, columns, optional, key=key, ragged=ragged)


def rows(
    lines: Iterable[str],
    name: str,
    columns: Sequence[str],
    optional: Sequence[str] | None = (),
    *,
    key: Sequence[str] = (),
    ragged: bool = False,
) -> Iterator[Row]:
    """The same of the lines of a CSV text, which keep their line breaks; ``name`` is its name."""
    read = records(lines, name)
    _, header = next(read, (1, []))
    check_header(header, columns, optional, name)
    absent = dict.fromkeys([*columns, *(optional or ())], "")
    seen: dict[tuple[str, ...], int] = {}
    for line, fields in read:
        where = f"{name}, line {line}"
        if len(fields) != len(header):
            fault = ragged_fault(fields, header)
            if not ragged:
                raise BadFile(f"{where}: {fault}.")
            yield Row({}, line, where, fault)
            continue
        given = zip(header, (field.strip() for field in fields), strict=True)
        row = Row(absent | dict(given), line, where, None)
        if key and (first := seen.setdefault(tuple(row[name] for name in key), line)) != line:
            shown = ", ".join(f"{name} {row[name][:60]!r}" for name in key)
            raise BadFile(f"{where}: {shown} is duplicated: line {first} has it too.")
        yield row


def check_header(
    header: Sequence[str], columns: Sequence[str], optional: Sequence[str] | None, name: str
) -> None:
    """Refuse (BadFile) a header with a duplicated column, without one of ``columns``, or others.

    ``optional`` are the others that it may have; None: any.
    """
    for column in header:
        if header.count(column) > 1:
            raise BadFile(f"{name}, line 1: the column {column[:60]!r} is duplicated.")
    others = set(header) - set(columns)
    if not set(columns) <= set(header) or (optional is not None and others - set(optional)):
        may = f", and may be {', '.join(optional)}" if optional else ""
        raise BadFile(
            f"{name}, line 1: the columns are {', '.join(header)[:300] or 'none'}, but must be"
            f" {', '.join(columns)}{may}."
        )


def ragged_fault(fields: Sequence[str], header: Sequence[str]) -> str:
    """What is said of a record that does not have as many fields as the header."""
    return f"the line has {len(fields)} fields, the header {len(header)}"


def records(lines: Iterable[str], name: str) -> Iterator[tuple[int, list[str]]]:
    """The records of a CSV text that are not empty, each with the line on which it begins.

    ``lines`` keep their line breaks. Raises BadFile, with ``name`` and the line, for a text that is
    not CSV.
    """
    reader = csv.reader(lines, strict=True)
    begins = 1
    try:
        for fields in reader:
            if fields:
                yield begins, fields
            begins = reader.line_num + 1
    except csv.Error as error:
        raise BadFile(
            f"{name} is not a CSV file: line {begins}: {error}; check the quotes there."
        ) from None


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
        for number, line in enumerate(lines, 1):
            try:
                line.encode()
            except UnicodeEncodeError:
                raise BadFile(
                    f"{path.name}, line {number}: it is not UTF-8 text; save it as UTF-8."
                ) from None
            yield line
