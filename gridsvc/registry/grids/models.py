"""Unit grids (单元网格) and the national ids that unit grids and parts bear."""

from __future__ import annotations

import datetime as dt

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base

__all__ = ["NationalId", "UnitGrid"]


class UnitGrid(Base):
    """A cell of about 10,000 m² inside one community; the smallest place that has an owner.

    ``nominal_m2`` is the size aimed at: larger than 10,000 m² where a community has more
    ground than 999 serials can number.
    """

    __tablename__ = "unit_grid"
    __table_args__ = (
        Index("ix_unit_grid_geometry", "geometry", postgresql_using="gist"),
        CheckConstraint("state in ('valid', 'void')", "state_known"),
        CheckConstraint(
            "(state = 'void') = (void_reason is not null and end_date is not null)",
            "void_has_reason_and_date",
        ),
        Index("ix_unit_grid_edition", "edition_id"),
        Index("ix_unit_grid_community", "district_code", "community_code"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    code: Mapped[str] = mapped_column(String(8), primary_key=True)
    edition_id: Mapped[str] = mapped_column(ForeignKey("edition.id"))
    street_code: Mapped[str] = mapped_column(String(9))
    community_code: Mapped[str] = mapped_column(String(12))
    serial: Mapped[int]
    national_id: Mapped[str] = mapped_column(String(15))
    national_id_2013: Mapped[str | None] = mapped_column(String(14))
    geometry: Mapped[WKBElement] = mapped_column(
        Geometry("POLYGON", srid=4326, spatial_index=False)
    )
    area_m2: Mapped[float]
    nominal_m2: Mapped[float]
    compactness: Mapped[float]
    first_date: Mapped[dt.date]
    end_date: Mapped[dt.date | None]
    state: Mapped[str] = mapped_column(String(5))
    void_reason: Mapped[str | None]
    successor_code: Mapped[str | None] = mapped_column(String(8))


class NationalId(Base):
    """A national id, unique in the whole country, and what bears it.

    Keyed by the value itself so that it stays unique when districts live on several servers.
    """

    __tablename__ = "national_id"
    __table_args__ = (CheckConstraint("kind in ('unit_grid', 'part')", "kind_known"),)

    id: Mapped[str] = mapped_column(String(17), primary_key=True)
    kind: Mapped[str] = mapped_column(String(9))
    district_code: Mapped[str] = mapped_column(String(6))
    code: Mapped[str] = mapped_column(String(8))
