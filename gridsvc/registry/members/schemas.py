"""Members and their services as the interface gives them."""

from __future__ import annotations

import datetime as dt
import uuid

from pydantic import Field

from gridsvc.answers import Answer, Next


class CommunityMember(Answer):
    """Somebody who reported in where they live."""

    code: str
    name: str
    unit: str = Field(description="Where they work.")
    community_code: str
    reported_on: dt.date


class MemberPage(Answer):
    """Members by their codes."""

    members: list[CommunityMember]
    next: Next


class ServiceAnswer(Answer):
    """What a member did."""

    id: uuid.UUID
    member_code: str
    community_code: str = Field(description="Where the member lived then.")
    on_day: dt.date
    what: str
    minutes: int


class ServedAnswer(Answer):
    """The members of a community, and what they did there."""

    community_code: str
    members: int = Field(description="Who live there now.")
    serving: int = Field(description="Who did something in the time.")
    services: int
    minutes: int


class ServedList(Answer):
    """Communities with their members and services, from a day on until before another."""

    area: str
    since: dt.date
    until: dt.date
    communities: list[ServedAnswer]
    members: int
    services: int
    minutes: int
