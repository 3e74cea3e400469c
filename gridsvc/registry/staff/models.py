"""Staff, the areas and grids in which they serve, and the streets to which they are posted."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class StaffMember(Base):
    """Somebody who serves in a district, from a day on until before another.

    ``code`` is the number that their office gave them; whoever leaves and comes back has two rows.
    ``body_code`` is the office to which they belong, wherever they are posted; ``subject`` that of
    their token. ``sealed`` holds their telephone, sealed as reporters' contacts are. ``shifts`` is
    read by :class:`gridsvc.registry.staff.shifts.Shifts`.
    """

    __tablename__ = "staff"
    __table_args__ = (
        CheckConstraint(
            "role in ('inspector', 'grid_worker', 'posted_officer', 'chief', 'contact_point')",
            "role_known",
        ),
        CheckConstraint("valid_to > valid_from", "ends_after_it_begins"),
        Index("ix_staff_id", "id"),
        Index("uq_staff_period", "district_code", "code", "valid_from", unique=True),
        Index("ix_staff_subject", "subject"),
        Index("ix_staff_body", "body_code"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(100))
    body_code: Mapped[str] = mapped_column(ForeignKey("body.code"))
    role: Mapped[str] = mapped_column(String(20))
    shifts: Mapped[str]
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    subject: Mapped[str | None] = mapped_column(String(100))
    valid_from: Mapped[dt.date] = mapped_column(Date)
    valid_to: Mapped[dt.date | None] = mapped_column(Date)
    source: Mapped[str]


class StaffPlace(Base):
    """An area, a unit grid or a social grid in which somebody serves.

    ``area_code`` is the area itself, or the narrowest one in which the grid lies.
    """

    __tablename__ = "staff_place"
    __table_args__ = (
        CheckConstraint("kind in ('area', 'unit_grid', 'social_grid')", "kind_known"),
        ForeignKeyConstraint(["district_code", "staff_id"], ["staff.district_code", "staff.id"]),
        Index("ix_staff_place_area", "district_code", "area_code"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    staff_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(11), primary_key=True)
    code: Mapped[str] = mapped_column(String(20), primary_key=True)
    area_code: Mapped[str] = mapped_column(String(12))


class Posting(Base):
    """Somebody of the register who comes when a street calls their body (派驻), for some days.

    Made and ended by a proposal on which the street has given its opinion, and by nothing else.
    ``staff_code`` is the person's in every row of theirs. ``station`` is where they start from
    (WGS84), None for whoever is not expected to come. A row that ends as it begins never held.
    """

    __tablename__ = "posting"
    __table_args__ = (
        CheckConstraint("kind in ('posted', 'on_call', 'liaison')", "kind_known"),
        CheckConstraint("valid_to >= valid_from", "ends_after_it_begins"),
        CheckConstraint("kind = 'liaison' or station is not null", "starts_from_somewhere"),
        ExcludeConstraint(
            ("district_code", "="),
            ("staff_code", "="),
            (text("daterange(valid_from, valid_to)"), "&&"),
            name="ex_posting_one_street_on_a_day",
            where=text("kind = 'posted'"),
        ),
        Index("ix_posting_id", "id"),
        Index("ix_posting_street", "district_code", "street_code"),
        Index("ix_posting_staff", "district_code", "staff_code"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    staff_code: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(7))
    street_code: Mapped[str] = mapped_column(String(9))
    body_code: Mapped[str] = mapped_column(ForeignKey("body.code"))
    station: Mapped[Any | None] = mapped_column(Geometry("POINT", srid=4326, spatial_index=False))
    valid_from: Mapped[dt.date] = mapped_column(Date)
    valid_to: Mapped[dt.date | None] = mapped_column(Date)
