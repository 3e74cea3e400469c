"""Requests for help as the interface gives them."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Literal

from pydantic import Field

from gridsvc.answers import Answer, Next

State = Literal["open", "taken", "done", "rated", "unrated", "lapsed", "withdrawn"]


class HelpReleaseAnswer(Answer):
    """Somebody had taken a request and did not do it."""

    member_code: str
    team_code: str | None
    why: Literal["gave_back", "did_not_come"]
    note: str
    at: dt.datetime


class HelpRequestAnswer(Answer):
    """A request for help, as the one who reads it may know it."""

    id: uuid.UUID
    community_code: str
    kind: str
    what: str
    place: str | None = Field(description="Null for those who have not taken it.")
    asker_body: str | None = Field(description="Null for a resident.")
    asked_at: dt.datetime
    wanted_by: dt.datetime = Field(description="After that nobody takes it.")
    state: State
    member_code: str | None = Field(description="Who has taken it, or leads the team.")
    team_code: str | None
    taken_at: dt.datetime | None
    done_at: dt.datetime | None
    rate_by: dt.datetime | None = Field(description="Until when its asker may rate it.")
    score: int | None = Field(description="1 to 5.")
    rating: str | None
    rated_at: dt.datetime | None
    releases: list[HelpReleaseAnswer] = Field(description="Empty but for its asker and staff.")


class HelpRequestPage(Answer):
    """Requests for help, in the order in which they were asked."""

    requests: list[HelpRequestAnswer]
    next: Next


class HelpKindAnswer(Answer):
    """A kind of help."""

    kind: str
    title: str
    title_zh: str


class HelpCounts(Answer):
    """What came of the requests that were asked from a day on until before another."""

    area: str
    since: dt.date
    until: dt.date
    requests: int
    states: dict[str, int]
    given_back: int
    did_not_come: int
    scores: dict[int, int] = Field(description="How many of each score.")
    mean: str | None = Field(description="The exact mean of the scores, such as 14/3.")


class HelpKindList(Answer):
    """What may be asked."""

    kinds: list[HelpKindAnswer]
