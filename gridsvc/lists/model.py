"""What a list is: its rows, columns, filters, orders and groups, and who is given which rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, DateTime, FromClause, String, bindparam

from gridsvc.callers import Caller
from gridsvc.city import City
from gridsvc.layers.model import Column, ColumnType

#: The parameters that the expressions of a list may have: the present, and the streets in force.
NOW = bindparam("now", type_=DateTime(timezone=True))
STREETS = bindparam("streets", type_=String())


@dataclass(frozen=True, slots=True)
class Frame:
    """In which city and at what moment something is listed."""

    city: City
    now: dt.datetime


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A column and where its values come from; one ``for_staff`` is empty for analysts."""

    column: Column
    value: ColumnElement[Any]


def shown(
    name: str,
    type: ColumnType,
    title_zh: str,
    title: str,
    value: Any,
    *,
    for_staff: bool = False,
) -> Shown:
    """A column with its titles and its values."""
    return Shown(Column(name, type, title_zh, title, for_staff=for_staff), value)


@dataclass(frozen=True, slots=True, eq=False)
class Filter:
    """What a list can be narrowed by: the type of its value, as Pydantic knows it, and how.

    One of ``words`` looks into what people wrote and is for the staff of a case.
    """

    name: str
    type: Any
    title: str
    where: Callable[[Any, Frame], ColumnElement[bool]]
    words: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """By what rows are sorted before their key; rows without it come last.

    ``needs`` are filters without which a list has no such order.
    """

    by: ColumnElement[Any]
    descending: bool = False
    nullable: bool = False
    needs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """One list, described once for all who read it: JSON, CSV, Excel, counts, commands.

    ``key`` tells its rows apart and settles the order of equals. ``reach`` are the conditions of
    which a row must fulfil one, so that a caller may see it; each is found by an index of its own.
    The first of ``orders`` is the usual one. ``defaults`` are filters that hold unless others are
    given; ``always`` what makes something a row of the list.
    """

    name: str
    title_zh: str
    title: str
    source: FromClause
    key: tuple[ColumnElement[Any], ...]
    columns: tuple[Shown, ...]
    filters: tuple[Filter, ...]
    orders: Mapping[str, Order]
    groups: Mapping[str, ColumnElement[Any]]
    reach: Callable[[Caller], list[ColumnElement[bool]]]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    always: tuple[ColumnElement[bool], ...] = ()
