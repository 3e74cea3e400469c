"""Contact points of judges, one for a village or community on a day."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, Date, String, literal_column
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class ContactPoint(Base):
    """Where the people of a village or community meet their judge, from a day on until another.

    ``judge_code`` is the judge's code in the register of staff, which knows the court, the days on
    which they serve and their telephone. On no day has an area two.
    """

    __tablename__ = "contact_point"
    __table_args__ = (
        CheckConstraint("valid_to > valid_from", "ends_after_it_begins"),
        ExcludeConstraint(
            ("district_code", "="),
            ("area_code", "="),
            (literal_column("daterange(valid_from, valid_to)"), "&&"),
            name="ex_contact_point_one_on_a_day",
        ),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    area_code: Mapped[str] = mapped_column(String(12), primary_key=True)
    valid_from: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    valid_to: Mapped[dt.date | None] = mapped_column(Date)
    name: Mapped[str] = mapped_column(String(100))
    judge_code: Mapped[str] = mapped_column(String(20))
    source: Mapped[str]
