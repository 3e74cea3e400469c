"""Photos that were given as evidence in a case."""

from __future__ import annotations

import datetime as dt
import uuid

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import CheckConstraint, DateTime, ForeignKeyConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class Evidence(Base):
    """One photo: the hashes of its file and of what is published, and what it told of itself.

    ``point`` and ``metres_off`` (from the case's place) are None where it named no place.
    ``report_id`` is the report whose reporter gave it, None where staff did.
    """

    __tablename__ = "evidence"
    __table_args__ = (
        ForeignKeyConstraint(
            ["district_code", "case_id"], ["case_file.district_code", "case_file.id"]
        ),
        CheckConstraint("(point is null) = (metres_off is null)", "metres_need_point"),
        Index("ix_evidence_case", "district_code", "case_id"),
        Index("ix_evidence_report", "report_id", postgresql_where=text("report_id is not null")),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    case_id: Mapped[uuid.UUID]
    sha256: Mapped[str] = mapped_column(String(64))
    media_type: Mapped[str] = mapped_column(String(20))
    size_bytes: Mapped[int]
    published_sha256: Mapped[str] = mapped_column(String(64))
    published_type: Mapped[str] = mapped_column(String(20))
    width: Mapped[int]
    height: Mapped[int]
    taken_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    point: Mapped[WKBElement | None] = mapped_column(
        Geometry("POINT", srid=4326, spatial_index=False)
    )
    metres_off: Mapped[float | None]
    report_id: Mapped[uuid.UUID | None]
    given_by: Mapped[str] = mapped_column(String(100))
    given_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    original_erased_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
