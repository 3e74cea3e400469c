"""No-man's-land as the interface gives it."""

from __future__ import annotations

import datetime as dt
import uuid

from pydantic import Field

from gridsvc.answers import Answer, Geometry, Position


class OutcomeAnswer(Answer):
    """How the cases of one group went."""

    cases: int
    refused_or_returned: int
    still_open: int
    median_days: float | None = Field(
        description="Null when fewer than half are known to have ended."
    )
    refused_share: float | None = Field(description="Of 1; null without cases.")


class SideScanned(Answer):
    """One of the two areas, and how cases inside of it went."""

    code: str
    name: str
    inside: OutcomeAnswer


class StretchShared(Answer):
    """A stretch of border that was tested, without its line."""

    sides: tuple[SideScanned, SideScanned]
    crosses_districts: bool
    near: OutcomeAnswer
    border_m: float
    place: Position
    p_refused: float
    p_slow: float
    p: float
    q: float = Field(description="After the correction for all tested stretches.")


class StretchAnswer(StretchShared):
    """A stretch of border and its line."""

    line: Geometry


class AlarmsAnswer(Answer):
    """What the scan lists when the outcomes are shuffled among the cases of each class."""

    shuffles: int
    with_alarm: int
    rate: float
    tests: int
    p_below_5: float = Field(alias="p_at_most_0.05")
    p_below_1: float = Field(alias="p_at_most_0.01")


class ScanAnswer(Answer):
    """What was scanned, and the stretches where cases go worse, the clearest first."""

    level: str
    edition: str
    approximate: bool
    since: dt.datetime
    until: dt.datetime
    band_m: float
    stretch_m: float
    listed_q: float = Field(description="Share of false alarms in the list.")
    cases: int
    cases_near: int
    stretches: int
    tested: int
    listed: list[StretchAnswer]
    false_alarms: AlarmsAnswer | None = Field(description="Null without shuffles.")


class DisputeProposed(Answer):
    """A dispute about a stretch; ``new`` is false for one that was known."""

    id: uuid.UUID
    new: bool
    stretch: StretchShared


class DisputesProposed(Answer):
    """What was proposed as disputes."""

    disputes: list[DisputeProposed]
