"""Trials, their batches of households, the rounds in which a batch tries and votes, the slips."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base

_OF_TRIAL = (["district_code", "trial_id"], ["trial.district_code", "trial.id"])


class Trial(Base):
    """A service that an area tries before it takes it; ``share`` and ``quorum`` are fractions."""

    __tablename__ = "trial"
    __table_args__ = (
        CheckConstraint("whole in ('households', 'votes')", "whole_known"),
        CheckConstraint("state in ('running', 'adopted', 'ended')", "state_known"),
        CheckConstraint("(state = 'ended') = (end_reason is not null)", "ended_has_reason"),
        Index("ix_trial_id", "id"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    area_code: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(200))
    share: Mapped[str] = mapped_column(String(20))
    whole: Mapped[str] = mapped_column(String(10))
    quorum: Mapped[str] = mapped_column(String(20))
    wait_days: Mapped[int] = mapped_column(Integer)
    consulted_on: Mapped[dt.date] = mapped_column(Date)
    state: Mapped[str] = mapped_column(String(7))
    made_by: Mapped[str] = mapped_column(String(100))
    made_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    end_reason: Mapped[str | None]


class TrialBatch(Base):
    """The households of an area that try and vote together; batches follow by their number."""

    __tablename__ = "trial_batch"
    __table_args__ = (ForeignKeyConstraint(*_OF_TRIAL),)

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    trial_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    batch: Mapped[int] = mapped_column(Integer, primary_key=True)
    area_code: Mapped[str] = mapped_column(String(12))
    households: Mapped[int] = mapped_column(Integer)


class TrialHousehold(Base):
    """A household with its vote, by the one form of its address: once in a trial."""

    __tablename__ = "trial_household"
    __table_args__ = (
        ForeignKeyConstraint(
            ["district_code", "trial_id", "batch"],
            ["trial_batch.district_code", "trial_batch.trial_id", "trial_batch.batch"],
        ),
        Index("ix_trial_household_batch", "district_code", "trial_id", "batch", "household"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    trial_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    area_code: Mapped[str] = mapped_column(String(12), primary_key=True)
    household: Mapped[str] = mapped_column(String(80), primary_key=True)
    batch: Mapped[int] = mapped_column(Integer)


class TrialRound(Base):
    """A batch tries, votes and is counted; one that failed may have another round.

    ``box`` is there while the vote is open (:mod:`gridsvc.cases.systems.trials.ballot`),
    ``counts`` once it was opened.
    """

    __tablename__ = "trial_round"
    __table_args__ = (
        CheckConstraint("state in ('trying', 'voting', 'passed', 'failed')", "state_known"),
        CheckConstraint("ends_on > starts_on", "ends_after_it_starts"),
        CheckConstraint("(state = 'voting') = (box is not null)", "box_while_voting"),
        CheckConstraint(
            "(state in ('passed', 'failed')) = (counts is not null)", "counted_has_counts"
        ),
        ForeignKeyConstraint(
            ["district_code", "trial_id", "batch"],
            ["trial_batch.district_code", "trial_batch.trial_id", "trial_batch.batch"],
        ),
        Index(
            "ix_trial_round_box",
            "district_code",
            "trial_id",
            postgresql_where=text("box is not null"),
        ),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    trial_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    batch: Mapped[int] = mapped_column(Integer, primary_key=True)
    round: Mapped[int] = mapped_column(Integer, primary_key=True)
    state: Mapped[str] = mapped_column(String(6))
    starts_on: Mapped[dt.date] = mapped_column(Date)
    ends_on: Mapped[dt.date] = mapped_column(Date)
    change: Mapped[str | None]
    closes_on: Mapped[dt.date | None] = mapped_column(Date)
    box: Mapped[bytes | None] = mapped_column(LargeBinary)
    counts: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    counted_on: Mapped[dt.date | None] = mapped_column(Date)


class TrialSlip(Base):
    """The voting slip of a household: whether it voted, and nothing of what or when."""

    __tablename__ = "trial_slip"
    __table_args__ = (
        ForeignKeyConstraint(
            ["district_code", "trial_id", "batch", "round"],
            [f"trial_round.{name}" for name in ("district_code", "trial_id", "batch", "round")],
        ),
        Index("uq_trial_slip_code_hash", "code_hash", unique=True),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    trial_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    batch: Mapped[int] = mapped_column(Integer, primary_key=True)
    round: Mapped[int] = mapped_column(Integer, primary_key=True)
    area_code: Mapped[str] = mapped_column(String(12), primary_key=True)
    household: Mapped[str] = mapped_column(String(80), primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    voted: Mapped[bool]
