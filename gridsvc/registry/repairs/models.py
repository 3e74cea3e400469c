"""Repairs that were applied or taken back, with the exact geometries before and after."""

from __future__ import annotations

import datetime as dt
import uuid
from enum import StrEnum
from typing import Any

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class RepairAction(StrEnum):
    """What was done."""

    APPLIED = "applied"
    UNDONE = "undone"


class Repair(Base):
    """One repair that made a draft (``edition_id``) out of another edition; rows are only added.

    Editions are plain columns, so that the history of a discarded draft stays. ``undoes`` is the
    repair that was taken back. ``fault`` is as the audit tells it. Ids rise with time.
    """

    __tablename__ = "repair"
    __table_args__ = (
        CheckConstraint("action in ('applied', 'undone')", "action_known"),
        CheckConstraint("method in ('give', 'midline', 'snap')", "method_known"),
        CheckConstraint("(action = 'undone') = (undoes is not null)", "undone_names_one"),
        CheckConstraint("actor <> '' and reason <> ''", "who_and_why"),
        Index("ix_repair_edition", "edition_id", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    base_edition_id: Mapped[str] = mapped_column(String(80))
    edition_id: Mapped[str] = mapped_column(String(80))
    level: Mapped[str] = mapped_column(String(10))
    action: Mapped[str] = mapped_column(String(7))
    undoes: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("repair.id"))
    method: Mapped[str] = mapped_column(String(7))
    chosen_code: Mapped[str | None] = mapped_column(String(12))
    fault_id: Mapped[str] = mapped_column(String(12))
    fault: Mapped[dict[str, Any]] = mapped_column(JSONB)
    geometry: Mapped[WKBElement] = mapped_column(
        Geometry("POLYGON", srid=4326, spatial_index=False)
    )
    actor: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str]
    at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))


class RepairArea(Base):
    """An area that a repair changed: its exact geometry before and after, and the m² moved."""

    __tablename__ = "repair_area"

    repair_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("repair.id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(12), primary_key=True)
    before: Mapped[WKBElement] = mapped_column(
        Geometry("MULTIPOLYGON", srid=4326, spatial_index=False)
    )
    after: Mapped[WKBElement] = mapped_column(
        Geometry("MULTIPOLYGON", srid=4326, spatial_index=False)
    )
    gained_m2: Mapped[float]
    lost_m2: Mapped[float]
