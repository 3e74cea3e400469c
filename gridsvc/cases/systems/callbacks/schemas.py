"""Callbacks as the interface gives them."""

from __future__ import annotations

import datetime as dt
import uuid
from enum import StrEnum

from pydantic import Field

from gridsvc.answers import Answer
from gridsvc.city.weights import Reading


class Satisfied(StrEnum):
    """How satisfied a citizen is: 满意, 基本满意, 不满意."""

    SATISFIED = "satisfied"
    FAIRLY = "fairly"
    NOT = "not"


class CallbackAnswer(Answer):
    """What a citizen said after the closing."""

    report_id: uuid.UUID
    case_id: uuid.UUID
    n: int
    reading: Reading = Field(description="By which reading of response it can be counted.")
    contacted: bool = Field(description="Whether the callback reached the citizen.")
    unit_contacted: bool | None = Field(
        description="Whether the responsible unit had contacted the citizen; null when not asked."
    )
    solved: bool | None = Field(description="Null when nobody was reached.")
    satisfied: Satisfied | None = Field(description="Null when nobody was reached.")
    valid: bool = Field(description="Whether it counts in the three rates.")
    reason: str | None
    given_by: str
    at: dt.datetime
    written_at: dt.datetime


class CallbacksAnswer(Answer):
    """Every callback about a report; the last one stands."""

    callbacks: list[CallbackAnswer]
