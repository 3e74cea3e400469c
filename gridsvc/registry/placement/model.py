"""The frozen values that placement passes on.

Those that each look-up makes anew are named tuples: a frozen dataclass takes three times as long.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

#: The levels of a placement, from wide to narrow.
LEVELS = ("district", "street", "community", "unit_grid")


@dataclass(frozen=True, slots=True)
class AreaRef:
    """An area's code and name."""

    code: str
    name: str

    def to_json(self) -> dict[str, Any]:
        """``{code, name}``."""
        return {"code": self.code, "name": self.name}


@dataclass(frozen=True, slots=True)
class GridRef:
    """A unit grid: its 8-digit code in its district, its national id, and the size aimed at."""

    district_code: str
    code: str
    national_id: str
    community_code: str
    nominal_m2: float

    def to_json(self) -> dict[str, Any]:
        """``{code, national_id, district_code, community_code, nominal_m2}``."""
        return {
            "code": self.code,
            "national_id": self.national_id,
            "district_code": self.district_code,
            "community_code": self.community_code,
            "nominal_m2": self.nominal_m2,
        }


@dataclass(frozen=True, slots=True)
class EditionRef:
    """The edition that an answer comes from, and how far its borders can be trusted."""

    id: str
    level: str
    accuracy_m: float
    approximate: bool
    effective_from: dt.datetime

    def __hash__(self) -> int:
        return hash(self.id)

    def to_json(self) -> dict[str, Any]:
        """``{id, accuracy_m, approximate, effective_from}``."""
        return {
            "id": self.id,
            "accuracy_m": self.accuracy_m,
            "approximate": self.approximate,
            "effective_from": self.effective_from.isoformat(),
        }


class Neighbour(NamedTuple):
    """Another area within reach of the point, and how far its border is in metres."""

    level: str
    code: str
    name: str
    distance_m: float

    def to_json(self) -> dict[str, Any]:
        """``{level, code, name, distance_m}``."""
        return {
            "level": self.level,
            "code": self.code,
            "name": self.name,
            "distance_m": round(self.distance_m, 3),
        }


class Border(NamedTuple):
    """The nearest border of a district or street; a street's that is the district's is that.

    ``near_levels`` are the levels whose border is no farther than the report's accuracy plus
    the edition's; ``neighbours`` are sorted by level, then by distance.
    """

    distance_m: float
    level: str
    near_levels: tuple[str, ...]
    neighbours: tuple[Neighbour, ...]

    @property
    def near(self) -> bool:
        """Whether the nearest border is near, by the accuracy of its level."""
        return self.level in self.near_levels

    def to_json(self) -> dict[str, Any]:
        """``{distance_m, level, near, near_levels, neighbours}``."""
        return {
            "distance_m": round(self.distance_m, 3),
            "level": self.level,
            "near": self.near,
            "near_levels": list(self.near_levels),
            "neighbours": [neighbour.to_json() for neighbour in self.neighbours],
        }


@dataclass(frozen=True, slots=True)
class Conflict:
    """Levels that contradict each other: each level's code, and a sentence that says so."""

    codes: tuple[tuple[str, str], ...]
    explanation: str

    def to_json(self) -> dict[str, Any]:
        """``{codes: {level: code}, explanation}``."""
        return {"codes": dict(self.codes), "explanation": self.explanation}


@lru_cache(maxsize=16)
def _editions_json(editions: tuple[EditionRef, ...]) -> dict[str, Any]:
    """The editions by level; every answer from one atlas has the same."""
    return {edition.level: edition.to_json() for edition in editions}


class Placement(NamedTuple):
    """Where a WGS84 point is, by the editions in force.

    ``claims`` lists, level by level, every area that touches the point; the primary is the
    smallest code. None means that no area of that level covers the point.
    """

    lon: float
    lat: float
    accuracy_m: float
    district: AreaRef | None
    street: AreaRef | None
    community: AreaRef | None
    unit_grid: GridRef | None
    claims: tuple[tuple[str, tuple[AreaRef, ...]], ...]
    conflict: Conflict | None
    border: Border | None
    editions: tuple[EditionRef, ...]

    def claimed(self, level: str) -> tuple[AreaRef, ...]:
        """Every area of one level that touches the point."""
        return dict(self.claims).get(level, ())

    def to_json(self) -> dict[str, Any]:
        """The answer of ``/v1/locate``."""
        return {
            "point": {"type": "Point", "coordinates": [self.lon, self.lat]},
            "accuracy_m": self.accuracy_m,
            "district": self.district and self.district.to_json(),
            "street": self.street and self.street.to_json(),
            "community": self.community and self.community.to_json(),
            "unit_grid": self.unit_grid and self.unit_grid.to_json(),
            "claims": {level: [area.to_json() for area in areas] for level, areas in self.claims},
            "conflict": self.conflict and self.conflict.to_json(),
            "border": self.border and self.border.to_json(),
            "edition": _editions_json(self.editions),
        }
