"""Editions of boundaries, and the areas in them."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base

__all__ = ["Area", "Edition", "EditionState"]


class EditionState(StrEnum):
    """Where an edition stands in its life."""

    DRAFT = "draft"
    ACTIVE = "active"
    RETIRED = "retired"


class Edition(Base):
    """A dated set of boundaries of one level; its areas never change once it is active."""

    __tablename__ = "edition"
    __table_args__ = (
        CheckConstraint("level in ('district', 'street', 'community', 'unit_grid')", "level_known"),
        CheckConstraint("state in ('draft', 'active', 'retired')", "state_known"),
        CheckConstraint("accuracy_m >= 0", "accuracy_not_negative"),
        CheckConstraint("effective_to is null or effective_to > effective_from", "dates_in_order"),
    )

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    level: Mapped[str] = mapped_column(String(10))
    title: Mapped[str]
    source: Mapped[str]
    licence: Mapped[str]
    accuracy_m: Mapped[float]
    approximate: Mapped[bool]
    state: Mapped[str] = mapped_column(String(8))
    effective_from: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    effective_to: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    loaded_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    audit: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class Area(Base):
    """A district, street or community as one edition draws it; multipolygon in WGS84."""

    __tablename__ = "area"
    __table_args__ = (
        Index("ix_area_geometry", "geometry", postgresql_using="gist"),
        Index("ix_area_parent", "edition_id", "parent_code"),
    )

    edition_id: Mapped[str] = mapped_column(ForeignKey("edition.id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(12), primary_key=True)
    level: Mapped[str] = mapped_column(String(10))
    name: Mapped[str]
    parent_code: Mapped[str | None] = mapped_column(String(9))
    geometry: Mapped[WKBElement] = mapped_column(
        Geometry("MULTIPOLYGON", srid=4326, spatial_index=False)
    )
    area_m2: Mapped[float]
    note: Mapped[str | None]
