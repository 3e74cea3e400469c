"""Appeals of bodies."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, DateTime, ForeignKeyConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class Appeal(Base):
    """A body's one appeal in a closed case, and what supervision decided."""

    __tablename__ = "appeal"
    __table_args__ = (
        ForeignKeyConstraint(
            ["district_code", "case_id"], ["case_file.district_code", "case_file.id"]
        ),
        CheckConstraint("(accepted is null) = (decided_at is null)", "decision_has_date"),
        Index("ix_appeal_listed", "district_code", "appealed_at"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    body_code: Mapped[str] = mapped_column(String(18), primary_key=True)
    reason: Mapped[str]
    appealed_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    accepted: Mapped[bool | None]
    decided_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
