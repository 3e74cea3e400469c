"""Chat groups and the robots that speak in them."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, DateTime, Index, LargeBinary, String, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class ChatGroup(Base):
    """A group that hears what an inbox is told: a body's, a district's, or its leader's.

    ``sealed`` holds the robot's address, which anybody could speak by, and its secret;
    ``address_hash`` (SHA-256) tells the same group from another. ``kinds`` are what it hears:
    orders, alarms, reminders. ``sent_at`` are the last messages, as many as a minute may have.
    """

    __tablename__ = "chat_group"
    __table_args__ = (
        CheckConstraint("cardinality(kinds) > 0", "hears_something"),
        Index("ix_chat_group_inbox", "inbox", postgresql_where=text("ended_at is null")),
        Index(
            "uq_chat_group_address",
            "address_hash",
            unique=True,
            postgresql_where=text("ended_at is null"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    inbox: Mapped[str] = mapped_column(String(18))
    name: Mapped[str] = mapped_column(String(100))
    robot: Mapped[str] = mapped_column(String(40))
    language: Mapped[str] = mapped_column(String(2))
    kinds: Mapped[list[str]] = mapped_column(ARRAY(String(10)))
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    address_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    created_by: Mapped[str] = mapped_column(String(100))
    ended_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    sent_at: Mapped[list[dt.datetime]] = mapped_column(ARRAY(DateTime(timezone=True)))
