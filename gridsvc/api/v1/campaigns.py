"""Headquarters and campaigns (总指挥部, 百日会战): targets by street, what is behind and why."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import Field

from gridsvc.api.dependencies import CurrentOccasion, IdempotencyKey, once
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.api.rules import Sent, Text
from gridsvc.assessment.service import visible_area
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.systems.campaigns import repository, service
from gridsvc.cases.systems.campaigns.models import Campaign
from gridsvc.cases.systems.campaigns.schemas import (
    CampaignAnswer,
    CampaignCalled,
    CampaignPage,
    CampaignReport,
    CampaignRow,
    campaign_answer,
    report_answer,
)
from gridsvc.cases.systems.campaigns.service import Planned, Posting, Target
from gridsvc.cases.systems.campaigns.standing import standing_of
from gridsvc.errors import BadInput, Conflict, IdempotencyMismatch, MissingPrerequisite
from gridsvc.maps.self_contained import CONTENT_POLICY

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"])

_READING = (*TOKEN_PROBLEMS, BadInput)
_WRITING = (*_READING, Conflict, IdempotencyMismatch)
_STREET = r"^\d{9}$"
_Reason = Annotated[Text, Field(min_length=1, max_length=1_000)]


class TargetIn(Sent):
    """The target of a street."""

    street: Text = Field(pattern=_STREET)
    target: int = Field(ge=0, le=10_000_000, description="Cases that it is to settle.")
    sub_headquarters: Text | None = Field(
        default=None, max_length=18, description="A body; the street's own office when left out."
    )


class CampaignIn(Sent):
    """A campaign."""

    name: Text = Field(min_length=1, max_length=100)
    area: Text = Field(pattern=r"^(\d{6}|\d{9})$", description="A district or street.")
    classes: list[Annotated[Text, Field(pattern=r"^\d{2,5}$")]] = Field(
        default_factory=list, max_length=100, description="Beginnings of class codes; none: any."
    )
    first_day: dt.date
    last_day: dt.date
    goal: Text = Field(default="9/10", description="The exact share of the targets to reach.")
    headquarters: Text = Field(max_length=18, description="The body that leads it.")
    targets: list[TargetIn] = Field(max_length=1_000)


class LastDayIn(Sent):
    """Another last day: later prolongs it, earlier ends it early."""

    last_day: dt.date
    reason: _Reason


class TargetChangeIn(Sent):
    """Another target of a street."""

    street: Text = Field(pattern=_STREET)
    target: int = Field(ge=0, le=10_000_000)
    reason: _Reason


class PostIn(Sent):
    """A temporary post for somebody of the register of staff."""

    staff: uuid.UUID
    post: Text = Field(min_length=1, max_length=100)
    street: Text | None = Field(default=None, pattern=_STREET)
    first_day: dt.date
    last_day: dt.date


class CallIn(Sent):
    """Cases that a campaign calls."""

    cases: list[uuid.UUID] = Field(min_length=1, max_length=500)
    reason: _Reason


def campaign_told(occasion: Occasion, campaign: Campaign) -> CampaignAnswer:
    """A campaign and how it stands, with its posts and its history."""
    session = occasion.session
    session.flush()
    targets = repository.targets_of(session, campaign)
    return campaign_answer(
        standing_of(occasion, campaign),
        sub_headquarters={one.street_code: one.sub_headquarters for one in targets},
        posts=repository.posts_of(session, campaign),
        changes=repository.changes_of(session, campaign),
    )


def _visible(campaign_id: uuid.UUID, occasion: CurrentOccasion) -> Campaign:
    return service.visible(occasion.session, occasion.caller, campaign_id)


_Visible = Annotated[Campaign, Depends(_visible)]


@router.get("", response_model=CampaignPage, responses=problems(*_READING))
def list_campaigns(
    occasion: CurrentOccasion,
    area: Annotated[str | None, Query(description="A district or street; the own one.")] = None,
    day: Annotated[dt.date | None, Query(description="Those that run on a day; today.")] = None,
    since: Annotated[dt.date | None, Query(description="With those that ended since.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> CampaignPage:
    """The campaigns of an area that run on a day, or ran since another, the newest first."""
    asked = visible_area(occasion.caller, area)
    last = day or occasion.city.day(occasion.now)
    found = repository.campaigns_under(occasion.session, asked, since or last, last, limit=limit)
    return CampaignPage(campaigns=[CampaignRow.of(one) for one in found])


@router.post("", status_code=201, response_model=CampaignAnswer, responses=problems(*_WRITING))
def post_campaign(
    given: Annotated[CampaignIn, Body()], occasion: CurrentOccasion, key: IdempotencyKey = None
) -> JSONResponse:
    """Begin a campaign with its headquarters, days, classes, and targets by street."""
    fields: dict[str, Any] = given.model_dump()
    fields["targets"] = [Target(**one) for one in fields["targets"]]

    def write() -> CampaignAnswer:
        return campaign_told(occasion, service.plan(occasion, Planned(**fields)))

    return once(occasion, key, ["campaign", given], write, status=201)


@router.get("/{campaign_id}", response_model=CampaignAnswer, responses=problems(*_READING))
def get_campaign(campaign: _Visible, occasion: CurrentOccasion) -> CampaignAnswer:
    """How a campaign stands today: progress by street and whole, what is behind and why."""
    return campaign_told(occasion, campaign)


@router.get(
    "/{campaign_id}/page.html",
    response_class=HTMLResponse,
    responses=problems(*_READING, MissingPrerequisite),
)
def get_page(campaign: _Visible, occasion: CurrentOccasion) -> HTMLResponse:
    """The daily page: map, curve against the plan, what is behind, why; in the end the report."""
    from gridsvc.maps.campaign import campaign_page, read_campaign  # folium

    told = campaign_told(occasion, campaign)
    page = campaign_page(read_campaign(occasion, campaign, told), occasion.city)
    return HTMLResponse(page, headers={"Content-Security-Policy": CONTENT_POLICY})


@router.get(
    "/{campaign_id}/report", response_model=CampaignReport, responses=problems(*_READING, Conflict)
)
def get_report(campaign: _Visible, occasion: CurrentOccasion) -> CampaignReport:
    """The report of a campaign that has ended: what was reached of its targets, exactly."""
    told = campaign_told(occasion, campaign)
    if not told.ended:
        raise Conflict(f"The campaign runs until the end of {told.last_day}; it has no report yet.")
    return report_answer(told)


@router.post(
    "/{campaign_id}/last-day", response_model=CampaignAnswer, responses=problems(*_WRITING)
)
def post_last_day(
    campaign_id: uuid.UUID, given: Annotated[LastDayIn, Body()], occasion: CurrentOccasion
) -> CampaignAnswer:
    """Prolong a campaign or end it early, with a reason that stays."""
    kept = service.set_last_day(occasion, campaign_id, given.last_day, given.reason)
    return campaign_told(occasion, kept)


@router.post("/{campaign_id}/targets", response_model=CampaignAnswer, responses=problems(*_WRITING))
def post_target(
    campaign_id: uuid.UUID, given: Annotated[TargetChangeIn, Body()], occasion: CurrentOccasion
) -> CampaignAnswer:
    """Give a street another target, with a reason that stays."""
    kept = service.set_target(occasion, campaign_id, given.street, given.target, given.reason)
    return campaign_told(occasion, kept)


@router.post(
    "/{campaign_id}/posts",
    status_code=201,
    response_model=CampaignAnswer,
    responses=problems(*_WRITING),
)
def post_post(
    campaign_id: uuid.UUID, given: Annotated[PostIn, Body()], occasion: CurrentOccasion
) -> CampaignAnswer:
    """Give somebody of the register a temporary post; nobody holds two on a day."""
    posting = Posting(given.staff, given.post, given.street, given.first_day, given.last_day)
    return campaign_told(occasion, service.post(occasion, campaign_id, posting))


@router.post(
    "/{campaign_id}/cases",
    status_code=201,
    response_model=CampaignCalled,
    responses=problems(*_WRITING),
)
def post_cases(
    campaign_id: uuid.UUID,
    given: Annotated[CallIn, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Call cases into a campaign, such as those of a team along a line."""

    def write() -> CampaignCalled:
        called = service.call_cases(occasion, campaign_id, given.cases, given.reason)
        return CampaignCalled(called=called)

    return once(occasion, key, ["campaign_cases", str(campaign_id), given], write, status=201)
