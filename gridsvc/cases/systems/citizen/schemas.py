"""What came of a report, as the interface tells it."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Literal

from pydantic import Field

from gridsvc.answers import Answer, ClassNamed, Next
from gridsvc.cases.intake.schemas import ReportRead


class Office(Answer):
    """A body that takes part in a case."""

    code: str
    name: str
    telephone: str | None
    role: Literal["lead", "side", "called"]
    since: dt.datetime
    deadline: dt.datetime | None = Field(description="Null unless it is this office's turn.")


class PublishedPhoto(Answer):
    """A photo that a body shows to whoever reported, or the reporter's own; without metadata."""

    id: uuid.UUID
    url: str
    taken_at: dt.datetime | None


class PublicAnswer(Answer):
    """What a body answers: what was done, and how it looked before and after."""

    at: dt.datetime
    office: str | None = Field(description="Its name; null for supervision and command.")
    result: str | None = Field(description="done, planned or cannot, where it was asked.")
    text: str | None = Field(description="Null for what is told to the reporter alone.")
    before: list[PublishedPhoto]
    after: list[PublishedPhoto]


class Appeal(Answer):
    """What a citizen can do who does not agree."""

    how: str
    telephone: str


class Happened(Answer):
    """Something that happened, in plain words."""

    at: dt.datetime
    said: str


class Outcome(Answer):
    """Who has a report's case and until when, what was done, and what happened so far."""

    language: Literal["en", "zh"]
    stage: str = Field(description="The present step, in plain words.")
    offices: list[Office]
    deadline: dt.datetime | None = Field(description="Of the present step.")
    overall_deadline: dt.datetime | None = Field(
        description="Of the whole case, counted from its intake; no refusal moves it."
    )
    suspended_until: dt.datetime | None
    answers: list[PublicAnswer]
    photos: list[PublishedPhoto] = Field(description="Those of the reporter, told to them alone.")
    appeal: Appeal
    history: list[Happened]


class ReportShown(ReportRead):
    """A report as anybody may see it, and what came of it."""

    outcome: Outcome


class MyReport(Answer):
    """A report that the token's holder filed."""

    receipt: str
    created_at: dt.datetime
    class_: ClassNamed = Field(alias="class")
    state: Literal["open", "closed", "withdrawn"]
    deadline: dt.datetime | None


class MyReports(Answer):
    """The reports that the token's holder filed, the newest first."""

    reports: list[MyReport]
    next: Next
