"""The reports of a case, and the cases joined into it, as the interface gives them."""

from __future__ import annotations

import datetime as dt
import uuid

from pydantic import Field

from gridsvc.answers import Answer, ClassNamed, Next


class ReportRow(Answer):
    """A report in the list of its case."""

    id: uuid.UUID
    district_code: str
    receipt: str
    channel: str
    class_: ClassNamed = Field(alias="class")
    part_code: str | None
    place_text: str | None
    description: str
    joined: bool
    created_at: dt.datetime
    recorded_at: dt.datetime | None = Field(description="Where it was written down later.")


class JoinedCase(Answer):
    """A case that was joined into another."""

    case_id: uuid.UUID
    district_code: str
    opened_at: dt.datetime
    closed_at: dt.datetime | None


class ReportsShown(Answer):
    """The reports of a case, and the cases that were joined into it."""

    first_reported_at: dt.datetime | None
    report_count: int
    reports: list[ReportRow] = Field(description="The first 200.")
    joined_cases: list[JoinedCase]


class ReportsOfCase(Answer):
    """A page of a case's reports, in the order of time."""

    case_id: uuid.UUID
    joined_into: uuid.UUID | None
    reports: list[ReportRow]
    next: Next
    count: int = Field(default=0, description="Of all; only told where it is asked for.")
