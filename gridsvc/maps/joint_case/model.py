"""The frozen values from which the page of a joint case is made."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

import shapely

__all__ = ["CalledRow", "Entry", "JointCase", "Place", "ReportPin", "Side"]


@dataclass(frozen=True, slots=True)
class Place:
    """A named area, of which only what lies near the case is kept (WGS84)."""

    code: str
    name: str
    geometry: shapely.Geometry


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two sides: the street, the office that acts for it, and its district."""

    code: str
    name: str
    office: str
    district_code: str
    district_name: str
    leads: bool


@dataclass(frozen=True, slots=True)
class ReportPin:
    """Where and when a report came in; who sent it is not told."""

    lon: float
    lat: float
    channel: str
    district_code: str
    created_at: dt.datetime


@dataclass(frozen=True, slots=True)
class CalledRow:
    """A called body: when it came and how far off, when it was done, its score of 100."""

    name: str
    role: str
    report_in_by: dt.datetime | None
    reported_in_at: dt.datetime | None
    point: tuple[float, float] | None
    metres_off: float | None
    late: bool | None
    far: bool | None
    done_at: dt.datetime | None
    score: int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A step that was taken; ``action`` numbers the joint actions from 1."""

    at: dt.datetime
    title: str
    title_zh: str
    by: str
    note: str
    action: int | None


@dataclass(frozen=True, slots=True)
class JointCase:
    """All that the page shows. Geometries are WGS84, clipped to the surroundings of the place.

    ``border`` is the border between the districts of the two sides, None where they share none
    nearby.
    """

    whistle_id: uuid.UUID
    district_code: str
    case_id: uuid.UUID
    state: str
    ground: str
    class_code: str
    class_name: str
    opened_at: dt.datetime
    closed_at: dt.datetime | None
    lon: float
    lat: float
    footprint: shapely.Geometry | None
    sides: tuple[Side, ...]
    districts: tuple[Place, ...]
    streets: tuple[Place, ...]
    unit_grids: tuple[Place, ...]
    border: shapely.Geometry | None
    reports: tuple[ReportPin, ...]
    called: tuple[CalledRow, ...]
    entries: tuple[Entry, ...]
