"""The trace of a case."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import DateTime, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base

__all__ = ["TraceEntry"]


class TraceEntry(Base):
    """One thing that happened in a case; partitioned by month, never updated or deleted.

    ``at`` is when it happened, ``written_at`` when it was written: after-the-fact records
    differ. ``hash`` covers every column and the ``previous_hash``.
    """

    __tablename__ = "trace"
    __table_args__ = ({"postgresql_partition_by": "RANGE (written_at)"},)

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    written_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    action: Mapped[str] = mapped_column(String(40))
    actor: Mapped[str] = mapped_column(String(100))
    body_code: Mapped[str | None] = mapped_column(String(18))
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
