"""Parts (部件): the fixed things in the street, each with its 8-digit code."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import CheckConstraint, Date, ForeignKeyConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class PartState(StrEnum):
    """State of a part, in the standard's five words."""

    INTACT = "intact"  # 完好
    DAMAGED = "damaged"  # 破损
    MISSING = "missing"  # 丢失
    ABANDONED = "abandoned"  # 废弃
    REMOVED = "removed"  # 移除


class PositionClass(StrEnum):
    """How well the position was measured: A 0.5 m, B 1 m, C 10 m."""

    A = "A"
    B = "B"
    C = "C"


class Part(Base):
    """One part of the census, with the three bodies that answer for it."""

    __tablename__ = "part"
    __table_args__ = (
        Index("ix_part_geometry", "geometry", postgresql_using="gist"),
        ForeignKeyConstraint(
            ["standard", "kind", "class_code"], ["class.standard", "class.kind", "class.code"]
        ),
        CheckConstraint("kind = 'part'", "kind_is_part"),
        CheckConstraint(
            "state in ('intact', 'damaged', 'missing', 'abandoned', 'removed')", "state_known"
        ),
        CheckConstraint("position_class in ('A', 'B', 'C')", "position_class_known"),
        Index("ix_part_class", "district_code", "class_code"),
        Index("ix_part_unit_grid", "district_code", "grid_code"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    code: Mapped[str] = mapped_column(String(8), primary_key=True)
    national_id: Mapped[str] = mapped_column(String(17))
    national_id_2013: Mapped[str | None] = mapped_column(String(16))
    standard: Mapped[str] = mapped_column(String(30))
    kind: Mapped[str] = mapped_column(String(5))
    class_code: Mapped[str] = mapped_column(String(5))
    name: Mapped[str] = mapped_column(String(30))
    geometry: Mapped[WKBElement] = mapped_column(
        Geometry("GEOMETRY", srid=4326, spatial_index=False)
    )
    street_code: Mapped[str | None] = mapped_column(String(9))
    community_code: Mapped[str | None] = mapped_column(String(12))
    grid_code: Mapped[str | None] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(9))
    competent_body: Mapped[str] = mapped_column(String(18))
    owner_body: Mapped[str | None] = mapped_column(String(18))
    maintainer_body: Mapped[str | None] = mapped_column(String(18))
    position_class: Mapped[str] = mapped_column(String(1))
    first_date: Mapped[dt.date] = mapped_column(Date)
    change_date: Mapped[dt.date | None] = mapped_column(Date)
    source: Mapped[str]
    note: Mapped[str | None]
