"""The queries of saved views."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.orm import Session

from gridsvc.lists.models import SavedView


def views_of(session: Session, owners: Sequence[str], list_name: str) -> Sequence[SavedView]:
    """The views of a list that these owners have, those of the first one first, by name."""
    query = select(SavedView).where(SavedView.owner.in_(owners), SavedView.list_name == list_name)
    found = session.scalars(query.order_by(SavedView.name)).all()
    return sorted(found, key=lambda one: owners.index(one.owner))


def count_of(session: Session, owner: str, *, besides: tuple[str, str]) -> int:
    """How many views an owner has, besides the one of this list and name."""
    query = select(func.count()).where(
        SavedView.owner == owner, tuple_(SavedView.list_name, SavedView.name) != besides
    )
    return session.scalar(query) or 0


def store(
    session: Session,
    owner: str,
    list_name: str,
    name: str,
    asked: dict[str, Any],
    now: dt.datetime,
) -> SavedView:
    """Keep a view, in the place of one of the same name."""
    return session.merge(
        SavedView(owner=owner, list_name=list_name, name=name, asked=asked, saved_at=now)
    )


def forget(session: Session, owner: str, list_name: str, name: str) -> bool:
    """Delete a view; gives whether there was one."""
    gone = session.execute(
        delete(SavedView)
        .where(SavedView.owner == owner, SavedView.list_name == list_name, SavedView.name == name)
        .returning(SavedView.name)
    )
    return gone.first() is not None
