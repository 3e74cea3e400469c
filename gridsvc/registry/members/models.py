"""Members by the community in which they live, and their services there."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, Date, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class Member(Base):
    """Somebody who has reported in at the community where they live; nobody has two.

    ``unit`` is where they work.
    """

    __tablename__ = "member"
    __table_args__ = (
        Index("uq_member_code", "code", unique=True),
        Index("ix_member_community", "district_code", "community_code", "code"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    code: Mapped[str] = mapped_column(String(20), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    unit: Mapped[str] = mapped_column(String(100))
    community_code: Mapped[str] = mapped_column(String(12))
    reported_on: Mapped[dt.date] = mapped_column(Date)


class MemberService(Base):
    """What a member did on a day for the community in which they lived then."""

    __tablename__ = "member_service"
    __table_args__ = (
        CheckConstraint("minutes > 0 and minutes <= 1440", "minutes_of_a_day"),
        Index("uq_member_service", "district_code", "member_code", "on_day", "what", unique=True),
        Index("ix_member_service_community", "district_code", "community_code", "on_day"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    member_code: Mapped[str] = mapped_column(String(20))
    community_code: Mapped[str] = mapped_column(String(12))
    on_day: Mapped[dt.date] = mapped_column(Date)
    what: Mapped[str] = mapped_column(String(200))
    minutes: Mapped[int]
