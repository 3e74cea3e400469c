"""Campaigns, their targets, posts, called cases, and the history of what was changed."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class Campaign(Base):
    """A campaign in a district or street, from its first day to the end of its last.

    Its cases are those opened in these days, in ``area_code``, of a class that begins like one of
    ``classes`` (none: any), and those that it called. ``goal`` is the exact share of the targets
    that it must reach, such as ``9/10``. ``headquarters`` is the body that leads it.
    """

    __tablename__ = "campaign"
    __table_args__ = (
        CheckConstraint("first_day <= last_day", "days_in_order"),
        Index("ix_campaign_days", "district_code", "last_day"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    district_code: Mapped[str] = mapped_column(String(6))
    area_code: Mapped[str] = mapped_column(String(9))
    name: Mapped[str] = mapped_column(String(100))
    classes: Mapped[list[str]] = mapped_column(ARRAY(String(5)))
    first_day: Mapped[dt.date] = mapped_column(Date)
    last_day: Mapped[dt.date] = mapped_column(Date)
    goal: Mapped[str] = mapped_column(String(9))
    headquarters: Mapped[str] = mapped_column(ForeignKey("body.code"))
    made_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    made_by: Mapped[str] = mapped_column(String(100))


class CampaignTarget(Base):
    """How many cases a street is to settle, and the body of its sub-headquarters (分指挥部)."""

    __tablename__ = "campaign_target"
    __table_args__ = (CheckConstraint("target >= 0", "not_negative"),)

    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    street_code: Mapped[str] = mapped_column(String(9), primary_key=True)
    target: Mapped[int]
    sub_headquarters: Mapped[str] = mapped_column(ForeignKey("body.code"))


class CampaignPost(Base):
    """Somebody of the register of staff in a temporary post, at headquarters or in a street."""

    __tablename__ = "campaign_post"
    __table_args__ = (
        CheckConstraint("first_day <= last_day", "days_in_order"),
        ForeignKeyConstraint(["staff_district", "staff_id"], ["staff.district_code", "staff.id"]),
        Index("ix_campaign_post_staff", "staff_district", "staff_id"),
    )

    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    staff_district: Mapped[str] = mapped_column(String(6))
    staff_id: Mapped[uuid.UUID]
    street_code: Mapped[str | None] = mapped_column(String(9))
    post: Mapped[str] = mapped_column(String(100))
    first_day: Mapped[dt.date] = mapped_column(Date)
    last_day: Mapped[dt.date] = mapped_column(Date)


class CampaignCase(Base):
    """A case that a campaign called, wherever and whenever it was opened."""

    __tablename__ = "campaign_case"
    __table_args__ = (
        ForeignKeyConstraint(
            ["case_district", "case_id"], ["case_file.district_code", "case_file.id"]
        ),
        Index("ix_campaign_case_case", "case_district", "case_id"),
    )

    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    case_district: Mapped[str] = mapped_column(String(6), primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    called_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))


class CampaignChange(Base):
    """What was changed in a campaign, by whom and why; nothing here is changed or taken away."""

    __tablename__ = "campaign_change"

    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    change: Mapped[str] = mapped_column(String(20))
    street_code: Mapped[str | None] = mapped_column(String(9))
    before: Mapped[Any] = mapped_column(JSONB(none_as_null=True), nullable=True)
    after: Mapped[Any] = mapped_column(JSONB(none_as_null=True), nullable=True)
    reason: Mapped[str]
    at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    by: Mapped[str] = mapped_column(String(100))
