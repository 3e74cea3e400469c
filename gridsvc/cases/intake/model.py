"""The frozen values of an intake: as given, located, routed, matched.

Each stage passes on one value that adds to the last; none asks an earlier stage again.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gridsvc.cases.core.models import Case
from gridsvc.cases.core.opening import Opening
from gridsvc.cases.intake.match import Candidate, Crossing, MatchCriteria
from gridsvc.city.classes import ClassKey
from gridsvc.registry.bodies.repository import Responsibility
from gridsvc.registry.parts.models import Part
from gridsvc.registry.placement.model import Placement
from gridsvc.registry.placement.service import Straddle
from gridsvc.spatial.reading import Footprint


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
    the whistle with which such a case begins, ``made_at`` when that was made by telephone;
    ``endangered`` says who is in danger.
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
    whistle: Any = None
    made_at: dt.datetime | None = None
    endangered: str | None = None


@dataclass(frozen=True, slots=True)
class Located:
    """Where a report is: its placement (WGS84, accuracy in metres), and the part it names.

    ``shares`` are those of the streets in its footprint, None without one.
    """

    new: NewReport
    placement: Placement
    part: Part | None
    reported_at: dt.datetime
    shares: Straddle | None = None


@dataclass(frozen=True, slots=True)
class Routed:
    """A located report, how a case of its own would begin, who answers, and what it is about."""

    located: Located
    opening: Opening
    responsibility: Responsibility
    criteria: MatchCriteria


@dataclass(frozen=True, slots=True)
class Matched:
    """A routed report and its case, locked or new; ``crossed`` is the border between the two.

    ``near`` are the open cases that it might have been about, ``earlier`` the closed ones.
    """

    routed: Routed
    case: Case
    joined: bool
    crossed: Crossing | None
    near: tuple[Candidate, ...]
    earlier: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class ReportFiled:
    """An event: a report was stored in its locked case.

    A system may answer ``needs_confirmation``, whether its reporter must say on which side of a
    border the place is, and ``joint_whistle_id``.
    """

    report_id: uuid.UUID
    matched: Matched


@dataclass(frozen=True, slots=True)
class PinMoved:
    """An event: a report's pin was moved; ``case_moved``: its case went along.

    A system may answer as to :class:`ReportFiled`.
    """

    report_id: uuid.UUID
    key: ClassKey
    placement: Placement
    responsibility: Responsibility
    case_moved: bool


def proof_path(receipt: str) -> str:
    """Where it is proved that a report was recorded."""
    return f"/v1/reports/{receipt}/proof"
