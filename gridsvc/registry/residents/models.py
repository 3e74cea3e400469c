"""Counts of residents, births and moves, and the places that care for children."""

from __future__ import annotations

import datetime as dt

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import CheckConstraint, Date, String
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class ResidentCount(Base):
    """How many people of an age live in a unit grid on August 31 of a year."""

    __tablename__ = "resident_count"
    __table_args__ = (
        CheckConstraint("age between 0 and 120", "age_of_people"),
        CheckConstraint("residents >= 0", "residents_not_negative"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    grid_code: Mapped[str] = mapped_column(String(8), primary_key=True)
    age: Mapped[int] = mapped_column(primary_key=True)
    residents: Mapped[int]


class ResidentMove(Base):
    """How many came to a street and left it in the year to August 31, by their age then."""

    __tablename__ = "resident_move"
    __table_args__ = (CheckConstraint("came >= 0 and went >= 0", "moves_not_negative"),)

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    street_code: Mapped[str] = mapped_column(String(9), primary_key=True)
    age: Mapped[int] = mapped_column(primary_key=True)
    came: Mapped[int]
    went: Mapped[int]


class BirthCount(Base):
    """How many were born to a street's residents in the year to August 31."""

    __tablename__ = "birth_count"
    __table_args__ = (CheckConstraint("births >= 0", "births_not_negative"),)

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    street_code: Mapped[str] = mapped_column(String(9), primary_key=True)
    births: Mapped[int]


class CarePlace(Base):
    """A kindergarten, a nursery: its seats, and how far away the children live whom it takes."""

    __tablename__ = "care_place"
    __table_args__ = (
        CheckConstraint("seats >= 0", "seats_not_negative"),
        CheckConstraint("reach_m > 0", "reach_positive"),
        CheckConstraint("valid_to is null or valid_to > valid_from", "ends_after_it_begins"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    code: Mapped[str] = mapped_column(String(20), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(20))
    point: Mapped[WKBElement] = mapped_column(Geometry("POINT", srid=4326, spatial_index=False))
    seats: Mapped[int]
    reach_m: Mapped[float]
    valid_from: Mapped[dt.date] = mapped_column(Date)
    valid_to: Mapped[dt.date | None] = mapped_column(Date)
