"""Threads: what was said of one case in one group."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import BigInteger, DateTime, ForeignKeyConstraint, Identity, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class GroupThread(Base):
    """One case in one group: its number, by which later messages refer to the first.

    ``said`` is how many messages it has, ``last_hash`` (SHA-256) what the last one said, so that
    the same is not said twice; ``answers`` how often it was answered without a step.
    """

    __tablename__ = "group_thread"
    __table_args__ = (
        ForeignKeyConstraint(
            ["district_code", "case_id"], ["case_file.district_code", "case_file.id"]
        ),
        Index("uq_group_thread_number", "number", unique=True),
        Index("ix_group_thread_case", "district_code", "case_id"),
    )

    group_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity())
    first_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    said: Mapped[int]
    answers: Mapped[int]
    last_hash: Mapped[str] = mapped_column(String(64))
