"""Notes by month and leader, and the exact share of answers within the hour."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.cases.systems.leader_notes.repository import LeaderCounts, counted
from gridsvc.city import City


@dataclass(frozen=True, slots=True)
class LeaderLine:
    """The counts of one month and leader."""

    counts: LeaderCounts

    @property
    def answered_within(self) -> Fraction | None:
        """Of those whose answer was due, the share that came in time; None where none was."""
        one = self.counts
        due = one.notes + one.visits - one.waiting_for_answer
        return Fraction(one.within, due) if due else None

    def to_json(self) -> dict[str, Any]:
        """The counts, and the share as ``2/3``."""
        share = self.answered_within
        return {**asdict(self.counts), "answered_within": None if share is None else f"{share}"}


def leader_lines(
    session: Session,
    city: City,
    prefix: str,
    since: dt.datetime,
    until: dt.datetime,
    *,
    now: dt.datetime,
) -> list[LeaderLine]:
    """What leaders wrote from a moment on until before another, by month and leader."""
    found = counted(
        session,
        prefix,
        since,
        until,
        zone=city.calendar.zone.key,
        within=dt.timedelta(minutes=city.settings.leader_answer_minutes),
        now=now,
    )
    return [LeaderLine(one) for one in found]
