"""Case files (案卷): what is handled."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import CheckConstraint, DateTime, Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base

__all__ = ["CaseFile"]


class CaseFile(Base):
    """One case: its procedure with the version it began with, its step, its lead, its place.

    ``progress`` holds which side has taken which step, as the procedure engine keeps it;
    ``participant_district`` is the other district of a joint case. ``trace_entries`` and
    ``trace_head`` are the number and the hash of the newest entry of its trace, so that entries
    cannot be cut off its end unseen.
    """

    __tablename__ = "case_file"
    __table_args__ = (
        Index("ix_case_file_id", "id"),
        Index("ix_case_file_point", "point", postgresql_using="gist"),
        CheckConstraint("state in ('open', 'closed')", "state_known"),
        CheckConstraint("(state = 'closed') = (closed_at is not null)", "closed_has_date"),
        Index("ix_case_file_lead", "district_code", "lead_body", "state"),
        Index("ix_case_file_class", "district_code", "class_code", "state"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    procedure: Mapped[str] = mapped_column(String(40))
    procedure_version: Mapped[int]
    step: Mapped[str] = mapped_column(String(40))
    progress: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(String(6))
    standard: Mapped[str] = mapped_column(String(30))
    kind: Mapped[str] = mapped_column(String(5))
    class_code: Mapped[str] = mapped_column(String(5))
    lead_body: Mapped[str] = mapped_column(String(18))
    participant_district: Mapped[str | None] = mapped_column(String(6))
    part_code: Mapped[str | None] = mapped_column(String(8))
    point: Mapped[WKBElement] = mapped_column(Geometry("POINT", srid=4326, spatial_index=False))
    trace_entries: Mapped[int] = mapped_column(default=0)
    trace_head: Mapped[str] = mapped_column(String(64), default="0" * 64)
    limit_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    opened_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    closed_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
