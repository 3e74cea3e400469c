"""Campaigns as the interface gives them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Self

from pydantic import Field

from gridsvc.answers import Answer
from gridsvc.cases.systems.campaigns.models import CampaignChange, CampaignPost
from gridsvc.cases.systems.campaigns.progress import Progress
from gridsvc.cases.systems.campaigns.standing import Reason, Standing, Why
from gridsvc.registry.staff.models import StaffMember


class SubHeadquarters(Answer):
    """The body that leads a campaign in a street."""

    code: str
    name: str


class CampaignReason(Answer):
    """Open cases that stand for the same reason."""

    why: Why
    step: str
    step_zh: str
    holders: list[str] = Field(description="For whom they wait: bodies, supervision, command.")
    holder_names: list[str]
    count: int
    cases: list[uuid.UUID] = Field(description="Up to five, the most urgent first.")


class CampaignLine(Answer):
    """The progress of a street, or of the whole."""

    street: str | None = Field(description="Null for the whole, and for cases without a street.")
    name: str
    target: int
    found: int
    settled: int
    open: int
    found_today: int
    settled_today: int
    reached: int = Field(description="The settled, at most the target.")
    planned: str = Field(description="By now, an exact fraction.")
    behind: int = Field(description="Whole cases that are missing to the plan.")
    reasons: list[CampaignReason] = Field(description="Of all open cases; of an ended one, none.")


class CampaignChangeAnswer(Answer):
    """What was changed."""

    n: int
    change: str
    street_code: str | None
    before: Any
    after: Any
    reason: str
    at: dt.datetime
    by: str


class CampaignPostAnswer(Answer):
    """A temporary post."""

    n: int
    staff: str = Field(description="Code of the register of staff.")
    street_code: str | None = Field(description="Null: at headquarters.")
    post: str
    first_day: dt.date
    last_day: dt.date

    @classmethod
    def told(cls, post: CampaignPost, member: StaffMember) -> Self:
        """A post with the code of who holds it."""
        return cls.of(post, staff=member.code)


class CampaignRow(Answer):
    """A campaign in a list."""

    id: uuid.UUID
    name: str
    area_code: str
    classes: list[str] = Field(description="What its class codes begin with; none: any class.")
    first_day: dt.date
    last_day: dt.date
    goal: str
    headquarters: str


class CampaignPage(Answer):
    """Campaigns, the newest first."""

    campaigns: list[CampaignRow]


class CampaignAnswer(CampaignRow):
    """A campaign and how it stands."""

    day: dt.date = Field(description="The day at which it stands so.")
    day_number: int
    days: int
    ended: bool
    attained: bool
    whole: CampaignLine
    streets: list[CampaignLine] = Field(description="They sum to the whole, number by number.")
    headquarters_name: str
    sub_headquarters: dict[str, SubHeadquarters] = Field(description="By street.")
    posts: list[CampaignPostAnswer]
    changes: list[CampaignChangeAnswer]


class CampaignReport(Answer):
    """The end of a campaign; its figures do not change any more."""

    campaign: CampaignAnswer
    reached: int
    target: int
    share: str = Field(description="Exact.")
    attained: bool
    prolonged: int = Field(description="How often.")
    ended_early: bool


class CampaignCalled(Answer):
    """Cases that a campaign called."""

    called: list[uuid.UUID] = Field(description="Those that were not in it before.")


def line_answer(standing: Standing, line: Progress, *, whole: bool = False) -> CampaignLine:
    """A line with its name and its reasons."""
    reasons: Sequence[Reason] = () if whole else standing.reasons.get(line.street, ())
    name = "全部 All" if whole else standing.streets.get(line.street or "", line.street or "")
    return CampaignLine(
        street=line.street,
        name=name,
        target=line.target,
        found=line.counts.found,
        settled=line.counts.settled,
        open=line.open,
        found_today=line.counts.found_today,
        settled_today=line.counts.settled_today,
        reached=line.reached,
        planned=written(line.planned),
        behind=line.behind,
        reasons=[
            CampaignReason(
                why=one.why,
                step=one.step[1],
                step_zh=one.step[0],
                holders=list(one.holders),
                holder_names=[standing.bodies.get(holder, holder) for holder in one.holders],
                count=one.count,
                cases=list(one.cases),
            )
            for one in reasons
        ],
    )


def campaign_answer(
    standing: Standing,
    *,
    sub_headquarters: dict[str, str],
    posts: Sequence[tuple[CampaignPost, StaffMember]],
    changes: Sequence[CampaignChange],
) -> CampaignAnswer:
    """A campaign and how it stands."""
    return CampaignAnswer.of(
        standing.campaign,
        day=standing.day,
        day_number=standing.days.gone(standing.day),
        days=standing.days.count,
        ended=standing.ended,
        attained=standing.attained,
        whole=line_answer(standing, standing.whole, whole=True),
        streets=[line_answer(standing, one) for one in standing.lines],
        headquarters_name=standing.bodies.get(standing.campaign.headquarters, ""),
        sub_headquarters={
            street: SubHeadquarters(code=code, name=standing.bodies.get(code, code))
            for street, code in sub_headquarters.items()
        },
        posts=[CampaignPostAnswer.told(*one) for one in posts],
        changes=[CampaignChangeAnswer.of(one) for one in changes],
    )


def report_answer(campaign: CampaignAnswer) -> CampaignReport:
    """The report of a campaign that has ended."""
    whole, changes = campaign.whole, [one.change for one in campaign.changes]
    share = Fraction(whole.reached, whole.target) if whole.target else Fraction(1)
    last = [one for one in changes if one in ("prolonged", "ended_early")][-1:]
    return CampaignReport(
        campaign=campaign,
        reached=whole.reached,
        target=whole.target,
        share=written(share),
        attained=campaign.attained,
        prolonged=changes.count("prolonged"),
        ended_early=last == ["ended_early"],
    )


def written(value: Fraction) -> str:
    """An exact number as people write it: 12, 25/2."""
    return str(value)
