"""Trials as the interface gives them: no household, and no count before its vote is closed."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Literal, Self

from pydantic import Field

from gridsvc.answers import Answer, Next
from gridsvc.cases.systems.trials.models import Trial, TrialBatch, TrialRound
from gridsvc.cases.systems.trials.rule import Tally, Whole
from gridsvc.cases.systems.trials.voting import tally_of


class BallotCounts(Answer):
    """What lay in a box."""

    choices: dict[str, int] = Field(description="keep, stop, abstain.")
    contents: dict[str, int] = Field(description="satisfied, fairly, dissatisfied.")
    satisfied: str | None = Field(
        description="The share that is satisfied or fairly so, as a fraction; null without a vote."
    )

    @classmethod
    def told(cls, tally: Tally) -> Self:
        """Counts by their names, and the share as it is, not rounded."""
        return cls(
            choices={one.value: n for one, n in tally.choices.items()},
            contents={one.value: n for one, n in tally.contents.items()},
            satisfied=None if tally.satisfied is None else str(tally.satisfied),
        )


class RoundAnswer(Answer):
    """One time that a batch tried the service."""

    round: int
    state: Literal["trying", "voting", "passed", "failed"]
    starts_on: dt.date
    ends_on: dt.date = Field(description="From this day on its vote may be opened.")
    change: str | None = Field(description="What is different from the round before.")
    closes_on: dt.date | None = Field(description="The first day on which nobody votes any more.")
    voted: int = Field(description="How many households have.")
    counts: BallotCounts | None = Field(description="Null until the vote is closed and counted.")
    counted_on: dt.date | None

    @classmethod
    def told(cls, round: TrialRound, voted: int) -> Self:
        """A round, without its box."""
        tally = tally_of(round)
        counts = None if tally is None else BallotCounts.told(tally)
        return cls.of(round, voted=voted, counts=counts)


class TrialBatchAnswer(Answer):
    """The households of an area that try and vote together."""

    batch: int
    area_code: str
    households: int
    rounds: list[RoundAnswer]


class TrialAnswer(Answer):
    """A trial with its batches."""

    id: uuid.UUID
    area_code: str
    name: str
    share: str = Field(description="What must agree, an exact fraction.")
    whole: Whole = Field(description="Of what: of all households, or of those that vote.")
    quorum: str = Field(description="The share of all households that must vote.")
    wait_days: int = Field(description="How long a batch is left alone that did not agree.")
    consulted_on: dt.date
    state: Literal["running", "adopted", "ended"]
    end_reason: str | None
    made_at: dt.datetime
    batches: list[TrialBatchAnswer]

    @classmethod
    def told(
        cls,
        trial: Trial,
        batches: Sequence[TrialBatch],
        rounds: Sequence[TrialRound],
        voted: Mapping[tuple[int, int], int],
    ) -> Self:
        """A trial with everything that everybody may know of it."""
        return cls.of(
            trial,
            batches=[
                TrialBatchAnswer.of(
                    batch,
                    rounds=[
                        RoundAnswer.told(one, voted.get((one.batch, one.round), 0))
                        for one in rounds
                        if one.batch == batch.batch
                    ],
                )
                for batch in batches
            ],
        )


class TrialRow(Answer):
    """A trial in a list."""

    id: uuid.UUID
    area_code: str
    name: str
    state: Literal["running", "adopted", "ended"]
    made_at: dt.datetime


class TrialPage(Answer):
    """Trials of an area."""

    trials: list[TrialRow]
    next: Next


class SlipAnswer(Answer):
    """A voting slip to be printed."""

    household: str
    code: str = Field(description="Shown now and never again.")


class SlipsAnswer(Answer):
    """The slips of a vote."""

    slips: list[SlipAnswer]


class HouseholdAnswer(Answer):
    """A household, and whether it has voted."""

    household: str
    voted: bool


class TurnoutAnswer(Answer):
    """The households of a batch, and whether each has voted in its last round."""

    households: list[HouseholdAnswer]
