"""The list of what must not be demanded of communities, and what was sent to them."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class BannedDemand(Base):
    """An item of a district's list, by its number there.

    ``words`` are alternatives with ``;`` between them, each of words with blanks between them; a
    demand is the item's where all words of one alternative occur in it.
    """

    __tablename__ = "banned_demand"

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    item: Mapped[str] = mapped_column(String(500))
    words: Mapped[str] = mapped_column(String(500))
    source: Mapped[str]


class Demand(Base):
    """A demand, form or survey that a body sent to a community, which no item bans."""

    __tablename__ = "demand"
    __table_args__ = (
        CheckConstraint("kind in ('demand', 'form', 'survey')", "kind_known"),
        Index("ix_demand_community", "district_code", "community_code", "id"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    community_code: Mapped[str] = mapped_column(String(12))
    body_code: Mapped[str] = mapped_column(ForeignKey("body.code"))
    kind: Mapped[str] = mapped_column(String(6))
    title: Mapped[str] = mapped_column(String(200))
    content: Mapped[str]
    sent_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    sent_by: Mapped[str] = mapped_column(String(100))
