"""Social grids of two levels, each in an area and with its grid workers."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class SocialGrid(Base):
    """A social grid: level 1 is a village or community, level 2 some hundred households of it.

    ``parent_code`` is the level-1 grid of a level-2 one; ``area_code`` its community, or the street
    where none is drawn. ``households`` and ``people`` are None where the list does not say.
    """

    __tablename__ = "social_grid"
    __table_args__ = (
        CheckConstraint("level in (1, 2)", "level_known"),
        CheckConstraint("(level = 2) = (parent_code is not null)", "level_2_has_parent"),
        Index("ix_social_grid_area", "area_code"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    code: Mapped[str] = mapped_column(String(20), primary_key=True)
    level: Mapped[int] = mapped_column(SmallInteger)
    name: Mapped[str] = mapped_column(String(100))
    parent_code: Mapped[str | None] = mapped_column(String(20))
    area_code: Mapped[str] = mapped_column(String(12))
    households: Mapped[int | None]
    people: Mapped[int | None]
    workers: Mapped[int]
    source: Mapped[str]
