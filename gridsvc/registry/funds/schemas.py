"""Funds as the interface gives them; amounts are in fen."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Self

from pydantic import Field

from gridsvc.answers import Answer, Next
from gridsvc.registry.funds.models import Fund


class FundAnswer(Answer):
    """A project of a street, or the emergency fund of a community."""

    district_code: str
    code: str
    year: int
    street_code: str
    community_code: str | None
    kind: str
    name: str
    budget_fen: int
    spent_fen: int
    balance_fen: int = Field(description="Never below zero.")

    @classmethod
    def told(cls, fund: Fund) -> Self:
        """A fund with what is left."""
        return cls.of(fund, balance_fen=fund.budget_fen - fund.spent_fen)


class FundPage(Answer):
    """Funds of a year."""

    funds: list[FundAnswer]
    next: Next


class KindSum(Answer):
    """All funds of a kind together."""

    kind: str
    funds: int
    budget_fen: int
    spent_fen: int
    balance_fen: int


class NamedCommunity(Answer):
    """A village or community."""

    code: str
    name: str


class FundSums(Answer):
    """The funds of an area and a year by kind, and what is lacking."""

    area: str
    year: int
    kinds: list[KindSum]
    without_emergency_fund: list[NamedCommunity] = Field(description="In force now.")


class SpendingAnswer(Answer):
    """Money that was spent of a fund; with a minus it came back."""

    id: uuid.UUID
    fund_code: str
    amount_fen: int
    what: str
    on_day: dt.date
    entered_by: str


class SpendingPage(Answer):
    """What was spent of a fund."""

    spendings: list[SpendingAnswer]
    next: Next
