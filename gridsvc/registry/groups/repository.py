"""The queries of chat groups."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from gridsvc.db.base import Prepared
from gridsvc.registry.groups.models import ChatGroup

_HEARD = Prepared(
    "groups_heard",
    "select 1 from chat_group where inbox = any(:inboxes) and ended_at is null limit 1",
    {"inboxes": "varchar[]"},
)


def are_heard(session: Session, inboxes: Collection[str]) -> bool:
    """Whether any group hears what some inboxes are told: of most none does, at every report."""
    return bool(_HEARD.ask(session, {"inboxes": list(inboxes)}))


def groups_of(session: Session, inboxes: Collection[str], kind: str | None) -> Sequence[ChatGroup]:
    """The groups that hear what some inboxes are told of a kind (None: any), in the order of ids.

    Those of the same address never are two, so that nobody reads anything twice.
    """
    query = select(ChatGroup).where(ChatGroup.inbox.in_(inboxes), ChatGroup.ended_at.is_(None))
    if kind is not None:
        query = query.where(ChatGroup.kinds.contains([kind]))
    return session.scalars(query.order_by(ChatGroup.id)).all()


def group_by_id(session: Session, group_id: uuid.UUID) -> ChatGroup | None:
    """The group of an id, also one that has ended."""
    return session.get(ChatGroup, group_id, populate_existing=True)


def sealed_after(session: Session, after: uuid.UUID, *, limit: int) -> Sequence[ChatGroup]:
    """Groups with a sealed address behind an id, kept for this transaction."""
    query = select(ChatGroup).where(ChatGroup.id > after, ChatGroup.sealed.is_not(None))
    return session.scalars(query.order_by(ChatGroup.id).limit(limit).with_for_update()).all()
