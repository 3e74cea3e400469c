"""Banned demands, and those that were sent, as the interface gives them."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Literal

from gridsvc.answers import Answer, Next

DemandKind = Literal["demand", "form", "survey"]


class BannedAnswer(Answer):
    """An item of a district's list."""

    number: int
    item: str
    words: str


class BannedList(Answer):
    """A district's list, or the items of it that ban a text."""

    district: str
    items: list[BannedAnswer]


class DemandAnswer(Answer):
    """A demand, form or survey that was sent to a community."""

    id: uuid.UUID
    community_code: str
    body_code: str
    kind: DemandKind
    title: str
    content: str
    sent_at: dt.datetime


class DemandPage(Answer):
    """What was sent to communities."""

    demands: list[DemandAnswer]
    next: Next
