"""The queries on the class lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import exists, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gridsvc.registry.classes.models import ListedClass


def upsert(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Store classes (standard, kind, code, name, major); a known one takes the new words."""
    statement = insert(ListedClass)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["standard", "kind", "code"],
            set_={"name": statement.excluded.name, "major": statement.excluded.major},
        ),
        rows,
    )


def names_of(session: Session, standard: str, kind: str) -> dict[str, str]:
    """The names of all classes of one kind in one standard, by code."""
    rows = session.execute(
        select(ListedClass.code, ListedClass.name)
        .where(ListedClass.standard == standard, ListedClass.kind == kind)
        .order_by(ListedClass.code)
    )
    return {row.code: row.name for row in rows}


def has_classes(session: Session, standard: str) -> bool:
    """Whether the list of a standard was ever loaded."""
    return bool(session.scalar(select(exists().where(ListedClass.standard == standard))))


def classes_after(
    session: Session, standard: str, *, kind: str | None, after: tuple[str, str]
) -> Sequence[ListedClass]:
    """The classes of a standard behind a kind and code, in their order; ``kind`` None: both."""
    query = select(ListedClass).where(
        ListedClass.standard == standard, tuple_(ListedClass.kind, ListedClass.code) > after
    )
    if kind is not None:
        query = query.where(ListedClass.kind == kind)
    return session.scalars(query.order_by(ListedClass.kind, ListedClass.code)).all()
