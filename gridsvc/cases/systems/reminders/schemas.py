"""Supervision's inbox as the interface gives it."""

from __future__ import annotations

import datetime as dt
import uuid

from pydantic import Field

from gridsvc.answers import Answer
from gridsvc.cases.core.schemas import MessageAnswer, StatedTime
from gridsvc.cases.systems.extensions import ExtensionWaiting
from gridsvc.cases.systems.leader_notes import LeaderNoteWaiting


class WorkWaiting(Answer):
    """A case that waits for somebody."""

    kind: str = Field(description="The step, such as file, handle or verify; or refusal.")
    case_id: uuid.UUID
    lead_body: str
    since: dt.datetime
    limit_at: dt.datetime | None
    overall_limit_at: dt.datetime | None
    overdue: bool
    found: str | None = Field(description="The verdict of the check on the spot, once it is done.")


class AppealWaiting(Answer):
    """An appeal that is not decided."""

    case_id: uuid.UUID
    body_code: str
    reason: str
    appealed_at: dt.datetime


class TimeWaiting(Answer):
    """A stated time that is not decided."""

    case_id: uuid.UUID
    stated: StatedTime


class SupervisionInbox(Answer):
    """What waits for the supervision and the command of a district, the most urgent first."""

    district_code: str
    counts: dict[str, int] = Field(description="Of all the work, by its kind.")
    late_tasks: int = Field(description="Tasks whose limit has passed undone: GET /v1/tasks.")
    late_answers: int = Field(
        description="Opinions on postings and replacements that nobody gave in time:"
        " GET /v1/postings/proposals?escalated=true, /v1/postings/replacements."
    )
    work: list[WorkWaiting]
    appeals: list[AppealWaiting]
    extensions: list[ExtensionWaiting] = Field(description="Asked for, the most urgent first.")
    stated_times: list[TimeWaiting]
    messages: list[MessageAnswer] = Field(description="Reminders, the newest first.")


class LeaderInbox(Answer):
    """What is late in a district, the latest first."""

    district_code: str
    counts: dict[str, int] = Field(description="Of all that is late, by the body that leads it.")
    late: list[WorkWaiting]
    notes: list[LeaderNoteWaiting] = Field(
        description="Notes and visits that have not come to their end, the most urgent first."
    )
    messages: list[MessageAnswer] = Field(description="Reminders, the newest first.")
