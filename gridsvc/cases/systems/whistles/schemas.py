"""Whistles, whom they may call, and their rates as the interface gives them."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, Literal

from pydantic import Field

from gridsvc.answers import Answer, Geometry, Next, Point
from gridsvc.cases.systems.whistles.kinds import Approval, Kind, WhistleGround, WhistleKind
from gridsvc.city.procedures.schemas import LimitAnswer
from gridsvc.registry.postings.rules import PostingKind

State = Literal["proposed", "open", "closed", "raised", "withdrawn"]
Ground = WhistleGround | Literal["footprint", "conflict", "refusal", "near", "crowd", "line"]


class CalledAnswer(Answer):
    """A called body: when it was told, came, finished, and its score."""

    body_code: str
    name: str
    role: Literal["side", "department", "called"]
    called_from: str
    told_at: dt.datetime
    task: str
    accept_by: dt.datetime | None
    report_in_by: dt.datetime | None
    done_by: dt.datetime | None
    accepted_at: dt.datetime | None
    arrived_at: dt.datetime | None = Field(description="Too far off it waits to be signed in.")
    reported_in_at: dt.datetime | None
    reported_in_point: Point | None
    metres_off: float | None
    late: bool | None = Field(description="Null until it reports in.")
    far: bool | None = Field(description="Whether it was too far from the place.")
    done_at: dt.datetime | None
    overdue: bool | None
    score: int | None = Field(description="0 to 100.")
    scored_by: str | None
    exit: Literal["declined", "dismissed", "absent"] | None = Field(
        description="Why nobody waits for it any longer."
    )
    accepted_stated_at: dt.datetime | None = Field(description="As the body states it.")
    reported_in_stated_at: dt.datetime | None = Field(description="As the body states it.")
    done_stated_at: dt.datetime | None = Field(description="As the body states it.")
    provisional: bool = Field(
        description="Whether a limit counts working days that are not announced yet."
    )


class WhistleShared(Answer):
    """A whistle as its case shows it."""

    id: uuid.UUID
    level: int | None = Field(description="1 to 3, 4 to the city; null for a joint one.")
    kind: WhistleKind
    ground: Ground
    state: State
    follows: uuid.UUID | None = Field(description="The whistle from which it comes.")
    letter: str = Field(description="Address of its demand letter.")


class WhistleAnswer(WhistleShared):
    """A whistle with its called bodies, its areas, and the joint actions so far."""

    district_code: str
    participant_district: str | None
    case_id: uuid.UUID
    joint: bool
    caller: str
    facts: dict[str, Any]
    demand: dict[str, Any] = Field(description="{task, tasks, place, time, done_by}.")
    areas: list[str]
    point: Point
    footprint: Geometry | None
    step: str
    actions: int
    blown_at: dt.datetime
    after_the_fact: bool
    recorded_at: dt.datetime | None
    closed_at: dt.datetime | None
    postponed: int = Field(description="How often its date was put off.")
    pressed: int = Field(description="How often supervision pressed (督办).")
    called: list[CalledAnswer]


class WhistlePage(Answer):
    """Whistles, oldest first."""

    whistles: list[WhistleAnswer]
    next: Next


class KindAnswer(Answer):
    """A kind of whistle: the limits of the bodies that it calls, and who must agree to it."""

    kind: WhistleKind
    title: str
    title_zh: str
    accept: LimitAnswer
    report_in_minutes: float = Field(description="On the clock of 'accept'.")
    done: LimitAnswer
    approvals: list[Approval]

    @classmethod
    def of_kind(cls, kind: Kind, report_in_minutes: float) -> KindAnswer:
        """A kind; the minutes of the setting where it has none of its own."""
        minutes = kind.report_in_minutes
        return cls.of(
            kind,
            accept=LimitAnswer.of(kind.accept),
            done=LimitAnswer.of(kind.done),
            report_in_minutes=report_in_minutes if minutes is None else minutes,
            approvals=list(kind.approvals),
        )


class KindsAnswer(Answer):
    """The kinds of whistles."""

    kinds: list[KindAnswer]


class ApprovalRead(Answer):
    """Somebody's word for a whistle before it is blown: for these bodies and this letter alone."""

    n: int = Field(description="Of the entry in the trace.")
    at: dt.datetime
    approval: Approval
    by: str
    body_code: str | None = Field(description="The calling street; null for the district's word.")
    bodies: list[str]
    letter_sha256: str


class ApprovalsAnswer(Answer):
    """The approvals given in a case."""

    approvals: list[ApprovalRead]


class ReasonAnswer(Answer):
    """Why a body is proposed."""

    ground: Literal["asset_owner", "agreement", "duty", "fact"]
    why: str


class ComerAnswer(Answer):
    """Somebody of the street's roster who can come; `GET /v1/postings/roster` has their name."""

    staff_code: str
    kind: PostingKind
    minutes: float | None = Field(description="Straight distance over a speed that is a setting.")


class BodyProposed(Answer):
    """A body that a whistle may call."""

    body_code: str
    name: str
    kind: str
    reasons: list[ReasonAnswer]
    called: bool = Field(description="Whether it has been.")
    can_come: list[ComerAnswer] | None = Field(
        description="Now: who is posted and on duty, then on call. Null where the roster of the"
        " street says nothing of the body, and in a case, which says nothing of now."
    )
    nobody_can_come: bool = Field(
        description="By the roster: the demand must say in 'unattended' why it is called."
    )


class ProposalsAnswer(Answer):
    """Bodies to call: of which somebody can come first, then by the strongest reasons."""

    case_id: uuid.UUID
    proposals: list[BodyProposed]


class WhistlesShown(Answer):
    """The whistles of a case, and whom the next one may call."""

    whistle_proposals: list[BodyProposed] | None = Field(
        description="Null where no whistle is due."
    )
    whistles: list[WhistleShared]


class CountsAnswer(Answer):
    """Whistles that were blown."""

    whistles: int
    closed: int
    closed_percent: float | None = Field(description="Null without whistles.")
    by: dict[Literal["ground", "kind", "level"], dict[str, int]]
    cases: int = Field(description="Opened in the period.")
    per_1000_cases: float | None = Field(description="Null without cases.")


class StreetRated(CountsAnswer):
    """A street beside all the others together."""

    street: str
    name: str
    expected: float | None = Field(description="What its share of the cases would bring.")
    p: float | None
    q: float | None
    sign: Literal["too_few", "too_many"] | None


class RatesAnswer(CountsAnswer):
    """Every street of an area, and all of them together."""

    period: str
    area: str = Field(description="Empty for the whole city.")
    rule: str = Field(description="How a sign is given.")
    streets: list[StreetRated]
