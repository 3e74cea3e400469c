"""Rosters as the interface gives them."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Literal, Self

from geoalchemy2.shape import to_shape
from pydantic import Field

from gridsvc.answers import Answer, Next, Position
from gridsvc.registry.postings.models import PostingProposal
from gridsvc.registry.postings.models import Replacement as ReplacementRow
from gridsvc.registry.postings.roster import Listed, shown_minutes
from gridsvc.registry.postings.rules import PostingKind
from gridsvc.registry.staff.models import Posting

ProposalKind = Literal["posting", "transfer", "reward"]
ProposalState = Literal["asked", "objected", "in_effect", "rejected", "withdrawn"]
ReplacementState = Literal["asked", "named", "refused"]


class PostingAnswer(Answer):
    """Somebody's place in a street's roster, for some days."""

    id: uuid.UUID
    district_code: str
    street_code: str
    staff_code: str
    body_code: str
    kind: PostingKind
    station: Position | None = Field(description="Where they start from; null for liaison.")
    valid_from: dt.date
    valid_to: dt.date | None = Field(description="The first day on which it no longer holds.")

    @classmethod
    def told(cls, posting: Posting) -> Self:
        """A posting with its station."""
        return cls.of(posting, station=_position(posting.station))


class PostingPage(Answer):
    """Postings, the first one first."""

    postings: list[PostingAnswer]
    next: Next


class RosterLine(Answer):
    """Somebody of a roster at a moment."""

    posting_id: uuid.UUID
    kind: PostingKind
    staff_code: str
    name: str
    body_code: str
    on_duty: bool
    comes: bool = Field(description="On duty, and posted or on call.")
    metres: float | None = Field(description="Straight, from the station to the place.")
    minutes: float | None = Field(description="An estimate: see `estimate`.")
    valid_from: dt.date
    valid_to: dt.date | None

    @classmethod
    def told(cls, one: Listed) -> Self:
        """A line, rounded as an estimate is."""
        metres = None if one.metres is None else round(one.metres, 1)
        return cls.of(one, metres=metres, minutes=shown_minutes(one))


class RosterAnswer(Answer):
    """A street's roster at a moment: who comes first, then the others."""

    street: str
    at: dt.datetime
    estimate: str = Field(description="How minutes are made.")
    people: list[RosterLine]


class PostingProposalAnswer(Answer):
    """What a body proposes to a street, and how far it has come."""

    id: uuid.UUID
    district_code: str
    kind: ProposalKind
    staff_code: str
    street_code: str
    body_code: str
    posting_id: uuid.UUID | None = Field(description="Which it ends, rewards or replaces.")
    posting_kind: PostingKind | None
    station: Position | None
    valid_from: dt.date
    valid_to: dt.date | None
    words: str
    state: ProposalState
    proposed_by: str
    proposed_at: dt.datetime
    answer_by: dt.datetime
    escalated: bool = Field(description="Nobody answered in time; supervision is told.")
    agrees: bool | None = Field(description="Null until the street has given its opinion.")
    opinion: str | None
    opinion_by: str | None
    opinion_at: dt.datetime | None
    decided_by: str | None
    decided_at: dt.datetime | None
    decision: str | None
    effective_on: dt.date | None

    @classmethod
    def told(cls, proposal: PostingProposal, now: dt.datetime) -> Self:
        """A proposal as it stands now."""
        escalated = proposal.state == "asked" and proposal.answer_by <= now
        return cls.of(proposal, station=_position(proposal.station), escalated=escalated)


class PostingProposalPage(Answer):
    """Proposals, the first one first."""

    proposals: list[PostingProposalAnswer]
    next: Next


class ReplacementAnswer(Answer):
    """A street asks for somebody else."""

    id: uuid.UUID
    posting_id: uuid.UUID
    street_code: str
    body_code: str
    reason: str
    state: ReplacementState
    asked_by: str
    asked_at: dt.datetime
    answer_by: dt.datetime
    late: bool = Field(description="Answered after its limit, or not yet though it has passed.")
    answered_by: str | None
    answered_at: dt.datetime | None
    answer: str | None
    proposal_id: uuid.UUID | None = Field(description="By which somebody was named.")

    @classmethod
    def told(cls, asked: ReplacementRow, now: dt.datetime) -> Self:
        """A replacement as it stands now."""
        return cls.of(asked, late=(asked.answered_at or now) >= asked.answer_by)


class ReplacementPage(Answer):
    """Replacements, the first one first."""

    replacements: list[ReplacementAnswer]
    next: Next


class JudgementAnswer(Answer):
    """What a street says of somebody for a month."""

    posting_id: uuid.UUID
    month: dt.date = Field(description="Its first day.")
    street_code: str
    body_code: str
    staff_code: str
    score: int = Field(description="0 to 100.")
    note: str
    judged_by: str
    judged_at: dt.datetime


class JudgementList(Answer):
    """The judgements of an area and a month, and who is not judged yet."""

    area: str
    month: dt.date
    judgements: list[JudgementAnswer]
    not_judged: list[PostingAnswer]


def _position(station: object) -> tuple[float, float] | None:
    if station is None:
        return None
    place = to_shape(station)  # type: ignore[arg-type] # a column of PostGIS
    return place.x, place.y
