"""Editions of boundaries, and the areas in them."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, String, text
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base

__all__ = ["Area", "Edition", "EditionState"]


class EditionState(StrEnum):
    """Where an edition stands in its life; one that is taken back stands where it stood before."""

    DRAFT = "draft"
    AUDITED = "audited"
    ACTIVE = "active"
    RETIRED = "retired"


class Edition(Base):
    """A dated set of boundaries of one level; its areas never change once it is active.

    Of one level, one edition is in force at a time. Editions of unit grids are builds of some
    districts each and stand beside each other. ``reason`` says why the edition was made.
    """

    __tablename__ = "edition"
    __table_args__ = (
        CheckConstraint("level in ('district', 'street', 'community', 'unit_grid')", "level_known"),
        CheckConstraint("state in ('draft', 'audited', 'active', 'retired')", "state_known"),
        CheckConstraint("accuracy_m >= 0", "accuracy_not_negative"),
        CheckConstraint("effective_to is null or effective_to > effective_from", "dates_in_order"),
        ExcludeConstraint(
            ("level", "="),
            (text("tstzrange(effective_from, effective_to)"), "&&"),
            where=text("state in ('active', 'retired') and level <> 'unit_grid'"),
            using="gist",
            name="ex_edition_one_in_force",
        ),
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
    audited_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    reason: Mapped[str | None]


class Area(Base):
    """A district, street or community as one edition draws it; multipolygon in WGS84.

    ``version`` counts how often the ground of its code has changed from edition to edition, and
    ``reason`` says why it did so last (None for the first).
    """

    __tablename__ = "area"
    __table_args__ = (
        Index("ix_area_geometry", "geometry", postgresql_using="gist"),
        Index("ix_area_parent", "edition_id", "parent_code"),
        CheckConstraint("version > 0", "version_positive"),
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
    version: Mapped[int] = mapped_column(server_default="1")
    reason: Mapped[str | None]
