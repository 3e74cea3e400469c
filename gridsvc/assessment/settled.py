"""Settled before the hotline (未诉先办): the share as it looks, and the true one, exactly."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.assessment.rates import rate
from gridsvc.assessment.repository.settled import SettledCounts, SettledTerms, settled_counts
from gridsvc.city import City
from gridsvc.city.merging import KIN

#: Channels of reports: a hall (议事厅), the mobile desk (移动办公桌), an old neighbour (老街坊), a
#: station (民情驿站).
SPOTS = ("hall", "desk", "neighbour", "station")
HOTLINES = ("12345",)


@dataclass(frozen=True, slots=True)
class SettledLine:
    """The counts of one month and community, or of several together."""

    counts: SettledCounts

    @property
    def matters(self) -> int:
        """Each once: told on the spot, or come to the hotline first."""
        return self.counts.told + self.counts.hotline

    @property
    def share(self) -> Fraction | None:
        """Of all matters those that were settled on the spot; None without any."""
        return rate(self.counts.settled, self.matters)

    @property
    def true_share(self) -> Fraction | None:
        """The same without those that came to the hotline anyway."""
        return rate(self.counts.settled - self.counts.came_anyway, self.matters)

    def to_json(self) -> dict[str, Any]:
        """The counts, ``matters``, and both shares as exact fractions such as ``2/3``."""
        shares = {"share": self.share, "true_share": self.true_share}
        told = {name: None if one is None else f"{one}" for name, one in shares.items()}
        return {**asdict(self.counts), "matters": self.matters, **told}


def settled_lines(
    session: Session, city: City, prefix: str, start: dt.datetime, end: dt.datetime
) -> list[SettledLine]:
    """What was settled before the hotline in an area, by month and community."""
    groups: dict[str, list[str]] = {}
    for one in city.table(KIN):
        groups.setdefault(one.group, []).append(one.code)
    kin = [(one, other) for codes in groups.values() for one in codes for other in codes]
    terms = SettledTerms(
        spots=SPOTS,
        hotlines=HOTLINES,
        kin=kin,
        days=city.settings.settled_days,
        metres=city.settings.settled_metres,
        zone=city.calendar.zone.key,
    )
    return [SettledLine(one) for one in settled_counts(session, prefix, start, end, terms)]


def together(lines: Iterable[SettledLine]) -> SettledLine:
    """All lines as one."""
    every = [one.counts for one in lines]
    names = ("told", "settled", "raised", "hotline", "came_anyway")
    return SettledLine(
        SettledCounts("", "", *(sum(getattr(one, name) for one in every) for name in names))
    )
