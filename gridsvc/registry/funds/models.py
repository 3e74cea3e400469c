"""Funds with their budgets, and what was spent of each."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    String,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class Fund(Base):
    """A project of a street's list, or the emergency fund of a community, for a year; in fen.

    ``spent_fen`` is the sum of its spendings; the database lets it neither pass the budget nor
    fall below zero. ``community_code`` is None for a project of the whole street.
    """

    __tablename__ = "fund"
    __table_args__ = (
        CheckConstraint("spent_fen between 0 and budget_fen", "never_overdrawn"),
        CheckConstraint("kind <> 'emergency' or community_code is not null", "emergency_placed"),
        Index("ix_fund_street", "district_code", "year", "street_code"),
        Index(
            "uq_fund_emergency",
            "district_code",
            "year",
            "community_code",
            unique=True,
            postgresql_where=text("kind = 'emergency'"),
        ),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    code: Mapped[str] = mapped_column(String(20), primary_key=True)
    year: Mapped[int] = mapped_column(SmallInteger)
    street_code: Mapped[str] = mapped_column(String(9))
    community_code: Mapped[str | None] = mapped_column(String(12))
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(200))
    budget_fen: Mapped[int] = mapped_column(BigInteger)
    spent_fen: Mapped[int] = mapped_column(BigInteger, server_default="0")


class Spending(Base):
    """Money spent of a fund, for good; what comes back is a negative one with its reason."""

    __tablename__ = "spending"
    __table_args__ = (
        CheckConstraint("amount_fen <> 0", "of_something"),
        ForeignKeyConstraint(["district_code", "fund_code"], ["fund.district_code", "fund.code"]),
        Index("ix_spending_fund", "district_code", "fund_code", "id"),
    )

    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    fund_code: Mapped[str] = mapped_column(String(20))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    what: Mapped[str] = mapped_column(String(500))
    on_day: Mapped[dt.date] = mapped_column(Date)
    entered_by: Mapped[str] = mapped_column(String(100))
