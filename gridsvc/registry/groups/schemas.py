"""Chat groups as the interface gives them; never where their robot is called."""

from __future__ import annotations

import datetime as dt
import uuid

from pydantic import Field

from gridsvc.answers import Answer


class GroupAnswer(Answer):
    """A chat group."""

    id: uuid.UUID
    inbox: str = Field(description="What this body, district or leader is told, the group hears.")
    name: str
    robot: str
    language: str
    kinds: list[str]
    created_at: dt.datetime
    created_by: str
    ended_at: dt.datetime | None


class GroupsAnswer(Answer):
    """The groups of an inbox that have not ended, the oldest first."""

    groups: list[GroupAnswer]
