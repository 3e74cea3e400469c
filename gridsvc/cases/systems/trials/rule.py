"""When a vote passes, in whole numbers and exact fractions: nothing is rounded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from gridsvc.errors import BadInput

_WRITTEN = re.compile(r"(\d{1,4})/([1-9]\d{0,3})", re.ASCII)


class Choice(StrEnum):
    """What a household wants of the service."""

    KEEP = "keep"
    STOP = "stop"
    ABSTAIN = "abstain"


class Content(StrEnum):
    """How a household found the service while it was tried."""

    SATISFIED = "satisfied"
    FAIRLY = "fairly"
    DISSATISFIED = "dissatisfied"


class Whole(StrEnum):
    """Of what the share is taken."""

    #: Whoever is silent has not agreed.
    HOUSEHOLDS = "households"
    #: Of the ballots in the box, with the abstentions.
    VOTES = "votes"


@dataclass(frozen=True, slots=True)
class Rule:
    """The share that must agree, of what, and the share of all households that must vote."""

    share: Fraction
    whole: Whole
    quorum: Fraction


@dataclass(frozen=True, slots=True)
class Tally:
    """The ballots of a box, by what stands on them."""

    choices: dict[Choice, int]
    contents: dict[Content, int]

    @property
    def votes(self) -> int:
        """How many ballots."""
        return sum(self.choices.values())

    @property
    def satisfied(self) -> Fraction | None:
        """The share that is satisfied or fairly so; None where nobody voted."""
        if self.votes == 0:
            return None
        return 1 - Fraction(self.contents[Content.DISSATISFIED], self.votes)


def passes(tally: Tally, households: int, rule: Rule) -> bool:
    """Whether enough households agree; a vote in which too few took part never passes."""
    if tally.votes == 0 or tally.votes < rule.quorum * households:
        return False
    whole = households if rule.whole is Whole.HOUSEHOLDS else tally.votes
    return tally.choices[Choice.KEEP] >= rule.share * whole


def read_share(written: str, field: str) -> Fraction:
    """``2/3`` as it stands; no percentage, for 66.67 % is more than two thirds. Raises BadInput."""
    found = _WRITTEN.fullmatch(written)
    if found is None or int(found[1]) > int(found[2]):
        raise BadInput(
            f"'{field}' is {written[:40]!r}; write a fraction of 1 at most, such as 2/3.",
            field=field,
        )
    return Fraction(int(found[1]), int(found[2]))
