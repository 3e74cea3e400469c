"""A contact point as it is entered and as it is found, and a list held to what it must cover."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from gridsvc.registry.bodies.importer import RefusedRow


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of a list: the judge, by their code in the register of staff, of an area."""

    line: int
    area: str
    name: str
    judge: str


@dataclass(frozen=True, slots=True)
class Point:
    """A contact point on a day.

    ``judge_name``, ``court`` and ``subject`` (of the judge's token) are None where the judge does
    not serve as a contact point on that day.
    """

    area_code: str
    name: str
    judge_code: str
    valid_from: dt.date
    valid_to: dt.date | None
    judge_name: str | None
    court: str | None
    subject: str | None


@dataclass(frozen=True, slots=True)
class NamedArea:
    """A village or community."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Cover:
    """What the contact points of a day leave open in an area.

    ``missing`` has no point, the points ``without_judge`` nobody who serves there, and those
    ``astray`` are for areas that are not in force.
    """

    areas: int
    points: int
    judges: int
    missing: tuple[NamedArea, ...]
    without_judge: tuple[Point, ...]
    astray: tuple[Point, ...]

    @property
    def whole(self) -> bool:
        """Whether each village and community has exactly one judge."""
        return not (self.missing or self.without_judge or self.astray)


@dataclass(frozen=True, slots=True)
class KeptList:
    """The totals of a list, its bad rows, and the areas that it leaves out; nothing is kept then.

    ``missing`` are areas in force without a row.
    """

    points: int
    judges: int
    refused: tuple[RefusedRow, ...]
    missing: tuple[NamedArea, ...]

    @property
    def kept(self) -> bool:
        """Whether the list is a cover, and was kept."""
        return not (self.refused or self.missing)
