"""Webhooks that are told what happens to a report."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import DateTime, ForeignKeyConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class Follow(Base):
    """A webhook that somebody asked to be called at when something happens to a report.

    ``follower`` is the subject of the member of staff who asked, '' for whoever filed the report.
    """

    __tablename__ = "follow"
    __table_args__ = (
        ForeignKeyConstraint(["district_code", "report_id"], ["report.district_code", "report.id"]),
        Index("ix_follow_report", "district_code", "report_id", "follower", "url", unique=True),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    report_id: Mapped[uuid.UUID]
    follower: Mapped[str] = mapped_column(String(100))
    url: Mapped[str] = mapped_column(String(2_000))
    created_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
