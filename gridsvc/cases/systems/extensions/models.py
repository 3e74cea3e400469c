"""Extensions that bodies asked for."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, DateTime, ForeignKeyConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class ExtensionAsked(Base):
    """What a body asked of command, and what command decided.

    ``limit_at`` is the limit that it wants extended; undecided until then, it has lapsed.
    """

    __tablename__ = "extension_asked"
    __table_args__ = (
        ForeignKeyConstraint(
            ["district_code", "case_id"], ["case_file.district_code", "case_file.id"]
        ),
        CheckConstraint("(granted is null) = (decided_at is null)", "decision_has_date"),
        Index(
            "ix_extension_asked_undecided",
            "district_code",
            "limit_at",
            postgresql_where=text("granted is null"),
        ),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    body_code: Mapped[str] = mapped_column(String(18))
    reason: Mapped[str]
    asked_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    limit_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    granted: Mapped[bool | None]
    decided_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
