"""Lists at the keyboard: a table, counts, CSV and Excel; the same that the service gives."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.table import Table
from sqlalchemy.orm import Session

from gridsvc.api.clock import utc_now
from gridsvc.api.problems import validation_problem
from gridsvc.cli.runtime import OPERATOR, AsJson, console, load_city, notes, print_json, session
from gridsvc.errors import BadInput
from gridsvc.lists.asking import Asked, Question, counts_model, page_model, question
from gridsvc.lists.catalogue import LISTS, listing
from gridsvc.lists.model import Frame, Listing
from gridsvc.lists.service import Form, counts_json, page_json, write_file


def list_rows(
    name: Annotated[str, typer.Argument(metavar="LIST", help=f"{', '.join(LISTS)}.")],
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where", help="A filter, order or limit, as street=110102020; several may be given."
        ),
    ] = None,
    by: Annotated[str | None, typer.Option(help="Count by state, step, street, class...")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write all rows as CSV here.")] = None,
    xlsx: Annotated[Path | None, typer.Option(help="Write all rows as Excel here.")] = None,
    as_json: AsJson = False,
) -> None:
    """Cases, reports, whistles, tasks, appeals, callbacks due: narrowed, counted, filed (列表)."""
    one, frame = listing(name), Frame(load_city(), utc_now())
    given = dict(_pair(word) for word in where or ())
    model = page_model(one) if by is None else counts_model(one)
    try:
        asked = model.model_validate(given if by is None else {**given, "by": by})
    except ValidationError as error:
        raise validation_problem(error.errors()) from None
    found = question(one, OPERATOR, frame, asked)
    with session() as opened:
        if by is not None:
            _counts(opened, found, by, as_json)
        for form, file in ((Form.CSV, csv), (Form.XLSX, xlsx)):
            if file is not None:
                with file.open("wb") as out:
                    number = write_file(opened, found, form, out)
                notes.print(f"{number:,} rows are in {file}.")
        if by is None and csv is None and xlsx is None:
            _page(opened, found, one, asked, as_json)


def _pair(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or name in ("view", "count"):
        raise BadInput(f"'{word[:80]}' is not a filter; write name=value.", field="where")
    return name, value


def _page(session: Session, found: Question, one: Listing, asked: Asked, as_json: bool) -> None:
    given = asked.model_dump()
    answer = page_json(session, found, cursor=given["cursor"], limit=given["limit"], count=False)
    if as_json:
        print_json(answer)
        return
    table = Table(*(column.column.name for column in one.columns), title=one.title_zh)
    for row in answer["rows"]:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    console.print(table)
    if answer["next"] is not None:
        notes.print(f"There are more: --where cursor={answer['next']}")


def _counts(session: Session, found: Question, by: str, as_json: bool) -> None:
    answer = counts_json(session, found, by)
    if as_json:
        print_json(answer)
        return
    table = Table(by, "count", caption=f"{answer['count']:,} in all")
    for group in answer["groups"]:
        table.add_row(group["key"] or "–", f"{group['count']:,}")
    console.print(table)
