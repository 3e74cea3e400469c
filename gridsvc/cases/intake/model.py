"""The frozen values of an intake: what was given, and what became of it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gridsvc.cases.intake.match import Crossing
from gridsvc.cases.systems.whistles.step_whistles import OpeningWhistle
from gridsvc.city.classes import ClassKey
from gridsvc.registry.bodies.model import Responsibility
from gridsvc.registry.placement.model import Placement
from gridsvc.spatial.footprint import Footprint

__all__ = ["GivenPoint", "NewReport", "Routed"]


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

    ``place_text`` is the address or the name of the place as the reporter says it. ``received_at``
    is when an earlier report was made that is recorded only now; None: now.
    ``procedure`` asks for a case of its own by that procedure, with the bodies in ``seats``;
    None lets the rules choose, and the report join an open case. ``whistle`` is what is said of
    the whistle with which such a case begins.
    """

    channel: str
    key: ClassKey
    description: str
    point: GivenPoint | None
    part: tuple[str | None, str] | None
    footprint: Footprint | None
    reporter: Mapping[str, Any] | None
    place_text: str | None = None
    received_at: dt.datetime | None = None
    procedure: str | None = None
    seats: Mapping[str, str] = field(default_factory=dict)
    whistle: OpeningWhistle | None = None


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
    border_crossed: Crossing | None
    joint_whistle_id: uuid.UUID | None
    needs_confirmation: bool
    similar: tuple[dict[str, Any], ...]
    earlier: tuple[dict[str, Any], ...]
    mended: str | None
    created_at: dt.datetime
    recorded_at: dt.datetime | None

    def to_json(self) -> dict[str, Any]:
        """The answer of ``POST /v1/reports``."""
        return {
            "id": str(self.id),
            "receipt": self.receipt,
            "placement": self.placement.to_json(),
            "responsibility": self.responsibility.to_json(),
            "case_id": str(self.case_id),
            "joined": self.joined,
            "joined_across_border": self.border_crossed is not None,
            "border_crossed": self.border_crossed and self.border_crossed.to_json(),
            "joint_whistle_id": self.joint_whistle_id and str(self.joint_whistle_id),
            "needs_confirmation": self.needs_confirmation,
            "similar": list(self.similar),
            "earlier": list(self.earlier),
            "mended": self.mended,
            "created_at": self.created_at.isoformat(),
            "recorded_at": self.recorded_at and self.recorded_at.isoformat(),
        }
