"""Cases, their traces and the messages about them as the interface gives them."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, Literal

from pydantic import Field

from gridsvc.answers import Answer, ClassNamed, Next, Point
from gridsvc.city.procedures.model import Actor, Requirement


class CaseShared(Answer):
    """What a list and a whole case say alike."""

    id: uuid.UUID
    district_code: str
    participant_district: str | None = Field(description="The other side's, of a joint case.")
    step: str = Field(description="The step that is due, or the last one.")
    state: Literal["open", "closed"]
    class_: ClassNamed = Field(alias="class")
    lead_body: str
    part_code: str | None
    point: Point
    grade: str | None
    limit_at: dt.datetime | None = Field(description="When the step must be taken.")
    overall_limit_at: dt.datetime | None = Field(
        description="When the case must be answered, counted from its intake; no refusal or"
        " rework moves it."
    )
    limits_provisional: bool = Field(
        description="Whether a limit counts working days that are not announced yet."
    )
    suspended_until: dt.datetime | None
    opened_at: dt.datetime
    closed_at: dt.datetime | None
    outcome: Literal["not_filed", "void"] | None = Field(
        description="How it ended where a check found nothing to file."
    )
    joined_into: uuid.UUID | None = Field(description="The case that it was joined into.")
    reopened_from: uuid.UUID | None = Field(description="The closed case that it goes on with.")


class CaseListed(CaseShared):
    """A case in a list."""

    procedure: str


class CasePage(Answer):
    """Cases, oldest or most urgent first."""

    cases: list[CaseListed]
    next: Next


class CaseProcedure(Answer):
    """The procedure that a case began with."""

    name: str
    version: int
    title: str
    title_zh: str
    steps: list[str]


class StepDue(Answer):
    """A step or a return that may be taken now."""

    step: str
    title: str
    title_zh: str
    by: list[str] = Field(description="Body codes, or the role whose token takes it.")
    taken_by: list[str]
    needs: list[str]
    requires: list[Requirement]


class ActOpen(Answer):
    """What may be done beside the step that is due."""

    act: str
    by: list[str]


class CalledInCase(Answer):
    """A called body and its own clock."""

    body_code: str
    since: dt.datetime
    limit_at: dt.datetime | None
    taken: bool
    score: int | None


class HandIn(Answer):
    """A step that a body submitted."""

    step: str
    body_code: str
    since: dt.datetime
    limit_at: dt.datetime | None
    handed_in_at: dt.datetime
    overdue: bool
    score: int | None
    excused: Literal["stated_time", "calendar"] | None = Field(
        description="Why an overdue one does not count as late."
    )


class StatedTime(Answer):
    """A time before its message's arrival, as a body states it; it counts once it is accepted."""

    n: int = Field(description="Of the entry in the trace.")
    act: str
    body_code: str
    whistle_id: uuid.UUID | None
    stated_at: dt.datetime
    received_at: dt.datetime
    accepted: bool | None = Field(description="Null until supervision decides.")
    decided_at: dt.datetime | None


class CaseOwn(CaseShared):
    """A case whole, without what the systems of the field show of it."""

    procedure: CaseProcedure
    next: list[StepDue]
    acts: list[ActOpen]
    suspensions: int
    extensions: int
    seats: dict[Actor, str] = Field(description="Role to body code.")
    called: list[CalledInCase]
    hand_ins: list[HandIn]
    answered_at: dt.datetime | None = Field(
        description="When the step was taken by which the overall limit is judged."
    )
    overall_overdue: bool | None = Field(description="Null until it is answered.")
    stated_times: list[StatedTime]
    refused_by: list[str] = Field(description="Bodies that sent it back as not theirs.")
    actions: int = Field(description="How often the repeating step was taken.")


class TraceEntry(Answer):
    """What happened in a case, chained to the entry before."""

    n: int
    at: dt.datetime = Field(description="When it happened.")
    written_at: dt.datetime
    action: str
    actor: str
    body_code: str | None
    content: dict[str, Any] = Field(description="As it was said; what was erased is left out.")
    hashes: dict[str, str] = Field(
        description="Salted SHA-256 of each of the words in the content, by which it is chained."
    )
    salt: str | None = Field(description="Of those hashes; null when the words were erased.")
    previous_hash: str
    hash: str


class TraceAnswer(Answer):
    """Everything that happened in a case."""

    case_id: uuid.UUID
    entries: list[TraceEntry]


class TraceVerified(Answer):
    """Whether a trace is whole."""

    case_id: uuid.UUID
    intact: bool
    entries: int
    broken_at: int | None = Field(description="The number of the first entry that is wrong.")
    reason: str | None


class MessageAnswer(Answer):
    """Something that a body was told."""

    id: uuid.UUID = Field(description="The same through every try of its delivery.")
    topic: str
    case_id: uuid.UUID
    content: dict[str, Any]
    written_at: dt.datetime
    state: Literal["waiting", "delivered", "given_up", "withdrawn"]


class Inbox(Answer):
    """What a body was told, in the order in which it fell due."""

    messages: list[MessageAnswer]
    next: Next
