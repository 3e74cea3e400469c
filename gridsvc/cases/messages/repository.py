"""The queries of messages."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from gridsvc.cases.messages.models import Message

__all__ = ["due_messages", "withdraw"]


def due_messages(
    session: Session,
    body_code: str,
    *,
    after: uuid.UUID | None,
    limit: int,
    now: dt.datetime,
) -> list[Message]:
    """A body's messages that are due and not withdrawn, in the order of their ids."""
    query = (
        select(Message)
        .where(Message.body_code == body_code, Message.due_at <= now, Message.state != "withdrawn")
        .order_by(Message.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(Message.id > after)
    return list(session.scalars(query))


def withdraw(
    session: Session, district_code: str, case_id: uuid.UUID, *, topic: str, now: dt.datetime
) -> int:
    """Mark a case's waiting messages of a topic that are not due yet as withdrawn."""
    result = session.execute(
        update(Message)
        .where(
            Message.district_code == district_code,
            Message.case_id == case_id,
            Message.topic == topic,
            Message.state == "waiting",
            Message.due_at > now,
        )
        .values(state="withdrawn", next_try_at=None)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount
