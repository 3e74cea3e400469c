"""The register of staff as the interface gives it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field

from gridsvc.answers import Answer, Next
from gridsvc.registry.staff.model import OnDuty, Place, StaffRole
from gridsvc.registry.staff.models import StaffMember


class PlaceAnswer(Answer):
    """Where somebody serves."""

    kind: Literal["area", "unit_grid", "social_grid"]
    code: str
    area_code: str = Field(description="The area itself, or the one in which the grid lies.")


class StaffAnswer(Answer):
    """Somebody in the register."""

    id: uuid.UUID
    district_code: str
    code: str
    name: str
    office: str = Field(description="The code of their body.")
    role: StaffRole
    places: list[PlaceAnswer]
    shifts: str = Field(description="Empty: always on duty.")
    telephone: bool = Field(description="Whether one is known; it is read with a reason.")
    subject: str | None = Field(description="Of their token.")
    valid_from: dt.date
    valid_to: dt.date | None = Field(description="The first day on which they no longer serve.")
    source: str

    @classmethod
    def told(cls, member: StaffMember, places: Sequence[Place]) -> Self:
        """A row with its places."""
        return cls.of(
            member,
            office=member.body_code,
            telephone=member.sealed is not None,
            places=[PlaceAnswer.of(place) for place in places],
        )


class StaffPage(Answer):
    """People of the register."""

    staff: list[StaffAnswer]
    next: Next


class OnDutyAnswer(Answer):
    """Somebody who is on duty."""

    id: uuid.UUID
    code: str
    name: str
    role: StaffRole
    office: str = Field(description="The code of their body.")
    serves: list[PlaceAnswer] = Field(description="The places that brought them here.")

    @classmethod
    def told(cls, one: OnDuty) -> Self:
        """Who is on duty, without what only the register tells."""
        serves = [PlaceAnswer.of(place) for place in one.serves]
        return cls.of(one, office=one.body_code, serves=serves)


class OnDutyList(Answer):
    """Who is on duty at a place and a moment, who serves nearest to it first."""

    area: str
    unit_grid: str | None
    social_grid: str | None
    at: dt.datetime
    on_duty: list[OnDutyAnswer]
    count: int = Field(description="Of all of them, with those beyond the limit.")


class TelephoneAnswer(Answer):
    """Somebody's telephone."""

    id: uuid.UUID
    code: str
    telephone: str
