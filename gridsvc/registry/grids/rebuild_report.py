"""What a rebuild of unit grids changes, as frozen values."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any

from gridsvc.registry.grids.fit import Reason
from gridsvc.registry.grids.measures import CityMeasures

__all__ = ["Kept", "Rebuild", "RebuiltCommunity", "Successor", "Voided"]


@dataclass(frozen=True, slots=True)
class RebuiltCommunity:
    """A community that was cut anew, why, and how many of its cells went which way.

    ``unchanged``: code and polygon; ``redrawn``: the code stays with another polygon.
    """

    code: str
    name: str
    reason: Reason
    unchanged: int
    redrawn: int
    void: int
    new: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A code that stays with another polygon, and the least share that both have in common.

    A share of 1: only vertices of its neighbours were put on its border.
    """

    district_code: str
    code: str
    share: float


@dataclass(frozen=True, slots=True)
class Successor:
    """A cell that took ground of a void one: m², and the share of the void one's ground."""

    district_code: str
    code: str
    shared_m2: float
    share: float


@dataclass(frozen=True, slots=True)
class Voided:
    """A code that is void, the community that it was in, and its successors, the most first."""

    district_code: str
    code: str
    community_code: str
    successors: tuple[Successor, ...]


@dataclass(frozen=True, slots=True)
class Rebuild:
    """What a rebuild changed, or would change when it is not ``committed``.

    ``fitting``: communities that fit their grids. ``new``: pairs of community and 8-digit code.
    ``parts_moved``: parts that got another grid, community or street (0 before the commit).
    """

    committed: bool
    edition_id: str | None
    communities_edition_id: str
    keep_share: float
    day: dt.date
    communities: tuple[RebuiltCommunity, ...]
    fitting: int
    kept: tuple[Kept, ...]
    voided: tuple[Voided, ...]
    new: tuple[tuple[str, str], ...]
    parts_moved: int
    city: CityMeasures | None
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Every community and every code."""
        return {
            **asdict(self),
            "new": [{"community_code": one, "code": code} for one, code in self.new],
        }
