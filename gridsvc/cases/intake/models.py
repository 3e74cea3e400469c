"""Reports, where each was placed, and who reported (kept apart, encrypted)."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base

#: What a report says, as it is searched.
WORDS = "(description::text || ' ') || coalesce(place_text, '')::text"


class Report(Base):
    """One report as it was given, and its point in WGS84.

    ``case_district`` and ``case_id`` name the case that it joined, which a neighbouring
    district may lead: so they are plain columns, with no foreign key across districts.
    ``created_at`` is when the person reported; ``recorded_at`` when staff wrote it down later, None
    for a report that came in by itself. ``place_key`` is the form of ``place_text`` by which it is
    compared. ``reporter_subject`` is the subject of the token that filed it, ``secret_hash`` the
    SHA-256 of the secret in its receipt's link. ``words_salt`` is that of the hash which its trace
    holds of what the reporter wrote; both are None once that is erased, at ``erased_at``.
    ``earlier_cases`` are the cases that it has left: district and id of each.
    """

    __tablename__ = "report"
    __table_args__ = (
        Index("ix_report_id", "id"),
        Index("ix_report_point", "point", postgresql_using="gist"),
        CheckConstraint("accuracy_m >= 0", "accuracy_not_negative"),
        Index("ix_report_case", "case_district", "case_id"),
        Index("ix_report_created", "district_code", "created_at"),
        Index("ix_report_class", "district_code", "class_code", "created_at"),
        # Lists are of the city or of the district whose case it is, in the order of arrival.
        Index("ix_report_arrived", "created_at", "id"),
        Index("ix_report_listed", "case_district", "created_at", "id"),
        Index("ix_report_words", text(f"text_pairs({WORDS})"), postgresql_using="gin"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    receipt: Mapped[str] = mapped_column(String(16))
    channel: Mapped[str] = mapped_column(String(20))
    standard: Mapped[str] = mapped_column(String(30))
    kind: Mapped[str] = mapped_column(String(5))
    class_code: Mapped[str] = mapped_column(String(5))
    description: Mapped[str]
    given_x: Mapped[float | None]
    given_y: Mapped[float | None]
    given_crs: Mapped[str | None]
    accuracy_m: Mapped[float]
    point: Mapped[WKBElement] = mapped_column(Geometry("POINT", srid=4326, spatial_index=False))
    footprint: Mapped[WKBElement | None] = mapped_column(
        Geometry("MULTIPOLYGON", srid=4326, spatial_index=False)
    )
    part_code: Mapped[str | None] = mapped_column(String(8))
    needs_confirmation: Mapped[bool]
    case_district: Mapped[str] = mapped_column(String(6))
    case_id: Mapped[uuid.UUID]
    joined: Mapped[bool]
    created_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    place_text: Mapped[str | None]
    place_key: Mapped[str | None]
    reporter_subject: Mapped[str | None] = mapped_column(String(100))
    secret_hash: Mapped[str | None] = mapped_column(String(64))
    words_salt: Mapped[str | None] = mapped_column(String(32))
    erased_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    withdrawn_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    earlier_cases: Mapped[list[list[str]]] = mapped_column(JSONB, server_default=text("'[]'"))


class ReportPlacement(Base):
    """Where a report was placed and who was found responsible; moving a pin adds a row."""

    __tablename__ = "report_placement"
    __table_args__ = (
        ForeignKeyConstraint(["district_code", "report_id"], ["report.district_code", "report.id"]),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    report_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    placement: Mapped[dict[str, Any]] = mapped_column(JSONB)
    responsibility: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reason: Mapped[str]
    placed_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))


class Reporter(Base):
    """A reporter's contact, sealed with the service's key and read by nobody but its holder."""

    __tablename__ = "reporter"
    __table_args__ = (
        ForeignKeyConstraint(["district_code", "report_id"], ["report.district_code", "report.id"]),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    report_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class Receipt(Base):
    """A report's receipt, unique in the whole city, and the report that it stands for."""

    __tablename__ = "receipt"

    value: Mapped[str] = mapped_column(String(16), primary_key=True)
    district_code: Mapped[str] = mapped_column(String(6))
    report_id: Mapped[uuid.UUID]


class IdempotencyKey(Base):
    """An ``Idempotency-Key`` of one caller, the hash of its request, and the answer given."""

    __tablename__ = "idempotency_key"
    __table_args__ = (Index("ix_idempotency_key_created_at", "created_at"),)

    subject: Mapped[str] = mapped_column(String(100), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    request_hash: Mapped[str] = mapped_column(String(64))
    status: Mapped[int]
    answer: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
