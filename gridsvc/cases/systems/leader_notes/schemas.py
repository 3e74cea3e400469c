"""Leaders' notes and visits as the interface gives them."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Literal

from pydantic import Field

from gridsvc.answers import Answer, Next

NoteState = Literal["written", "answered", "done", "ended", "withdrawn"]


class LeaderNoteRead(Answer):
    """What a leader wrote, or found on a visit, and what became of it."""

    n: int
    kind: Literal["note", "visit"]
    leader: str = Field(description="The subject of the leader's token.")
    words: str
    metres_off: float | None = Field(description="Of a visit, from the place of the case.")
    staff_code: str = Field(description="Who shall do it, as the register of staff knows them.")
    body_code: str = Field(description="Their office.")
    written_at: dt.datetime
    limit_at: dt.datetime
    state: NoteState
    answer: str | None
    answered_at: dt.datetime | None
    result: str | None
    done_at: dt.datetime | None
    late: bool | None = Field(description="Null until it is done.")
    again: int = Field(description="How often the leader was not satisfied.")
    ended_at: dt.datetime | None


class LeaderNoteWaiting(LeaderNoteRead):
    """A note and its case."""

    case_id: uuid.UUID
    area_code: str


class LeaderNotePage(Answer):
    """Notes in the order in which they were written."""

    notes: list[LeaderNoteWaiting]
    next: Next


class LeaderNotesShown(Answer):
    """What a case shows of leaders' notes."""

    leader_notes: list[LeaderNoteRead]


class LeaderCountsAnswer(Answer):
    """What one leader wrote in one month; withdrawn notes count nowhere else."""

    month: str
    leader: str
    notes: int
    visits: int
    withdrawn: int
    answered: int
    within: int = Field(description="Answered within the hour (GRIDSVC_LEADER_ANSWER_MINUTES).")
    waiting_for_answer: int = Field(description="Not answered, with time left to.")
    answered_within: str | None = Field(
        description="The exact share of those whose answer was due, such as 2/3; null: none was."
    )
    done: int
    in_time: int
    late: int = Field(description="Done late, or late still.")
    again: int = Field(description="How often the leader was not satisfied.")
    ended: int


class LeaderCountsList(Answer):
    """Notes and visits by month and leader."""

    period: str
    area: str
    lines: list[LeaderCountsAnswer]
