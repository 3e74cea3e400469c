"""How the answer of the intake looks outside the service."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Literal

from pydantic import BaseModel, Field

from gridsvc.registry.bodies.repository import Ground
from gridsvc.registry.placement.schemas import PointAnswer

__all__ = ["ReportAnswer"]


class BodyName(BaseModel):
    """A body."""

    code: str
    name: str
    kind: str


class ResponsibilityAnswer(BaseModel):
    """Who answers for a place, and why."""

    lead: BodyName
    assist: list[BodyName]
    ground: Ground
    clause: str
    territory: BodyName | None = Field(description="The street office of the place.")
    gap: bool = Field(description="No list names anybody, so the territory coordinates.")


class BorderCrossed(BaseModel):
    """The border between a report and the case that it joined."""

    level: Literal["district", "street"]
    from_code: str = Field(alias="from")
    to_code: str = Field(alias="to")


class SimilarCase(BaseModel):
    """A case about the same thing, perhaps."""

    case_id: uuid.UUID
    district_code: str
    lead_body: str
    distance_m: float
    why: list[Literal["part", "place_text", "distance"]]


class ReportAnswer(BaseModel):
    """A filed report: where it is, who answers, and the case that it opened or joined."""

    id: uuid.UUID
    receipt: str
    secret: str = Field(description="Opens what is the reporter's own, with the receipt.")
    placement: PointAnswer
    responsibility: ResponsibilityAnswer
    case_id: uuid.UUID
    joined: bool
    joined_across_border: bool
    border_crossed: BorderCrossed | None
    joint_whistle_id: uuid.UUID | None
    needs_confirmation: bool
    similar: list[SimilarCase] = Field(description="Other open cases about the same thing.")
    earlier: list[SimilarCase] = Field(description="Closed cases about the same thing.")
    mended: str | None = Field(description="What was repaired in the footprint.")
    created_at: dt.datetime
    recorded_at: dt.datetime | None = Field(description="Of an earlier report: when it came in.")
