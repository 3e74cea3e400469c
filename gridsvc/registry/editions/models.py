"""What happened to an edition, kept for good."""

from __future__ import annotations

import datetime as dt
import uuid
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base

__all__ = ["EditionAction", "EditionEvent"]


class EditionAction(StrEnum):
    """What can happen to an edition."""

    LOADED = "loaded"
    AUDITED = "audited"
    ACTIVATED = "activated"
    RETIRED = "retired"
    REVERTED = "reverted"
    RESTORED = "restored"
    DISCARDED = "discarded"


class EditionEvent(Base):
    """One thing that happened to an edition: who, when, what, why; rows are only added.

    ``edition_id`` is a plain column, so that the history of a discarded draft stays. Ids rise
    with time.
    """

    __tablename__ = "edition_event"
    __table_args__ = (
        CheckConstraint(
            "action in ('loaded', 'audited', 'activated', 'retired', 'reverted', 'restored',"
            " 'discarded')",
            "action_known",
        ),
        Index("ix_edition_event_edition", "edition_id", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    edition_id: Mapped[str] = mapped_column(String(80))
    level: Mapped[str] = mapped_column(String(10))
    action: Mapped[str] = mapped_column(String(10))
    actor: Mapped[str] = mapped_column(String(100))
    at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    reason: Mapped[str | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
