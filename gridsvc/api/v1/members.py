"""Members who report in where they live, and their services there (双报到)."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Body, Query
from fastapi.responses import JSONResponse
from pydantic import Field

from gridsvc.api.dependencies import CurrentOccasion, IdempotencyKey, once
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.api.rules import Sent, Text
from gridsvc.cases.core.act import Occasion
from gridsvc.errors import BadInput, Conflict, IdempotencyMismatch, NotAllowed
from gridsvc.registry.members.repository import members_under, served
from gridsvc.registry.members.schemas import (
    CommunityMember,
    HoursAnswer,
    HoursPage,
    MemberPage,
    ServedAnswer,
    ServedList,
    ServiceAnswer,
    TeamAnswer,
    TeamPage,
)
from gridsvc.registry.members.service import add_service
from gridsvc.registry.members.teams_repository import By, hours, teams_under

router = APIRouter(prefix="/v1/members", tags=["communities"])

_READING = (*TOKEN_PROBLEMS, BadInput)
AreaAsked = Annotated[
    str | None,
    Query(pattern=r"^(\d{2}|\d{4}|\d{6}|\d{9}|\d{12})$", description="The digits of its code."),
]
PageLimit = Annotated[int, Query(ge=1, le=500)]
Since = Annotated[dt.date | None, Query(description="January 1 when left out.")]
Until = Annotated[dt.date | None, Query(description="The first day after; tomorrow.")]


def days_asked(
    occasion: Occasion, since: dt.date | None, until: dt.date | None
) -> tuple[dt.date, dt.date]:
    """The first day and the first one after: of this year until today, unless asked otherwise."""
    today = occasion.city.day(occasion.now)
    return since or today.replace(month=1, day=1), until or today + dt.timedelta(days=1)


def own_area(occasion: Occasion, area: str | None) -> str:
    """The area that is asked for, inside that of the token. Raises NotAllowed."""
    own = occasion.caller.area
    if area is not None and not area.startswith(own):
        raise NotAllowed(f"The token is for {own}; it does not cover what is asked of {area}.")
    return own if area is None else area


class NewService(Sent):
    """What a member did on a day for the community where they live."""

    member: Text = Field(min_length=1, max_length=20, description="Their code.")
    on: dt.date
    what: Text = Field(min_length=1, max_length=200)
    minutes: int = Field(ge=1, le=1440)


@router.get("", response_model=MemberPage, responses=problems(*_READING))
def list_members(
    occasion: CurrentOccasion,
    area: AreaAsked = None,
    limit: PageLimit = 100,
    cursor: Annotated[str, Query(description="'next' of the previous page.")] = "",
) -> MemberPage:
    """Members who live in the own area."""
    asked = own_area(occasion, area)
    found = members_under(occasion.session, asked, after=cursor, limit=limit)
    return MemberPage(
        members=[CommunityMember.of(one) for one in found],
        next=found[-1].code if len(found) == limit else None,
    )


@router.get("/services", response_model=ServedList, responses=problems(*_READING))
def get_services(
    occasion: CurrentOccasion,
    area: AreaAsked = None,
    since: Since = None,
    until: Until = None,
) -> ServedList:
    """How many members each community has, and what they did for it."""
    asked = own_area(occasion, area)
    first, end = days_asked(occasion, since, until)
    found = served(occasion.session, asked, first, end)
    return ServedList(
        area=asked,
        since=first,
        until=end,
        communities=[ServedAnswer.of(one) for one in found],
        members=sum(one.members for one in found),
        services=sum(one.services for one in found),
        minutes=sum(one.minutes for one in found),
    )


@router.get("/hours", response_model=HoursPage, responses=problems(*_READING))
def get_hours(
    occasion: CurrentOccasion,
    by: Annotated[By, Query(description="Of whom.")],
    area: AreaAsked = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, Query(ge=1, le=5_000)] = 500,
    cursor: Annotated[str, Query(description="'next' of the previous page.")] = "",
) -> HoursPage:
    """Services and their minutes by person, team or organisation, each with those who came."""
    asked = own_area(occasion, area)
    first, end = days_asked(occasion, since, until)
    found = hours(occasion.session, by, asked, first, end, after=cursor, limit=limit)
    return HoursPage(
        by=by,
        area=asked,
        since=first,
        until=end,
        lines=[HoursAnswer.of(one) for one in found],
        next=found[-1].key if len(found) == limit else None,
    )


@router.get("/teams", response_model=TeamPage, responses=problems(*_READING))
def list_teams(
    occasion: CurrentOccasion,
    area: AreaAsked = None,
    limit: PageLimit = 100,
    cursor: Annotated[str, Query(description="'next' of the previous page.")] = "",
) -> TeamPage:
    """The teams of the own area, and how many are in each."""
    asked = own_area(occasion, area)
    found = teams_under(occasion.session, asked, after=cursor, limit=limit)
    return TeamPage(
        teams=[TeamAnswer.of(team, people=people) for team, people in found],
        next=found[-1][0].code if len(found) == limit else None,
    )


@router.post(
    "/services",
    status_code=201,
    response_model=ServiceAnswer,
    responses=problems(*_READING, Conflict, IdempotencyMismatch),
)
def post_service(
    given: Annotated[NewService, Body()], occasion: CurrentOccasion, key: IdempotencyKey = None
) -> JSONResponse:
    """Enter what a member did; their community does."""

    def write() -> ServiceAnswer:
        done = add_service(
            occasion.session,
            occasion.caller,
            member_code=given.member,
            on_day=given.on,
            what=given.what,
            minutes=given.minutes,
            today=occasion.city.day(occasion.now),
        )
        return ServiceAnswer.of(done)

    return once(occasion, key, ["member service", given], write, status=201)
