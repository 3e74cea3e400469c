"""Members and their services as the interface gives them."""

from __future__ import annotations

import datetime as dt
import uuid

from pydantic import Field

from gridsvc.answers import Answer, Next
from gridsvc.registry.members.teams_repository import By


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


class TeamAnswer(Answer):
    """A team of members."""

    code: str
    name: str
    area_code: str = Field(description="The street or community that it is for.")
    leader_code: str
    people: int


class TeamPage(Answer):
    """Teams by their codes."""

    teams: list[TeamAnswer]
    next: Next


class HoursAnswer(Answer):
    """What one person, team or organisation did."""

    key: str = Field(description="The code of a person or team, the name of an organisation.")
    name: str
    people: int = Field(description="How many of it did something.")
    services: int
    minutes: int


class HoursPage(Answer):
    """Services and their minutes by person, team or organisation, from a day on until another."""

    by: By
    area: str
    since: dt.date
    until: dt.date
    lines: list[HoursAnswer]
    next: Next


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
