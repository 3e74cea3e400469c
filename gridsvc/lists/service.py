"""Lists as pages, as counts, and as files that a spreadsheet opens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from enum import StrEnum
from typing import IO, Any

from sqlalchemy.orm import Session

from gridsvc.lists import repository
from gridsvc.lists.asking import Question
from gridsvc.lists.cursor import cursor_of, values_of
from gridsvc.spreadsheets import CSV_TYPE, XLSX_TYPE, CsvSheet, Sheet, XlsxSheet

_ROWS_A_LOOK = 500


class Form(StrEnum):
    """The forms of a file, by the ends of their names."""

    CSV = "csv"
    XLSX = "xlsx"

    @property
    def media_type(self) -> str:
        """By which HTTP knows it."""
        return CSV_TYPE if self is Form.CSV else XLSX_TYPE


def rows_of(
    session: Session, asked: Question, values: list[Any], *, cursor: str | None, limit: int
) -> tuple[list[Sequence[Any]], str | None]:
    """Values of a page of rows, and the cursor of the next one. Raises BadInput."""
    columns = repository.sorted_by(asked)
    after = None if cursor is None else values_of(cursor, asked.order, columns)
    rows = repository.page(session, asked, values, after=after, limit=limit)
    behind = None
    if len(rows) == limit:
        behind = cursor_of(asked.order, rows[-1][len(values) :])
    return [row[: len(values)] for row in rows], behind


def page_json(
    session: Session, asked: Question, *, cursor: str | None, limit: int, count: bool
) -> dict[str, Any]:
    """A page of a list: its rows by the names of their columns; with ``count`` the number of all.

    Columns that the caller is not told are null. Raises BadInput.
    """
    names = [one.column.name for one in asked.columns]
    rows, behind = rows_of(
        session, asked, [one.value for one in asked.columns], cursor=cursor, limit=limit
    )
    empty = dict.fromkeys(one.column.name for one in asked.listing.columns)
    return {
        "rows": [empty | dict(zip(names, row, strict=True)) for row in rows],
        "next": behind,
        "count": repository.count(session, asked) if count else None,
    }


def counts_json(session: Session, asked: Question, by: str | None) -> dict[str, Any]:
    """How many rows there are, and of each value of a group."""
    if by is None:
        return {"count": repository.count(session, asked), "by": None, "groups": []}
    groups = [
        {"key": None if row.value is None else str(row.value), "count": row.number}
        for row in repository.count_by(session, asked, by)
    ]
    return {"count": sum(group["count"] for group in groups), "by": by, "groups": groups}


def write_file(
    session: Session,
    asked: Question,
    form: Form,
    out: IO[bytes],
    bound: Callable[[int], None] = lambda size_bytes: None,
) -> int:
    """Write all rows of a list as a file; gives their number.

    ``bound`` is told about how much was written, time and again, and may refuse. Raises
    QueryTooBroad for more than a sheet holds.
    """
    header = [f"{one.column.title_zh} {one.column.name}" for one in asked.columns]
    local = asked.frame.city.calendar.local
    sheet: Sheet = (
        CsvSheet(out, header, local)
        if form is Form.CSV
        else XlsxSheet(out, header, local, asked.listing.title_zh)
    )
    number = 0
    with closing(sheet):
        for number, row in enumerate(repository.every(session, asked), 1):
            sheet.add(row)
            if number % _ROWS_A_LOOK == 0:
                bound(sheet.size_bytes)
        sheet.finish()
    return number
