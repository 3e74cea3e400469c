"""Disputes, and the registry's side of a what-if, as the interface gives them."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, Literal

from pydantic import Field

from gridsvc.answers import (
    Answer,
    AreaLevel,
    BodyNamed,
    Counted,
    Geometry,
    Named,
    Next,
    Point,
    Position,
)
from gridsvc.registry.bodies.schemas import AgreementRead
from gridsvc.registry.disputes.model import DisputeState


class SideAnswer(Named):
    """A side of a dispute."""

    body: BodyNamed | None = Field(description="Who has the territory.")


class DisputeSummary(Answer):
    """A dispute in a list."""

    id: uuid.UUID
    kind: Literal["gap", "overlap", "conflict", "neglect"]
    level: AreaLevel
    state: DisputeState
    sides: list[SideAnswer]
    area_m2: float
    width_m: float
    accuracy_m: float
    place: Point
    edition: str = Field(description="The edition in which it was found.")
    parent_edition: str | None
    found_at: dt.datetime
    changed_at: dt.datetime


class DisputePage(Answer):
    """Disputes, the oldest first."""

    disputes: list[DisputeSummary]
    next: Next


class EvidenceAnswer(Answer):
    """A file or a note of a dispute."""

    id: uuid.UUID
    kind: Literal["file", "note"]
    name: str = Field(default="", description="Of the file; only told to the sides.")
    media_type: str
    size_bytes: int
    sha256: str
    note: str | None = Field(
        default=None, description="The words of a note, null for a file; only told to the sides."
    )
    added_at: dt.datetime
    by: str = Field(description="The role and its area, such as 'district 110102'.")
    actor: str = Field(default="", description="The person; only told to the sides.")


class EntryAnswer(Answer):
    """What happened to a dispute."""

    n: int
    at: dt.datetime
    action: str
    state: DisputeState = Field(description="The state afterwards.")
    by: str = Field(description="The role and its area, such as 'district 110102'.")
    why: str = Field(default="", description="The reason; only told to the sides.")
    content: dict[str, Any] = Field(default={}, description="Details; only told to the sides.")
    actor: str = Field(default="", description="The person; only told to the sides.")


class DisputeAnswer(DisputeSummary):
    """One dispute with its ground, terms, evidence and history."""

    geometry: Geometry
    terms: dict[str, Any] | None = Field(description="The draft of the agreement, and who agreed.")
    agreement: AgreementRead | None
    settled_by_edition: str | None
    evidence: list[EvidenceAnswer]
    history: list[EntryAnswer] = Field(description="The first entry first.")


class FoundAnswer(Answer):
    """The ids of the disputes that a search in an edition found, each under one heading."""

    edition: str
    new: tuple[uuid.UUID, ...]
    again: tuple[uuid.UUID, ...] = Field(description="Known before.")
    reopened: tuple[uuid.UUID, ...]
    absent: tuple[uuid.UUID, ...] = Field(
        description="Unsettled, and no longer in this edition: they wait to be settled by it."
    )


class PartListed(Answer):
    """A part on disputed ground."""

    district_code: str
    code: str
    class_code: str
    name: str
    state: str
    street_code: str | None
    point: Position


class AreaRedrawn(Named):
    """An area redrawn, or touched by that."""

    before_m2: float
    after_m2: float
    given_m2: float
    taken_m2: float


class AreaInZone(Named):
    """How much of a street lies in the zone of an agreement."""

    in_zone_m2: float


class Transfer(Answer):
    """Ground that goes from one area to another; null is nobody."""

    from_area: Named | None = Field(alias="from")
    to_area: Named | None = Field(alias="to")
    area_m2: float
    across_districts: bool
    geometry: Geometry


class SidesOfAnswer(Answer):
    """Where something lies and who answers for it, before and after; null is nobody."""

    from_area: Named | None = Field(alias="from")
    to_area: Named | None = Field(alias="to")
    body_before: BodyNamed | None
    body_after: BodyNamed | None


class PartMoved(SidesOfAnswer):
    """A part that changes sides, or for which another body answers."""

    district_code: str
    code: str
    class_code: str
    name: str


class GridTouched(Answer):
    """A unit grid that the ground touches."""

    district_code: str
    code: str
    national_id: str
    touched_m2: float
    share: float = Field(description="Of 1.")


class DutyMoved(Answer):
    """A line of a duty list that ends or begins on the ground."""

    body: str
    name: str
    kind: str
    class_prefix: str = Field(alias="class", description="Of the code of a class.")
    role: str
    clause: str
    change: Literal["ends", "begins"]
    on_ground_of: str | None


class GroundAnswer(Answer):
    """What the registry says about a border redrawn or a draft of an agreement."""

    kind: Literal["border", "agreement"]
    level: AreaLevel
    edition: str
    day: dt.date
    areas: list[AreaRedrawn | AreaInZone]
    transfers: list[Transfer] = Field(description="The largest first; none by an agreement.")
    overlapping_m2: float
    unclaimed_m2: float
    parts: Counted[PartMoved]
    unit_grids: Counted[GridTouched]
    duties: Counted[DutyMoved]
    bodies: Counted[BodyNamed]
