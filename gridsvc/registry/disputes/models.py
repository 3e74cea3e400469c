"""Disputes, the evidence for them, and their history, which nobody changes afterwards."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class Dispute(Base):
    """One place whose owner is not settled, with the areas on its sides.

    Keyed by the district of the smallest side; ``participant_district`` is the other's. The
    editions are plain columns: a draft in which a fault was found may be discarded afterwards.
    ``terms`` is what the sides have agreed on, before it is carried out.
    """

    __tablename__ = "dispute"
    __table_args__ = (
        CheckConstraint("kind in ('gap', 'overlap', 'conflict', 'neglect')", "kind_known"),
        CheckConstraint("level in ('district', 'street', 'community')", "level_known"),
        CheckConstraint(
            "state in ('open', 'under_negotiation', 'agreed', 'settled')", "state_known"
        ),
        CheckConstraint("cardinality(side_codes) > 0", "has_a_side"),
        CheckConstraint(
            "(state = 'settled') = (agreement_id is not null or settled_by_edition is not null)",
            "settled_by_something",
        ),
        Index("ix_dispute_id", "id"),
        Index("ix_dispute_geometry", "geometry", postgresql_using="gist"),
        Index("ix_dispute_state", "state", "id"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    participant_district: Mapped[str | None] = mapped_column(String(6))
    kind: Mapped[str] = mapped_column(String(8))
    level: Mapped[str] = mapped_column(String(10))
    side_codes: Mapped[list[str]] = mapped_column(ARRAY(String(12)))
    state: Mapped[str] = mapped_column(String(17))
    geometry: Mapped[WKBElement] = mapped_column(
        Geometry("MULTIPOLYGON", srid=4326, spatial_index=False)
    )
    area_m2: Mapped[float]
    width_m: Mapped[float]
    accuracy_m: Mapped[float]
    edition_id: Mapped[str] = mapped_column(String(80))
    parent_edition_id: Mapped[str | None] = mapped_column(String(80))
    terms: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    agreement_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("agreement.id"))
    settled_by_edition: Mapped[str | None] = mapped_column(String(80))
    found_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    changed_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))


class DisputeEntry(Base):
    """One thing that happened to a dispute: who, what, when and why. Append-only."""

    __tablename__ = "dispute_entry"
    __table_args__ = (
        ForeignKeyConstraint(
            ["district_code", "dispute_id"], ["dispute.district_code", "dispute.id"]
        ),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    dispute_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    actor: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(20))
    area: Mapped[str] = mapped_column(String(12))
    action: Mapped[str] = mapped_column(String(30))
    state: Mapped[str] = mapped_column(String(17))
    why: Mapped[str]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)


class DisputeEvidence(Base):
    """A file or a note that one side submitted, with the hash of its bytes. Append-only."""

    __tablename__ = "dispute_evidence"
    __table_args__ = (
        CheckConstraint("kind in ('file', 'note')", "kind_known"),
        CheckConstraint("size_bytes > 0", "not_empty"),
        UniqueConstraint("district_code", "dispute_id", "sha256"),
        ForeignKeyConstraint(
            ["district_code", "dispute_id"], ["dispute.district_code", "dispute.id"]
        ),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    dispute_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(4))
    name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(100))
    size_bytes: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    added_by: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(20))
    area: Mapped[str] = mapped_column(String(12))
    added_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
