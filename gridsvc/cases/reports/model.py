"""The frozen values of an intake: what was given, and what became of it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gridsvc.registry.bodies.model import Responsibility
from gridsvc.registry.classes.model import ClassKey
from gridsvc.registry.placement.model import Placement
from gridsvc.spatial.footprint import Footprint

__all__ = ["GivenPoint", "NewReport", "Routed", "SimilarCase"]


@dataclass(frozen=True, slots=True)
class GivenPoint:
    """A point as it was given, in its declared CRS, and its accuracy in metres."""

    x: float
    y: float
    crs: str
    accuracy_m: float | None


@dataclass(frozen=True, slots=True)
class NewReport:
    """A report as it comes in: by point, by part, by footprint, or by several of them.

    ``procedure`` asks for a case of its own by that procedure, with the bodies in ``seats``;
    None lets the rules choose, and the report join an open case.
    """

    channel: str
    key: ClassKey
    description: str
    point: GivenPoint | None
    part: tuple[str | None, str] | None
    footprint: Footprint | None
    reporter: Mapping[str, Any] | None
    procedure: str | None = None
    seats: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SimilarCase:
    """An open case of the same class nearby."""

    case_id: uuid.UUID
    district_code: str
    lead_body: str
    distance_m: float

    def to_json(self) -> dict[str, Any]:
        """``{case_id, district_code, lead_body, distance_m}``."""
        return {
            "case_id": str(self.case_id),
            "district_code": self.district_code,
            "lead_body": self.lead_body,
            "distance_m": round(self.distance_m, 1),
        }


@dataclass(frozen=True, slots=True)
class Routed:
    """A filed report: where it is, who answers, and the case that it opened or joined."""

    id: uuid.UUID
    receipt: str
    placement: Placement
    responsibility: Responsibility
    case_district: str
    case_id: uuid.UUID
    joined: bool
    joined_across_border: bool
    joint_whistle_id: uuid.UUID | None
    needs_confirmation: bool
    similar: tuple[SimilarCase, ...]
    mended: str | None
    created_at: dt.datetime

    def to_json(self) -> dict[str, Any]:
        """The answer of ``POST /v1/reports``."""
        return {
            "id": str(self.id),
            "receipt": self.receipt,
            "placement": self.placement.to_json(),
            "responsibility": self.responsibility.to_json(),
            "case_id": str(self.case_id),
            "joined": self.joined,
            "joined_across_border": self.joined_across_border,
            "joint_whistle_id": self.joint_whistle_id and str(self.joint_whistle_id),
            "needs_confirmation": self.needs_confirmation,
            "similar": [case.to_json() for case in self.similar],
            "mended": self.mended,
            "created_at": self.created_at.isoformat(),
        }
