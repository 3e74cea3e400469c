"""The queries of lists: a page, all rows, numbers; each condition of reach asked by itself.

One query with all of them joined by *or* would read and sort all that a caller may see for every
page. Asked one by one, each is found in the order of its own index, and read no farther than the
page goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
    union,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import FromClause

from gridsvc.lists.asking import Question
from gridsvc.registry.editions.repository import edition_in_force

_ROWS_A_FETCH = 1_000


def sorted_by(asked: Question) -> list[ColumnElement[Any]]:
    """The columns by whose values the rows are sorted, and known apart."""
    return [asked.sorting.by, *asked.listing.key]


def page(
    session: Session,
    asked: Question,
    values: Sequence[Any],
    *,
    after: Sequence[Any] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Values of the rows behind those sorted values, and at the end of each its sorted values."""
    conditions = list(asked.conditions)
    if after is not None:
        conditions.append(_behind(asked, after))
    found = select(*values, *sorted_by(asked)).order_by(*_order(asked)).limit(limit)
    return session.execute(
        _from(found, asked, conditions, limit=limit), _parameters(session, asked)
    ).all()


def every(session: Session, asked: Question) -> Iterator[Row[Any]]:
    """The shown values of all rows in their order, by a cursor on the server."""
    found = select(*(one.value for one in asked.columns)).order_by(*_order(asked))
    rows = session.execute(
        _from(found, asked, asked.conditions),
        _parameters(session, asked),
        execution_options={"yield_per": _ROWS_A_FETCH},
    )
    yield from rows


def count(session: Session, asked: Question) -> int:
    """How many rows there are."""
    counted = _from(select(*asked.listing.key), asked, asked.conditions).subquery()
    return session.scalar(select(func.count()).select_from(counted)) or 0


def count_by(session: Session, asked: Question, group: str) -> Sequence[Row[Any]]:
    """How many rows each value of a group has, the most first: (value, number)."""
    value = asked.listing.groups[group].label("value")
    rows = _from(select(value), asked, asked.conditions).subquery()
    number = func.count().label("number")
    return session.execute(
        select(rows.c.value, number)
        .group_by(rows.c.value)
        .order_by(number.desc(), rows.c.value.nulls_last())
    ).all()


def _parameters(session: Session, asked: Question) -> dict[str, Any]:
    streets = edition_in_force(session, "street", asked.frame.now)
    return {"now": asked.frame.now, "streets": streets and streets.id}


def _order(asked: Question) -> list[ColumnElement[Any]]:
    sorting, key = asked.sorting, asked.listing.key
    if sorting.descending:
        return [sorting.by.desc(), *(one.desc() for one in key)]
    return [sorting.by.nulls_last() if sorting.nullable else sorting.by, *key]


def _behind(asked: Question, after: Sequence[Any]) -> ColumnElement[bool]:
    """Whether a row comes after one with those values."""
    columns, sorting = sorted_by(asked), asked.sorting
    values = [literal(value, column.type) for value, column in zip(after, columns, strict=True)]
    if sorting.descending:
        return tuple_(*columns) < tuple_(*values)
    if after[0] is None:
        return and_(sorting.by.is_(None), tuple_(*columns[1:]) > tuple_(*values[1:]))
    behind = tuple_(*columns) > tuple_(*values)
    return or_(behind, sorting.by.is_(None)) if sorting.nullable else behind


def _from(
    query: Select[Any],
    asked: Question,
    conditions: Sequence[ColumnElement[bool]],
    *,
    limit: int | None = None,
) -> Select[Any]:
    """A query of the rows that fulfil these conditions and one of the reach."""
    source: FromClause = asked.listing.source
    if len(asked.reach) == 1:
        return query.select_from(source).where(*asked.reach, *conditions)
    key = asked.listing.key
    branches = []
    for reach in asked.reach:
        found = select(*key).select_from(source).where(reach, *conditions)
        if limit is not None:
            found = found.order_by(*_order(asked)).limit(limit)
        branches.append(select(found.subquery()))
    keys = union(*branches).subquery("found")
    same = and_(true(), *(mine == its for mine, its in zip(key, keys.c, strict=True)))
    return query.select_from(source.join(keys, same))
