"""Progress of a campaign in whole numbers and exact fractions: every line sums to the whole."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Days:
    """The days of a campaign, both ends among them."""

    first: dt.date
    last: dt.date

    @property
    def count(self) -> int:
        """How many there are."""
        return (self.last - self.first).days + 1

    def gone(self, day: dt.date) -> int:
        """How many are over at the end of a day."""
        return min(max((day - self.first).days + 1, 0), self.count)


@dataclass(frozen=True, slots=True)
class Counts:
    """The cases of a street: found, settled, and those of them on one day."""

    found: int = 0
    settled: int = 0
    found_today: int = 0
    settled_today: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """A street's progress, or the whole's; ``street`` is None for cases outside of every target.

    ``reached`` is what counts for the goal: the settled, at most the target, so that no street
    makes up for another. ``planned`` is the share of the target by now, day by day alike;
    ``behind`` the whole cases that are missing to it.
    """

    street: str | None
    target: int
    counts: Counts
    reached: int
    planned: Fraction
    behind: int

    @property
    def open(self) -> int:
        """Found and not settled."""
        return self.counts.found - self.counts.settled


def progress_of(
    street: str | None, target: int, counts: Counts, days: Days, day: dt.date
) -> Progress:
    """A street's progress at the end of a day."""
    planned = Fraction(target * days.gone(day), days.count)
    return Progress(
        street=street,
        target=target,
        counts=counts,
        reached=min(counts.settled, target),
        planned=planned,
        behind=max(math.ceil(planned) - counts.settled, 0),
    )


def whole_of(lines: Iterable[Progress]) -> Progress:
    """The sum of the lines, number by number."""
    every = list(lines)
    return Progress(
        street=None,
        target=sum(one.target for one in every),
        counts=Counts(
            found=sum(one.counts.found for one in every),
            settled=sum(one.counts.settled for one in every),
            found_today=sum(one.counts.found_today for one in every),
            settled_today=sum(one.counts.settled_today for one in every),
        ),
        reached=sum(one.reached for one in every),
        planned=sum((one.planned for one in every), Fraction(0)),
        behind=sum(one.behind for one in every),
    )


def attained(whole: Progress, goal: Fraction) -> bool:
    """Whether the share of the targets that the goal names is reached, exactly."""
    return whole.reached >= goal * whole.target
