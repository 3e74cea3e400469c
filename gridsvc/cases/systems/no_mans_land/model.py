"""The frozen values of the scan for no-man's-land."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry


@dataclass(frozen=True, slots=True)
class Terms:
    """What the scan compares.

    ``level``: district or street, whose borders are scanned. ``band_m``: cases this near a border
    are near, all others inside; None takes what *near* means elsewhere, the accuracy of a report
    plus the edition's. ``stretch_m``: no stretch is longer. ``max_fdr``: the share of false alarms
    that a list may have. A stretch with fewer than ``fewest_near`` cases, or with fewer than
    ``fewest_inside`` cases of the same classes inside one of its sides, is not tested.
    """

    level: str = "street"
    band_m: float | None = None
    stretch_m: float = 500.0
    max_fdr: float = 0.05
    fewest_near: int = 5
    fewest_inside: int = 20


@dataclass(frozen=True, slots=True)
class GroupOutcome:
    """How the cases of one group went.

    ``median_days`` is None when fewer than half of them are known to have ended.
    """

    cases: int
    refused_or_returned: int
    still_open: int
    median_days: float | None

    @property
    def refused_share(self) -> float | None:
        """The share refused or returned; None without cases."""
        return self.refused_or_returned / self.cases if self.cases else None

    def to_json(self) -> dict[str, Any]:
        """Counts, the share to four digits, the median in days to two."""
        share, days = self.refused_share, self.median_days
        return {
            **asdict(self),
            "refused_share": None if share is None else round(share, 4),
            "median_days": None if days is None else round(days, 2),
        }


@dataclass(frozen=True, slots=True)
class StretchSide:
    """One of the two areas, and how cases inside of it went."""

    code: str
    name: str
    inside: GroupOutcome


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of border that was tested.

    ``line``: WGS84. ``p_refused`` and ``p_slow``: the larger of the two sides'. ``p``: twice the
    smaller of both, or the larger if that is less. ``q``: after the correction for all tested
    stretches.
    """

    sides: tuple[StretchSide, StretchSide]
    near: GroupOutcome
    line: BaseGeometry
    metres: float
    p_refused: float
    p_slow: float
    p: float
    q: float

    def to_json(self) -> dict[str, Any]:
        """The stretch as the list has it; ``place`` is the middle of the line."""
        middle = shapely.line_interpolate_point(self.line, 0.5, normalized=True)
        return {
            "sides": [
                {"code": side.code, "name": side.name, "inside": side.inside.to_json()}
                for side in self.sides
            ],
            "crosses_districts": self.sides[0].code[:6] != self.sides[1].code[:6],
            "near": self.near.to_json(),
            "border_m": round(self.metres, 1),
            "place": [round(middle.x, 6), round(middle.y, 6)],
            "line": shapely.geometry.mapping(self.line),
            "p_refused": self.p_refused,
            "p_slow": self.p_slow,
            "p": self.p,
            "q": self.q,
        }


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """What the same scan lists when the outcomes are shuffled among the cases of each class.

    ``with_alarm``: shuffles in which any stretch was listed. ``tests``: stretches tested in all
    shuffles; ``p_below``: the share of them whose p was at or below 0.05 and 0.01.
    """

    shuffles: int
    with_alarm: int
    tests: int
    p_below: tuple[float, float]

    def to_json(self) -> dict[str, Any]:
        """The counts, and the rate of shuffles with an alarm."""
        return {
            "shuffles": self.shuffles,
            "with_alarm": self.with_alarm,
            "rate": round(self.with_alarm / self.shuffles, 4),
            "tests": self.tests,
            "p_at_most_0.05": round(self.p_below[0], 5),
            "p_at_most_0.01": round(self.p_below[1], 5),
        }


@dataclass(frozen=True, slots=True)
class Scan:
    """What the scan found among cases opened from ``since`` until before ``until``.

    ``listed`` are the stretches with q at most ``terms.max_fdr``, the clearest first.
    """

    terms: Terms
    band_m: float
    edition_id: str
    approximate: bool
    since: dt.datetime
    until: dt.datetime
    cases: int
    cases_near: int
    stretches: int
    tested: int
    listed: tuple[Stretch, ...]
    false_alarms: FalseAlarms | None

    def to_json(self) -> dict[str, Any]:
        """The answer of ``/v1/no-mans-land``."""
        return {
            "level": self.terms.level,
            "edition": self.edition_id,
            "approximate": self.approximate,
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "band_m": self.band_m,
            "stretch_m": self.terms.stretch_m,
            "listed_q": self.terms.max_fdr,
            "cases": self.cases,
            "cases_near": self.cases_near,
            "stretches": self.stretches,
            "tested": self.tested,
            "listed": [stretch.to_json() for stretch in self.listed],
            "false_alarms": self.false_alarms and self.false_alarms.to_json(),
        }
