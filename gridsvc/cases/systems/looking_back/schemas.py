"""Lists of recurring places as the interface gives them."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Literal

from pydantic import Field

from gridsvc.answers import Answer, Next, Position


class RecurringListAnswer(Answer):
    """A list of recurring places."""

    id: uuid.UUID
    area_code: str
    name: str
    groups: list[str] = Field(description="Groups of synonyms, or words, that were asked for.")
    since: dt.date
    until: dt.date
    kept_by: str
    kept_at: dt.datetime
    ended_at: dt.datetime | None = Field(description="Since then nobody is asked to look again.")
    end_reason: str | None
    places: int


class RecurringListPage(Answer):
    """Lists, in the order in which they were kept."""

    lists: list[RecurringListAnswer]
    next: Next


class LookBackAnswer(Answer):
    """A time that somebody was asked to look at a place again."""

    before: dt.date = Field(description="The day of the season.")
    task_id: uuid.UUID | None = Field(description="Null: its newest case was open still.")
    body_code: str = Field(description="Who answers for the place, as of the day it was made.")
    street_code: str | None
    community_code: str | None
    made_at: dt.datetime
    outcome: Literal["lasted", "again"] | None = Field(description="Null until somebody looked.")
    case_id: uuid.UUID | None = Field(description="The case that began where it was there again.")


class RecurringPlaceAnswer(Answer):
    """A place of a list."""

    n: int
    point: Position
    reports: int
    unsolved: int
    case_district: str
    case_id: uuid.UUID = Field(description="The newest case about it.")
    looked: list[LookBackAnswer]


class LookedCounts(Answer):
    """How many of the times that somebody was asked ended how."""

    asked: int
    waiting: int
    lasted: int
    again: int
    open_already: int = Field(description="The newest case was open: no task was made.")


class RecurringListWhole(RecurringListAnswer):
    """A list with its places, and how they were found when somebody looked again."""

    looked: LookedCounts
    listed: list[RecurringPlaceAnswer]
