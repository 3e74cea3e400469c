"""How a placement looks outside the service."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import BaseModel, Field

from gridsvc.answers import Answer, AreaLevel, Named

Level = Literal["district", "street", "community", "unit_grid"]


class AreaName(BaseModel):
    """An area; of a unit grid the district's code before its own, and its national id."""

    code: str
    name: str


class UnitGridName(BaseModel):
    """A unit grid."""

    code: str = Field(description="The 8-digit code, unique in the district.")
    national_id: str = Field(description="15 digits.")
    district_code: str
    community_code: str
    nominal_m2: float = Field(description="The size aimed at, in square metres.")


class PointGeometry(BaseModel):
    """A GeoJSON point, WGS84, longitude first."""

    type: Literal["Point"]
    coordinates: tuple[float, float]


class LevelConflict(BaseModel):
    """Levels that contradict each other."""

    codes: dict[Level, str]
    explanation: str


class NearbyArea(BaseModel):
    """Another area within reach of the point."""

    level: Level
    code: str
    name: str
    distance_m: float = Field(description="To its border, on the ellipsoid.")


class NearestBorder(BaseModel):
    """The nearest border of a district or a street."""

    distance_m: float
    level: Level
    near: bool = Field(description="No farther than both accuracies: the point's, the border's.")
    near_levels: list[Level]
    neighbours: list[NearbyArea] = Field(description="By level, then by distance.")


class EditionInForce(BaseModel):
    """The edition that a level is answered from."""

    id: str
    accuracy_m: float = Field(description="How far its borders can be trusted.")
    approximate: bool
    effective_from: dt.datetime


class PointAnswer(BaseModel):
    """Where a point is, by the editions in force; null where no area of a level covers it."""

    point: PointGeometry
    accuracy_m: float
    district: AreaName | None
    street: AreaName | None
    community: AreaName | None
    unit_grid: UnitGridName | None
    claims: dict[Level, list[AreaName]] = Field(description="Every area that touches the point.")
    conflict: LevelConflict | None
    border: NearestBorder | None
    edition: dict[Level, EditionInForce]


class PlacedRow(Answer):
    """Where one point of a batch is; null where no area of a level covers it."""

    district_code: str | None
    street_code: str | None
    community_code: str | None
    grid_code: str | None
    near_border: bool


class BatchAnswer(Answer):
    """Where points are, in their order."""

    results: list[PlacedRow]
    edition: dict[Level, EditionInForce]


class ShareAnswer(Named):
    """One area's part of a footprint."""

    area_m2: float
    share: float = Field(description="Of 1.")


class StraddleAnswer(Answer):
    """How a footprint is shared among the areas of a level."""

    level: AreaLevel
    straddles: bool = Field(description="Whether a border really runs through it.")
    shares: list[ShareAnswer] = Field(description="The largest first.")
    unclaimed_m2: float
    unclaimed_share: float
    overlapping_m2: float = Field(description="What more than one area claims.")
    tolerance_m2: float = Field(description="A part no larger may be the border's inaccuracy.")
    edition: EditionInForce
    explanation: str
    mended: str | None = Field(description="What was repaired in the footprint.")
