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
    ``participant_district`` is the other district of a joint case.
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
    limit_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    opened_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    closed_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
