"""Which reports went to which lanes."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import DateTime, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class LaneReport(Base):
    """A report within reach of a segment; ``staff_code`` is its chief then, None without one.

    ``lane_district`` may be another than the report's: then the lane is on the border, or near.
    """

    __tablename__ = "lane_report"
    __table_args__ = (
        Index("ix_lane_report_chief", "lane_district", "staff_code", "told_at"),
        Index("ix_lane_report_report", "report_id"),
    )

    lane_district: Mapped[str] = mapped_column(String(6), primary_key=True)
    segment_code: Mapped[str] = mapped_column(String(30), primary_key=True)
    report_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    case_district: Mapped[str] = mapped_column(String(6))
    case_id: Mapped[uuid.UUID]
    staff_code: Mapped[str | None] = mapped_column(String(20))
    metres: Mapped[float]
    told_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
