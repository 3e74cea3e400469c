"""Faults, proposals and repairs as the interface gives them; geometries only in a preview."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from pydantic import Field

from gridsvc.answers import Answer, AreaLevel, Next, Position
from gridsvc.registry.editions.models import EditionState
from gridsvc.spatial.audit import FaultKind
from gridsvc.spatial.repair.proposing import Method


class FaultAnswer(Answer):
    """A fault of an edition."""

    kind: FaultKind
    codes: list[str] = Field(description="The areas that lie on it.")
    parent_codes: list[str]
    area_m2: float
    width_m: float = Field(description="Area by length.")
    max_width_m: float
    length_m: float
    place: Position
    sliver: bool = Field(description="Whether the accuracy of the borders explains it.")
    reason: str


class AreaChanged(Answer):
    """Who gains or loses how many m²."""

    code: str
    name: str
    gained_m2: float
    lost_m2: float


class AreaChangedInside(AreaChanged):
    """The same, and what lies outside the area's own parent."""

    outside_parent_m2: float | None = Field(
        description="Gained ground; null where no edition of the level above is in force."
    )


class ProposalAnswer(Answer):
    """One way to repair a fault."""

    id: str
    method: Method
    chosen: str | None = Field(description="The area that is given the ground.")
    moved_m: float | None = Field(description="How far a line moves; null where none does.")
    changes: list[AreaChangedInside]


class FaultProposed(Answer):
    """A fault and the ways to repair it; none where there is none."""

    id: str
    fault: FaultAnswer
    proposals: list[ProposalAnswer]


class FaultPage(Answer):
    """Faults with their proposals."""

    faults: list[FaultProposed]
    next: Next


class PreviewAnswer(Answer):
    """What some proposals would change together; nothing is stored."""

    edition: str
    level: AreaLevel
    repairs: list[FaultProposed]
    areas: list[AreaChanged] = Field(description="In all, in code order.")
    geojson: dict[str, Any] = Field(
        description="A FeatureCollection (WGS84): the faults, each area before and after."
    )


class RepairChange(Answer):
    """What an area gained and lost by a repair."""

    code: str
    gained_m2: float
    lost_m2: float


class RepairRead(Answer):
    """A repair that was applied, or taken back."""

    id: uuid.UUID
    base_edition: str
    edition: str
    action: str
    undoes: uuid.UUID | None = Field(description="The repair that it takes back.")
    method: Method
    chosen: str | None
    fault_id: str
    fault: FaultAnswer
    by: str
    why: str
    at: dt.datetime
    changes: list[RepairChange]


class RepairsAnswer(Answer):
    """The repairs that made an edition, and those made of it."""

    repairs: list[RepairRead]


class RepairsMade(RepairsAnswer):
    """The draft that repairs made."""

    edition: str
    state: EditionState
