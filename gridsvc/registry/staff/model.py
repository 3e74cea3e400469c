"""Staff as somebody enters them, where one serves, and who is on duty: frozen values."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from enum import StrEnum


class StaffRole(StrEnum):
    """What somebody is there for."""

    #: 网格监督员: walks unit grids, checks on the spot.
    INSPECTOR = "inspector"
    #: 综治网格员: of a social grid.
    GRID_WORKER = "grid_worker"
    #: 派驻人员: of a department, posted at a street.
    POSTED_OFFICER = "posted_officer"
    #: 街巷长, 网格长: answers for an area or a lane.
    CHIEF = "chief"
    #: 联络员: whom an office is reached by.
    CONTACT_POINT = "contact_point"


@dataclass(frozen=True, slots=True)
class Period:
    """From a day on until before another; None: without an end yet."""

    first: dt.date
    end: dt.date | None

    def meets(self, other: Period) -> bool:
        """Whether a day lies in both."""
        begins_in_time = other.end is None or self.first < other.end
        return begins_in_time and (self.end is None or other.first < self.end)


@dataclass(frozen=True, slots=True)
class Place:
    """An area, unit grid or social grid in which somebody serves, and the area that holds it."""

    kind: str
    code: str
    area_code: str


@dataclass(frozen=True, slots=True)
class Entered:
    """A member of staff as somebody enters them; ``places`` are codes, none: the office's area.

    ``district`` is needed where the office works in more than one.
    """

    code: str
    name: str
    office: str
    role: StaffRole
    places: tuple[str, ...]
    shifts: str
    telephone: str | None
    subject: str | None
    valid_from: dt.date
    valid_to: dt.date | None
    district: str | None = None


@dataclass(frozen=True, slots=True)
class Where:
    """Where somebody is asked for: in an area (6, 9 or 12 digits), or in a grid of one."""

    area: str
    unit_grid: str | None = None
    social_grid: str | None = None


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Somebody who is on duty; ``serves`` are the places that brought them here."""

    id: uuid.UUID
    district_code: str
    code: str
    name: str
    role: StaffRole
    body_code: str
    subject: str | None
    serves: tuple[Place, ...]
