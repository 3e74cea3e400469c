"""Lists as the interface gives them."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from pydantic import Field, create_model

from gridsvc.answers import Answer, Next
from gridsvc.layers.model import ColumnType
from gridsvc.lists.model import Listing

_TYPES = {
    ColumnType.TEXT: str,
    ColumnType.INTEGER: int,
    ColumnType.NUMBER: float,
    ColumnType.BOOLEAN: bool,
    ColumnType.TIME: dt.datetime,
    ColumnType.UUID: uuid.UUID,
}


def page_answer(listing: Listing) -> type[Answer]:
    """The model of a page of a list."""
    members: dict[str, Any] = {
        one.column.name: (_TYPES[one.column.type] | None, Field(description=one.column.title))
        for one in listing.columns
    }
    name = listing.title.title().replace(" ", "")
    row = create_model(f"{name}Row", __base__=Answer, __doc__=f"A row of {name}.", **members)
    rows: dict[str, Any] = {
        "rows": (list[row], ...),
        "next": (Next, ...),
        "count": (int | None, Field(description="Of all rows; null unless it was asked for.")),
    }
    return create_model(f"{name}Rows", __base__=Answer, __doc__="A page of a list.", **rows)


class Group(Answer):
    """How many rows of a list have one value."""

    key: str | None
    count: int


class Counts(Answer):
    """How many rows a list has, the largest groups first."""

    count: int
    by: str | None
    groups: list[Group]


class View(Answer):
    """A saved view."""

    name: str
    office: bool = Field(description="Whether the whole office shares it.")
    asked: dict[str, Any] = Field(description="Filters and order, as an address has them.")
    saved_at: dt.datetime


class Views(Answer):
    """The views of a list that somebody may use."""

    views: list[View]
