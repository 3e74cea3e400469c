"""What citizens said when they were called back."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, DateTime, ForeignKeyConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class Callback(Base):
    """One callback about one report; never changed, the newest of a report stands.

    ``at`` is when the citizen was called, ``written_at`` when it was written. Nobody who was not
    reached (``contacted``) has said anything. ``unit_contacted``: whether the responsible unit got
    in touch with the citizen; asked where ``reading`` is ``unit``, null in the others.
    ``case_district`` and ``case_id`` are the report's.
    """

    __tablename__ = "callback"
    __table_args__ = (
        ForeignKeyConstraint(["district_code", "report_id"], ["report.district_code", "report.id"]),
        CheckConstraint("satisfied in ('satisfied', 'fairly', 'not')", "satisfied_known"),
        CheckConstraint(
            "contacted = (solved is not null) and contacted = (satisfied is not null)",
            "reached_has_verdict",
        ),
        CheckConstraint(
            "(reading = 'unit' and contacted) = (unit_contacted is not null)",
            "unit_contacted_when_asked",
        ),
        CheckConstraint("valid or reason is not null", "invalid_has_reason"),
        Index("ix_callback_case", "case_district", "case_id"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    report_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    case_district: Mapped[str] = mapped_column(String(6))
    case_id: Mapped[uuid.UUID]
    reading: Mapped[str] = mapped_column(String(7))
    contacted: Mapped[bool]
    unit_contacted: Mapped[bool | None]
    solved: Mapped[bool | None]
    satisfied: Mapped[str | None] = mapped_column(String(9))
    valid: Mapped[bool]
    reason: Mapped[str | None]
    given_by: Mapped[str] = mapped_column(String(100))
    at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    written_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
