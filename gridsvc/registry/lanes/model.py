"""A segment as it is kept on a day, and a lane near a place: frozen values."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class KeeperRole(StrEnum):
    """Who keeps a segment."""

    #: 街巷长: answers for it.
    CHIEF = "chief"
    #: 小巷管家: walks and looks beside the chief.
    WARDEN = "warden"


@dataclass(frozen=True, slots=True)
class Keeper:
    """Somebody who keeps a segment on the day that is asked about, as the register has them."""

    staff_code: str
    name: str
    role: KeeperRole
    valid_from: dt.date
    valid_to: dt.date | None


@dataclass(frozen=True, slots=True)
class Kept:
    """A segment on a day: its chief and wardens, and how it was patrolled in the days before.

    ``patrolled_m`` are the metres that at least one patrol of the days walked, ``last_patrolled``
    is the last day of all, None: never.
    """

    district_code: str
    code: str
    name: str
    street_code: str
    beside: tuple[str, ...]
    length_m: float
    geometry: Any
    keepers: tuple[Keeper, ...]
    patrolled_m: float
    last_patrolled: dt.date | None

    @property
    def chief(self) -> Keeper | None:
        """The chief, None without one."""
        return next((one for one in self.keepers if one.role is KeeperRole.CHIEF), None)

    @property
    def share(self) -> float:
        """The share of its length that was patrolled, 0 to 1."""
        return min(1.0, self.patrolled_m / self.length_m)

    def days_since(self, day: dt.date) -> int | None:
        """Days from the last patrol to a day, None where there was none."""
        return None if self.last_patrolled is None else (day - self.last_patrolled).days


@dataclass(frozen=True, slots=True)
class Near:
    """A segment near a place, its chief on the day, and the exact distance in metres."""

    district_code: str
    code: str
    name: str
    street_code: str
    metres: float
    chief: Keeper | None
