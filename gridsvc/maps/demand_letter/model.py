"""The frozen values from which a demand letter is made."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

import shapely

from gridsvc.maps.joint_case.model import Place

__all__ = ["Called", "Letter"]


@dataclass(frozen=True, slots=True)
class Called:
    """A called body: its task, why it is called, its limits, and when it came and was done."""

    code: str
    name: str
    task: str
    reasons: tuple[str, ...]
    accept_by: dt.datetime | None
    report_in_by: dt.datetime | None
    done_by: dt.datetime | None
    accepted_at: dt.datetime | None
    reported_in_at: dt.datetime | None
    late: bool | None
    far: bool | None
    done_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Letter:
    """All that a letter shows. Geometries are WGS84; ``areas`` are the names from the district on.

    ``level`` is None for a joint whistle; ``level_title`` names both. ``meeting`` is the time and
    ``place`` the place that the demand names. ``recorded_at`` marks one made by telephone.
    """

    whistle_id: uuid.UUID
    case_id: uuid.UUID
    district_code: str
    level: int | None
    level_title: tuple[str, str]
    kind: tuple[str, str]
    ground: tuple[str, str]
    state: str
    class_code: str
    class_name: str
    caller: str
    task: str
    place: str
    meeting: dt.datetime | None
    limit: str
    confirmed_by: str
    approved_by: str
    found: str
    follows: uuid.UUID | None
    blown_at: dt.datetime
    recorded_at: dt.datetime | None
    lon: float
    lat: float
    footprint: shapely.Geometry | None
    areas: tuple[str, ...]
    grid_code: str | None
    streets: tuple[Place, ...]
    unit_grids: tuple[Place, ...]
    called: tuple[Called, ...]
