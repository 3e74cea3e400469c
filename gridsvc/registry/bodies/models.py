"""Bodies (责任单位), duties (职责清单) and agreements (共治协议)."""

from __future__ import annotations

import datetime as dt
import uuid

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import CheckConstraint, Date, DateTime, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


def _following(table: str) -> Index:
    """By which the row that took another's place is found; few have done so."""
    following = text("replaces is not null")
    return Index(f"ix_{table}_replaces", "replaces", postgresql_where=following)


class Body(Base):
    """Whoever can be made responsible: a street office, a department, a company, a city unit."""

    __tablename__ = "body"
    __table_args__ = (
        CheckConstraint(
            "kind in ('street', 'department', 'company', 'city_unit', 'community')", "kind_known"
        ),
        Index("ix_body_area", "area_code"),
    )

    code: Mapped[str] = mapped_column(String(18), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(10))
    area_code: Mapped[str] = mapped_column(String(12))
    webhook_url: Mapped[str | None]
    telephone: Mapped[str | None] = mapped_column(String(40))
    source: Mapped[str]


class Duty(Base):
    """Which body answers for a class in an area, as lead or as assistant.

    ``area_code`` covers every area whose code begins with it; ``class_prefix`` every class
    likewise: ``06`` is a whole major, ``06001`` one class, the empty prefix all. ``replaces`` is
    the line that this one took the place of, ``reason`` why it began and ``end_reason`` why it
    ended; None where a list was imported.
    """

    __tablename__ = "duty"
    __table_args__ = (
        CheckConstraint("role in ('lead', 'assist')", "role_known"),
        CheckConstraint("kind in ('part', 'event')", "kind_known"),
        Index("ix_duty_area", "area_code", "kind", "class_prefix"),
        Index("ix_duty_body", "body_code"),
        _following("duty"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    body_code: Mapped[str] = mapped_column(ForeignKey("body.code"))
    area_code: Mapped[str] = mapped_column(String(12))
    standard: Mapped[str] = mapped_column(String(30))
    kind: Mapped[str] = mapped_column(String(5))
    class_prefix: Mapped[str] = mapped_column(String(5))
    role: Mapped[str] = mapped_column(String(6))
    clause: Mapped[str]
    valid_from: Mapped[dt.date] = mapped_column(Date)
    valid_to: Mapped[dt.date | None] = mapped_column(Date)
    replaces: Mapped[uuid.UUID | None]
    reason: Mapped[str | None]
    end_reason: Mapped[str | None]


class Agreement(Base):
    """A zone where bodies have agreed who does what, against or across the legal border.

    ``replaces``, ``reason`` and ``end_reason`` are as those of a duty.
    """

    __tablename__ = "agreement"
    __table_args__ = (
        Index("ix_agreement_zone", "zone", postgresql_using="gist"),
        _following("agreement"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    title: Mapped[str]
    zone: Mapped[WKBElement] = mapped_column(
        Geometry("MULTIPOLYGON", srid=4326, spatial_index=False)
    )
    valid_from: Mapped[dt.date] = mapped_column(Date)
    valid_to: Mapped[dt.date | None] = mapped_column(Date)
    replaces: Mapped[uuid.UUID | None]
    reason: Mapped[str | None]
    end_reason: Mapped[str | None]


class AgreementDuty(Base):
    """What one body took over in an agreement's zone."""

    __tablename__ = "agreement_duty"
    __table_args__ = (
        CheckConstraint("role in ('lead', 'assist')", "role_known"),
        CheckConstraint("kind in ('part', 'event')", "kind_known"),
    )

    agreement_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agreement.id"), primary_key=True)
    body_code: Mapped[str] = mapped_column(ForeignKey("body.code"), primary_key=True)
    standard: Mapped[str] = mapped_column(String(30), primary_key=True)
    kind: Mapped[str] = mapped_column(String(5), primary_key=True)
    class_prefix: Mapped[str] = mapped_column(String(5), primary_key=True)
    role: Mapped[str] = mapped_column(String(6))


class DutyGap(Base):
    """A class for which nobody was listed in a street when a case of it came (属地兜底).

    Kept once, with the first case: ``gridsvc duties gaps`` says whether it is a gap still.
    """

    __tablename__ = "duty_gap"
    __table_args__ = (CheckConstraint("kind in ('part', 'event')", "kind_known"),)

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    street_code: Mapped[str] = mapped_column(String(18), primary_key=True)
    standard: Mapped[str] = mapped_column(String(30), primary_key=True)
    kind: Mapped[str] = mapped_column(String(5), primary_key=True)
    class_code: Mapped[str] = mapped_column(String(5), primary_key=True)
    first_seen_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    case_id: Mapped[uuid.UUID]
