"""Messages to bodies, to those who follow a report, and to chat groups."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, Index, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class Message(Base):
    """Something that somebody must hear, written in the transaction that made it necessary.

    A message to a body is in its inbox; a body with a webhook is also called. One to a follower
    (``follow_id``) is sent to its own ``webhook_url``, one to a chat group (``group_id``) by its
    robot; they lie in no inbox. The id stays the same through every try, so a receiver can drop a
    repeated one. A message is not shown before its ``due_at``, and may be withdrawn until then.
    ``request_id`` is the request that wrote it, None for a command's.
    """

    __tablename__ = "message"
    __table_args__ = (
        CheckConstraint(
            "state in ('waiting', 'delivered', 'given_up', 'withdrawn')", "state_known"
        ),
        CheckConstraint("num_nonnulls(body_code, follow_id, group_id) = 1", "one_receiver"),
        CheckConstraint("(follow_id is null) = (webhook_url is null)", "follower_is_called"),
        Index("ix_message_inbox", "body_code", "due_at", "id"),
        Index(
            "ix_message_waiting",
            "district_code",
            "next_try_at",
            postgresql_where=text("state = 'waiting'"),
        ),
        Index("ix_message_follow", "follow_id", postgresql_where=text("follow_id is not null")),
        Index(
            "ix_message_group",
            "group_id",
            "case_id",
            postgresql_where=text("group_id is not null and state = 'waiting'"),
        ),
        Index("ix_message_given_up", "id", postgresql_where=text("state = 'given_up'")),
        {"postgresql_partition_by": "RANGE (written_at)"},
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    written_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    body_code: Mapped[str | None] = mapped_column(String(18))
    follow_id: Mapped[uuid.UUID | None]
    group_id: Mapped[uuid.UUID | None]
    webhook_url: Mapped[str | None]
    topic: Mapped[str] = mapped_column(String(40))
    case_id: Mapped[uuid.UUID]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(String(9))
    tries: Mapped[int]
    due_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    next_try_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    last_error: Mapped[str | None]
    delivered_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    request_id: Mapped[str | None] = mapped_column(String(64))

    @property
    def receiver(self) -> str:
        """Whom it is for: the code of a body, the id of a follower or of a group."""
        return self.body_code or str(self.follow_id or self.group_id)
