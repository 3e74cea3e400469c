"""How the answer of the intake looks outside the service."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Literal

from pydantic import BaseModel, Field

from gridsvc.answers import Answer, BodyNamed, ClassNamed, Counted, Named
from gridsvc.registry.bodies.rule import Ground
from gridsvc.registry.editions.schemas import CutAnswer, DiffAnswer, TallyAnswer
from gridsvc.registry.placement.schemas import NearestBorder, PointAnswer, PointGeometry


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


class PartMeant(BaseModel):
    """A part that a report may be about."""

    district_code: str
    code: str
    name: str
    distance_m: float


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
    parts: list[PartMeant] = Field(
        description="Parts of the class where it lies, nearest first: which one is it?"
    )
    mended: str | None = Field(description="What was repaired in the footprint.")
    created_at: dt.datetime
    recorded_at: dt.datetime | None = Field(description="Of an earlier report: when it came in.")
    proof: str = Field(description="Where it is proved, soon after, that the report was recorded.")


class CaseOfReport(Answer):
    """How the case of a report stands."""

    state: Literal["open", "closed"]
    step: str
    procedure: str
    lead_body: str
    opened_at: dt.datetime
    closed_at: dt.datetime | None


class PlacementRead(PointAnswer):
    """Where a report lies; where exactly is told to the staff of its case and whoever filed it."""

    point: PointGeometry | None = None  # type: ignore[assignment] # left out, never null
    accuracy_m: float | None = None  # type: ignore[assignment] # left out, never null
    border: NearestBorder | None = None


class ReportRead(Answer):
    """A report as anybody may see it."""

    id: uuid.UUID
    receipt: str
    district_code: str
    channel: str
    class_: ClassNamed = Field(alias="class")
    part_code: str | None
    created_at: dt.datetime
    recorded_at: dt.datetime | None = Field(description="Of an earlier report: when it came in.")
    proof: str = Field(description="Where it is proved, soon after, that the report was recorded.")
    placement: PlacementRead
    responsibility: ResponsibilityAnswer
    placements: int = Field(description="How often it was placed.")
    needs_confirmation: bool
    joined: bool
    case_id: uuid.UUID
    case: CaseOfReport


class OpenSimilar(SimilarCase):
    """An open case about the same thing, and whether the report would join it."""

    class_: ClassNamed = Field(alias="class")
    part_code: str | None
    reports: int
    joins: bool
    reason: str | None = Field(description="Why it does not join.")
    border_crossed: BorderCrossed | None


class ClosedSimilar(SimilarCase):
    """A closed case about the same thing."""

    reports: int


class SimilarAnswer(Answer):
    """What a report would join if it were filed; nothing is kept."""

    placement: PointAnswer
    responsibility: ResponsibilityAnswer
    parts: list[PartMeant] = Field(description="As of a report.")
    would_join: uuid.UUID | None
    candidates: list[OpenSimilar]
    earlier: list[ClosedSimilar]


class ReroutingAnswer(DiffAnswer):
    """Two editions compared, and what is stored on them and would be answered otherwise."""

    reports: TallyAnswer
    parts: TallyAnswer
    unit_grids: TallyAnswer
    cut_unit_grids: int
    cuts: list[CutAnswer] = Field(description="Unit grids that lose a part of their ground.")


class ClassTitled(ClassNamed):
    """A class with its name."""

    name: str


class DutyMove(Answer):
    """Reports of one class in one street that would go from one body to another."""

    before: BodyNamed | None = Field(
        alias="from", description="Who answers by the lists as they are; null: not registered."
    )
    after: BodyNamed | None = Field(
        alias="to", description="Who would answer; null: not registered."
    )
    listed_class: ClassTitled = Field(alias="class")
    street: Named | None = Field(description="Null where no street is drawn.")
    reports: int
    cases: Counted[uuid.UUID] = Field(description="The cases of these reports, the first named.")


class DutyWhatIfAnswer(Answer):
    """What a change of the duty lists would have done to the reports of some time."""

    area: str = Field(description="The beginning of the areas' codes; empty for all.")
    since: dt.datetime
    until: dt.datetime
    day: dt.date = Field(description="The day on which the lists are compared.")
    reports: int = Field(description="So many were routed again.")
    cases: int
    reports_moved: int = Field(description="So many would go to another body.")
    cases_moved: int
    reports_assisted_otherwise: int = Field(description="Of so many, other bodies would assist.")
    moves: Counted[DutyMove] = Field(description="From whom to whom, the most reports first.")
