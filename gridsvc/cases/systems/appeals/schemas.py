"""Appeals as a case shows them."""

from __future__ import annotations

import datetime as dt

from pydantic import Field

from gridsvc.answers import Answer


class AppealRead(Answer):
    """A body's appeal."""

    body_code: str
    reason: str
    appealed_at: dt.datetime
    accepted: bool | None = Field(description="Null until it is decided.")
    decided_at: dt.datetime | None


class AppealsShown(Answer):
    """The appeals of a case."""

    appeals: list[AppealRead]
