"""Editions of boundaries, and what happened to them, kept for good."""

from __future__ import annotations

import datetime as dt
import uuid
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, Index, String, text
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class EditionState(StrEnum):
    """Where an edition stands in its life; one that is taken back stands where it stood before."""

    DRAFT = "draft"
    AUDITED = "audited"
    ACTIVE = "active"
    RETIRED = "retired"


class Edition(Base):
    """A dated set of boundaries of one level; its areas never change once it is active.

    Of one level, one edition is in force at a time. Editions of unit grids are builds of some
    districts each and coexist. ``reason`` says why the edition was made.
    """

    __tablename__ = "edition"
    __table_args__ = (
        CheckConstraint("level in ('district', 'street', 'community', 'unit_grid')", "level_known"),
        CheckConstraint("state in ('draft', 'audited', 'active', 'retired')", "state_known"),
        CheckConstraint("accuracy_m >= 0", "accuracy_not_negative"),
        CheckConstraint("effective_to is null or effective_to > effective_from", "dates_in_order"),
        ExcludeConstraint(
            ("level", "="),
            (text("tstzrange(effective_from, effective_to)"), "&&"),
            where=text("state in ('active', 'retired') and level <> 'unit_grid'"),
            using="gist",
            name="ex_edition_one_in_force",
        ),
    )

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    level: Mapped[str] = mapped_column(String(10))
    title: Mapped[str]
    source: Mapped[str]
    licence: Mapped[str]
    accuracy_m: Mapped[float]
    approximate: Mapped[bool]
    state: Mapped[str] = mapped_column(String(8))
    effective_from: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    effective_to: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    loaded_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    audit: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    audited_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    reason: Mapped[str | None]


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
