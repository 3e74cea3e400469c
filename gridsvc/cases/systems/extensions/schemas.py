"""Extensions that were asked for, as a case and the inbox of command show them."""

from __future__ import annotations

import datetime as dt
import uuid

from pydantic import Field

from gridsvc.answers import Answer


class ExtensionRead(Answer):
    """An extension that a body asked for."""

    n: int
    body_code: str
    reason: str
    asked_at: dt.datetime
    limit_at: dt.datetime = Field(description="The limit to be extended.")
    granted: bool | None = Field(description="Null until it is decided.")
    decided_at: dt.datetime | None


class ExtensionWaiting(ExtensionRead):
    """One that command has to decide before its limit."""

    case_id: uuid.UUID


class ExtensionsShown(Answer):
    """What a case shows of extensions."""

    extensions_asked: list[ExtensionRead]
