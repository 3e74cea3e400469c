"""Unit grids (单元网格) and the national ids that unit grids and parts bear."""

from __future__ import annotations

import datetime as dt

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class UnitGrid(Base):
    """A cell of about 10,000 m² inside one community; the smallest place that has an owner.

    ``nominal_m2`` is the size aimed at: larger than 10,000 m² where a community has more
    ground than 999 serials can number. ``version`` counts the polygons that the code has had;
    ``redrawn_date`` is the first day of the present one, None when it is the first.
    ``successor_code`` is the one in its district that took most of a void grid's ground.
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
    redrawn_date: Mapped[dt.date | None]
    version: Mapped[int] = mapped_column(default=1, server_default="1")


class FormerGrid(Base):
    """An earlier polygon of a code that is still the same place, in force until ``end_date``."""

    __tablename__ = "unit_grid_former"
    __table_args__ = (
        ForeignKeyConstraint(
            ["district_code", "code"], ["unit_grid.district_code", "unit_grid.code"]
        ),
        CheckConstraint("end_date >= drawn_date", "dates_in_order"),
        Index("ix_unit_grid_former_dates", "drawn_date", "end_date"),
        Index("ix_unit_grid_former_geometry", "geometry", postgresql_using="gist"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    code: Mapped[str] = mapped_column(String(8), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    edition_id: Mapped[str] = mapped_column(ForeignKey("edition.id"))
    geometry: Mapped[WKBElement] = mapped_column(
        Geometry("POLYGON", srid=4326, spatial_index=False)
    )
    area_m2: Mapped[float]
    nominal_m2: Mapped[float]
    compactness: Mapped[float]
    drawn_date: Mapped[dt.date]
    end_date: Mapped[dt.date]


class GridSuccessor(Base):
    """A unit grid that took ground of a void one: m², and the share of the void one's ground.

    The successor may lie in another district, so it is a plain column.
    """

    __tablename__ = "grid_successor"
    __table_args__ = (
        ForeignKeyConstraint(
            ["district_code", "code"], ["unit_grid.district_code", "unit_grid.code"]
        ),
        CheckConstraint("shared_m2 > 0", "shares_ground"),
        Index("ix_grid_successor_successor", "successor_district", "successor_code"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    code: Mapped[str] = mapped_column(String(8), primary_key=True)
    successor_district: Mapped[str] = mapped_column(String(6), primary_key=True)
    successor_code: Mapped[str] = mapped_column(String(8), primary_key=True)
    shared_m2: Mapped[float]
    share: Mapped[float]


class GriddedCommunity(Base):
    """What the valid unit grids of a community were cut from.

    The edition is a plain column: one that is taken back may be discarded. ``barriers_hash`` is
    the SHA-256 of the lines and buildings that met the community; None when it was cut without.
    """

    __tablename__ = "gridded_community"

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    community_code: Mapped[str] = mapped_column(String(12), primary_key=True)
    communities_edition_id: Mapped[str] = mapped_column(String(80))
    barriers_hash: Mapped[str | None] = mapped_column(String(64))


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
