"""Segments of lanes, who keeps them, and where along them patrols went."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    CheckConstraint,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    String,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base

_SEGMENT = ["lane_segment.district_code", "lane_segment.code"]


class LaneSegment(Base):
    """A piece of a lane, WGS84, from a day on until before another.

    ``street_code`` keeps it; ``beside`` are all streets in which at least half of it runs, or on
    whose border: both, where the lane itself is the border. ``length_m`` is on the ellipsoid.
    """

    __tablename__ = "lane_segment"
    __table_args__ = (
        CheckConstraint("valid_to > valid_from", "ends_after_it_begins"),
        CheckConstraint("length_m > 0", "has_length"),
        Index("ix_lane_segment_street", "district_code", "street_code", "code"),
        Index("ix_lane_segment_geometry", "geometry", postgresql_using="gist"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    code: Mapped[str] = mapped_column(String(30), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    street_code: Mapped[str] = mapped_column(String(9))
    beside: Mapped[list[str]] = mapped_column(ARRAY(String(9)))
    length_m: Mapped[float]
    geometry: Mapped[Any] = mapped_column(Geometry("LINESTRING", srid=4326, spatial_index=False))
    valid_from: Mapped[dt.date] = mapped_column(Date)
    valid_to: Mapped[dt.date | None] = mapped_column(Date)
    source: Mapped[str]


class LaneKeeper(Base):
    """The chief (街巷长) of a segment, or a warden (小巷管家) beside, for some days.

    ``staff_code`` is of the register of staff in the same district. One chief on a day.
    """

    __tablename__ = "lane_keeper"
    __table_args__ = (
        CheckConstraint("role in ('chief', 'warden')", "role_known"),
        CheckConstraint("valid_to >= valid_from", "ends_after_it_begins"),
        ForeignKeyConstraint(["district_code", "segment_code"], _SEGMENT),
        ExcludeConstraint(
            ("district_code", "="),
            ("segment_code", "="),
            (text("daterange(valid_from, valid_to)"), "&&"),
            name="ex_lane_keeper_one_chief_on_a_day",
            where=text("role = 'chief'"),
        ),
        Index("ix_lane_keeper_staff", "district_code", "staff_code"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    segment_code: Mapped[str] = mapped_column(String(30), primary_key=True)
    staff_code: Mapped[str] = mapped_column(String(20), primary_key=True)
    valid_from: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    role: Mapped[str] = mapped_column(String(6))
    valid_to: Mapped[dt.date | None] = mapped_column(Date)


class LanePatrol(Base):
    """A walk of somebody of the register. Its track is not kept, only where along lanes it went."""

    __tablename__ = "lane_patrol"
    __table_args__ = (
        CheckConstraint("ended_at > started_at", "ends_after_it_begins"),
        ExcludeConstraint(
            ("district_code", "="),
            ("staff_code", "="),
            (text("tstzrange(started_at, ended_at, '[]')"), "&&"),
            name="ex_lane_patrol_one_at_a_time",
        ),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    staff_code: Mapped[str] = mapped_column(String(20))
    started_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    walked_m: Mapped[float]
    entered_by: Mapped[str] = mapped_column(String(100))


class LaneStretch(Base):
    """Where along a segment a patrol went, in metres from its beginning, on a day of the city."""

    __tablename__ = "lane_stretch"
    __table_args__ = (
        CheckConstraint("to_m > from_m and from_m >= 0", "has_length"),
        ForeignKeyConstraint(["district_code", "segment_code"], _SEGMENT),
        Index("ix_lane_stretch_day", "district_code", "segment_code", "day"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    segment_code: Mapped[str] = mapped_column(String(30), primary_key=True)
    patrol_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    from_m: Mapped[float] = mapped_column(primary_key=True)
    to_m: Mapped[float]
    day: Mapped[dt.date] = mapped_column(Date)
