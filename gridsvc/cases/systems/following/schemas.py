"""Who follows a report, as the interface tells it."""

from __future__ import annotations

import datetime as dt
import uuid

from pydantic import Field

from gridsvc.answers import Answer


class FollowAnswer(Answer):
    """A webhook that is told what happens to a report."""

    id: uuid.UUID
    url: str
    created_at: dt.datetime


class NewFollow(FollowAnswer):
    """The same, with the secret by which the receiver checks that a call is ours."""

    secret: str = Field(description="Of the signatures; keep it, the list does not tell it.")


class FollowsAnswer(Answer):
    """The webhooks that the asker has a report followed by, the oldest first."""

    follows: list[FollowAnswer]
