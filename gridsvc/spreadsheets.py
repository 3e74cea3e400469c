"""Tables that a spreadsheet opens, as CSV or xlsx, none of whose cells runs."""

from __future__ import annotations

import csv
import datetime as dt
import io
import tempfile
import uuid
from collections.abc import Callable, Sequence
from typing import IO, Any, Protocol

from gridsvc.errors import QueryTooBroad

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

#: A spreadsheet takes a cell that begins so for a formula, and runs it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
#: A sheet has so many rows, a cell so many characters; a workbook has no more.
_MOST_ROWS = 1_048_576
_MOST_CHARACTERS = 32_767
_WIDEST = 40

#: How the clocks of the city show a moment.
Local = Callable[[dt.datetime], dt.datetime]


def spreadsheet_text(value: str) -> str:
    """A text that a spreadsheet shows and never runs: what looks like a formula gets a quote."""
    return f"'{value}" if value.startswith(_FORMULA) else value


class Sheet(Protocol):
    """A table that is written row by row; ``size_bytes`` is about what was written so far."""

    size_bytes: int

    def add(self, row: Sequence[Any]) -> None:
        """Write a row of texts, numbers, moments, ids; None is an empty cell."""

    def finish(self) -> None:
        """Write what is still to be written."""

    def close(self) -> None:
        """Leave nothing behind but what was written, whether it was finished or not."""


class CsvSheet:
    """CSV in UTF-8 with a byte order mark, by which spreadsheets show Chinese whole."""

    def __init__(
        self, out: IO[bytes], header: Sequence[str], local: Local = lambda moment: moment
    ) -> None:
        self._text = io.StringIO()
        self._table = csv.writer(self._text, lineterminator="\r\n")
        self._out, self._local = out, local
        self.size_bytes = out.write("\ufeff".encode())
        self.add(header)

    def add(self, row: Sequence[Any]) -> None:
        """Write a row; times as the clocks of the city show them, to the second."""
        self._table.writerow([self._cell(value) for value in row])
        self.size_bytes += self._out.write(self._text.getvalue().encode())
        self._text.seek(0)
        self._text.truncate()

    def finish(self) -> None:
        """Nothing is left to be written."""

    def close(self) -> None:
        """Nothing is left behind."""

    def _cell(self, value: Any) -> Any:
        match value:
            case None:
                return ""
            case str():
                return spreadsheet_text(value)
            case bool():
                return "true" if value else "false"
            case dt.datetime():
                return self._local(value).strftime("%Y-%m-%d %H:%M:%S")
            case _:
                return value


class XlsxSheet:
    """A workbook of one sheet, whose texts are texts: no formula, no link. Rows go to disk."""

    def __init__(self, out: IO[bytes], header: Sequence[str], local: Local, title: str) -> None:
        # Most commands write none, and need not wait for it.
        from xlsxwriter import Workbook

        self._folder = tempfile.TemporaryDirectory(prefix="gridsvc-list-")
        options = {"constant_memory": True, "tmpdir": self._folder.name}
        self._book = Workbook(out, {**options, "default_date_format": "yyyy-mm-dd hh:mm:ss"})
        self._sheet = self._book.add_worksheet(title)
        self._local, self._rows, self.size_bytes = local, 0, 0
        for column, name in enumerate(header):
            self._sheet.set_column(column, column, min(max(len(name) + 2, 12), _WIDEST))
        self._sheet.freeze_panes(1, 0)
        self.add(header)

    def add(self, row: Sequence[Any]) -> None:
        """Write a row; times as the clocks of the city show them. Raises QueryTooBroad."""
        if self._rows == _MOST_ROWS:
            raise QueryTooBroad(
                f"An Excel sheet has at most {_MOST_ROWS:,} rows; narrow the list, or take CSV."
            )
        for column, value in enumerate(row):
            self._write(column, value)
        self._rows += 1

    def finish(self) -> None:
        """Put the workbook together."""
        self._book.close()

    def close(self) -> None:
        """Remove the rows from the disk, which a workbook that is refused leaves there."""
        self._sheet.row_data_fh.close()
        self._folder.cleanup()

    def _write(self, column: int, value: Any) -> None:
        sheet, row = self._sheet, self._rows
        match value:
            case None:
                return
            case bool():
                sheet.write_boolean(row, column, value)
            case int() | float():
                sheet.write_number(row, column, value)
            case dt.datetime():
                moment = self._local(value).replace(tzinfo=None, microsecond=0)
                sheet.write_datetime(row, column, moment)
            case str() | uuid.UUID():
                text = str(value)[:_MOST_CHARACTERS]
                sheet.write_string(row, column, text)
                self.size_bytes += len(text.encode())
            case _:
                raise TypeError(f"{value!r} is nothing that a cell holds")
        self.size_bytes += 40  # of markup
