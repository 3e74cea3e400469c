"""Lists of recurring places, and each time that one of them is looked at again."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import (
    CheckConstraint,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    String,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class RecurringList(Base):
    """Places that somebody keeps: by which words, of which reports. Nothing of persons.

    ``groups`` are the groups of synonyms or the words that were asked for. ``ended_at``: it is
    looked at no more.
    """

    __tablename__ = "recurring_list"
    __table_args__ = (
        CheckConstraint("(ended_at is null) = (end_reason is null)", "ended_has_reason"),
        Index("ix_recurring_list_id", "id"),
        Index(
            "ix_recurring_list_kept",
            "district_code",
            "id",
            postgresql_where=text("ended_at is null"),
        ),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    area_code: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(200))
    groups: Mapped[list[Any]] = mapped_column(JSONB)
    since: Mapped[dt.date] = mapped_column(Date)
    until: Mapped[dt.date] = mapped_column(Date)
    kept_by: Mapped[str] = mapped_column(String(100))
    kept_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    end_reason: Mapped[str | None]


class RecurringPlace(Base):
    """A place of a list: its middle, how many reports it had, and the newest case about it.

    ``case_district`` and ``case_id`` move on to the case that was opened when it was found again.
    """

    __tablename__ = "recurring_place"
    __table_args__ = (
        ForeignKeyConstraint(
            ["district_code", "list_id"], ["recurring_list.district_code", "recurring_list.id"]
        ),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    list_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    point: Mapped[WKBElement] = mapped_column(Geometry("POINT", srid=4326, spatial_index=False))
    reports: Mapped[int]
    unsolved: Mapped[int]
    case_district: Mapped[str] = mapped_column(String(6))
    case_id: Mapped[uuid.UUID]


class LookBack(Base):
    """A place that is looked at before a season: the task, to whom the place belongs, the outcome.

    ``before`` is the day of the season. ``task_id`` is None where the newest case was open still:
    whoever has it looks there anyway. The areas and ``body_code`` are those of the day on which it
    was made. ``case_id`` is the case that began where it was found ``again``.
    """

    __tablename__ = "look_back"
    __table_args__ = (
        CheckConstraint("outcome in ('lasted', 'again')", "outcome_known"),
        CheckConstraint(
            "coalesce(outcome = 'again', false) = (case_id is not null)", "again_has_case"
        ),
        ForeignKeyConstraint(
            ["district_code", "list_id", "n"],
            [f"recurring_place.{name}" for name in ("district_code", "list_id", "n")],
        ),
        Index("ix_look_back_task", "task_id", postgresql_where=text("task_id is not null")),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    list_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    before: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    made_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    task_id: Mapped[uuid.UUID | None]
    area_district: Mapped[str] = mapped_column(String(6))
    street_code: Mapped[str | None] = mapped_column(String(9))
    community_code: Mapped[str | None] = mapped_column(String(12))
    body_code: Mapped[str] = mapped_column(String(18))
    outcome: Mapped[str | None] = mapped_column(String(6))
    case_id: Mapped[uuid.UUID | None]
