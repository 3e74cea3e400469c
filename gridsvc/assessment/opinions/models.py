"""What streets say of the year of bodies."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base

#: By this act the audit log, from which a year is recomputed, keeps an opinion.
OPINION = "opinion of a year"


class YearlyOpinion(Base):
    """What a street says of a body's year, 0 to 100 with its reason; given once and for good."""

    __tablename__ = "yearly_opinion"
    __table_args__ = (
        CheckConstraint("score between 0 and 100", "score_of_hundred"),
        Index("ix_yearly_opinion_body", "body_code", "year"),
    )

    street_code: Mapped[str] = mapped_column(String(9), primary_key=True)
    body_code: Mapped[str] = mapped_column(ForeignKey("body.code"), primary_key=True)
    year: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    score: Mapped[int]
    reason: Mapped[str]
    given_by: Mapped[str] = mapped_column(String(100))
    given_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
