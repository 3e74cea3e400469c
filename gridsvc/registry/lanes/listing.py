"""Lanes of an area: all, those without a chief, those that nobody has patrolled for some days."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy.orm import Session

from gridsvc.registry.lanes import repository
from gridsvc.registry.lanes.model import Kept

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class LaneQuestion:
    """Which segments are asked for: beside streets whose codes begin so, on a day.

    ``days`` back from it patrols count for the share. ``not_patrolled``: in so many days.
    """

    area: str
    day: dt.date
    days: int
    without_chief: bool = False
    not_patrolled: int | None = None

    @property
    def since(self) -> dt.date:
        """The first day of those in which patrols count."""
        return self.day - dt.timedelta(days=self.days - 1)

    def asks_for(self, one: Kept) -> bool:
        """Whether a segment is among them."""
        if self.without_chief and one.chief is not None:
            return False
        since = one.days_since(self.day)
        return self.not_patrolled is None or since is None or since >= self.not_patrolled


def found_lanes(
    session: Session, question: LaneQuestion, *, after: repository.Key = ("", ""), limit: int
) -> list[Kept]:
    """Segments behind a key, by their codes."""
    found: list[Kept] = []
    while True:
        batch = repository.kept_under(
            session,
            question.area,
            question.day,
            since=question.since,
            after=after,
            limit=_AT_ONCE,
        )
        found += [one for one in batch if question.asks_for(one)]
        if len(found) >= limit or len(batch) < _AT_ONCE:
            return found[:limit]
        after = (batch[-1].district_code, batch[-1].code)
