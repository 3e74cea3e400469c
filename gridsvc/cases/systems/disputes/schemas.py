"""A dispute whole, and a what-if, with the cases: as the interface gives them."""

from __future__ import annotations

import datetime as dt
import uuid

from pydantic import Field

from gridsvc.answers import Answer, Counted, Position
from gridsvc.registry.disputes.schemas import (
    DisputeAnswer,
    GroundAnswer,
    PartListed,
    SidesOfAnswer,
)


class ReportInside(Answer):
    """A report on disputed ground; nothing personal."""

    id: uuid.UUID
    district_code: str
    channel: str
    kind: str
    class_code: str
    created_at: dt.datetime
    case_id: uuid.UUID
    case_state: str
    lead_body: str
    point: Position | None = Field(default=None, description="Only told to the sides.")


class PlacementInside(Answer):
    """A placement of a report on disputed ground."""

    report_id: uuid.UUID
    n: int
    district_code: str | None
    street_code: str | None
    lead_body: str | None
    reason: str | None = Field(default=None, description="Only told to the sides.")
    placed_at: dt.datetime


class InsideAnswer(Answer):
    """What lies on disputed ground."""

    reports: Counted[ReportInside]
    placements: Counted[PlacementInside]
    parts: Counted[PartListed]


class DisputeWhole(DisputeAnswer):
    """A dispute, and what lies inside."""

    inside: InsideAnswer


class CaseMoved(SidesOfAnswer):
    """An open case that changes sides, or would go to another body."""

    id: uuid.UUID
    district_code: str
    class_code: str
    lead_body: str


class WhatIfAnswer(GroundAnswer):
    """Which ground, parts, unit grids, open cases, duties and bodies would change sides."""

    cases: Counted[CaseMoved] = Field(description="Open ones.")
