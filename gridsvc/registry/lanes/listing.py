"""Lanes of an area: all, those without a chief, those that nobody has patrolled for some days."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

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


@dataclass(frozen=True, slots=True)
class StreetLanes:
    """The lanes of a street on the last of some days, and what was walked of them in these days."""

    street: str
    lanes: int
    without_chief: int
    not_patrolled: int
    metres: float
    walked_m: float

    @property
    def share(self) -> float:
        """The share of the length that was walked, 0 to 1."""
        return self.walked_m / self.metres


def found_lanes(
    session: Session, question: LaneQuestion, *, after: repository.Key = ("", ""), limit: int
) -> list[Kept]:
    """Segments behind a key, by their codes."""
    return list(islice(_lanes(session, question, after), limit))


def by_street(session: Session, question: LaneQuestion) -> list[StreetLanes]:
    """The lanes that are asked for, by the street of each, in the order of codes."""
    found: dict[str, list[Kept]] = defaultdict(list)
    for one in _lanes(session, question, ("", "")):
        found[one.street_code].append(one)
    return [
        StreetLanes(
            street=street,
            lanes=len(lanes),
            without_chief=sum(one.chief is None for one in lanes),
            not_patrolled=sum(one.patrolled_m == 0 for one in lanes),
            metres=sum(one.length_m for one in lanes),
            walked_m=sum(one.share * one.length_m for one in lanes),
        )
        for street, lanes in sorted(found.items())
    ]


def _lanes(session: Session, question: LaneQuestion, after: repository.Key) -> Iterator[Kept]:
    while True:
        batch = repository.kept_under(
            session,
            question.area,
            question.day,
            since=question.since,
            after=after,
            limit=_AT_ONCE,
        )
        yield from (one for one in batch if question.asks_for(one))
        if len(batch) < _AT_ONCE:
            return
        after = (batch[-1].district_code, batch[-1].code)
