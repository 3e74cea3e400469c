"""Writes messages in the transaction that makes them necessary, and shows inboxes."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.cases.messages import repository
from gridsvc.cases.messages.models import Message
from gridsvc.db.base import uuid7

__all__ = ["inbox", "send", "withdraw"]


def send(
    session: Session,
    district_code: str,
    case_id: uuid.UUID,
    bodies: Iterable[str],
    *,
    topic: str,
    content: dict[str, Any],
    now: dt.datetime,
    due_at: dt.datetime | None = None,
) -> None:
    """Tell bodies something about a case, at once or from ``due_at`` on."""
    due = due_at or now
    session.add_all(
        Message(
            district_code=district_code,
            id=uuid7(),
            written_at=now,
            body_code=body,
            topic=topic,
            case_id=case_id,
            content=content,
            state="waiting",
            tries=0,
            due_at=due,
            next_try_at=due,
            last_error=None,
            delivered_at=None,
        )
        for body in dict.fromkeys(bodies)
    )


def withdraw(
    session: Session, district_code: str, case_id: uuid.UUID, *, topic: str, now: dt.datetime
) -> int:
    """Take back a case's messages of a topic that are not due yet; gives their number."""
    return repository.withdraw(session, district_code, case_id, topic=topic, now=now)


def inbox(
    session: Session,
    body_code: str,
    *,
    after: uuid.UUID | None,
    limit: int,
    now: dt.datetime,
) -> list[Message]:
    """The messages of a body that are due, oldest first, from behind ``after``."""
    return repository.due_messages(session, body_code, after=after, limit=limit, now=now)
