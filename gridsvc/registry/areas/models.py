"""The areas of an edition."""

from __future__ import annotations

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


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
