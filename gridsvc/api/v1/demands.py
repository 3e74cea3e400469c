"""What bodies send to communities, and the list of what they must not (减负清单)."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Body, Query
from fastapi.responses import JSONResponse
from pydantic import Field

from gridsvc.api.dependencies import CurrentOccasion, DbSession, IdempotencyKey, once
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.api.rules import Sent, Text
from gridsvc.api.v1.members import PageLimit, own_area
from gridsvc.errors import BadInput, Conflict, IdempotencyMismatch
from gridsvc.registry.banned_demands.repository import demands_under, items_of
from gridsvc.registry.banned_demands.schemas import (
    BannedAnswer,
    BannedList,
    DemandAnswer,
    DemandKind,
    DemandPage,
)
from gridsvc.registry.banned_demands.service import banned_by, send_demand

router = APIRouter(prefix="/v1", tags=["communities"])

_READING = (*TOKEN_PROBLEMS, BadInput)


class NewDemand(Sent):
    """A demand, form or survey for a community."""

    body: Text = Field(description="The code of the body that sends it.")
    community: Text = Field(pattern=r"^\d{12}$")
    kind: DemandKind
    title: Text = Field(min_length=1, max_length=200)
    content: Text = Field(min_length=1, max_length=10_000)


@router.get("/banned-demands", response_model=BannedList, responses=problems(BadInput))
def list_banned(
    session: DbSession,
    district: Annotated[str, Query(pattern=r"^\d{6}$")],
    text: Annotated[
        str | None, Query(max_length=10_000, description="Only the items that ban this text.")
    ] = None,
) -> BannedList:
    """A district's list of what must not be demanded of communities."""
    items = items_of(session, district)
    found = items if text is None else banned_by(items, text)
    return BannedList(district=district, items=[BannedAnswer.of(one) for one in found])


@router.get("/demands", response_model=DemandPage, responses=problems(*_READING))
def list_demands(
    occasion: CurrentOccasion,
    area: Annotated[
        str, Query(pattern=r"^(\d{6}|\d{9}|\d{12})$", description="The digits of its code.")
    ],
    limit: PageLimit = 100,
    cursor: Annotated[uuid.UUID | None, Query(description="'next' of the previous page.")] = None,
) -> DemandPage:
    """What was sent to the communities of the own area."""
    asked = own_area(occasion, area)
    after = cursor or uuid.UUID(int=0)
    found = demands_under(occasion.session, asked, after=after, limit=limit)
    return DemandPage(
        demands=[DemandAnswer.of(one) for one in found],
        next=str(found[-1].id) if len(found) == limit else None,
    )


@router.post(
    "/demands",
    status_code=201,
    response_model=DemandAnswer,
    responses=problems(*_READING, Conflict, IdempotencyMismatch),
)
def post_demand(
    given: Annotated[NewDemand, Body()], occasion: CurrentOccasion, key: IdempotencyKey = None
) -> JSONResponse:
    """Send something to a community; what the list bans is refused with its item."""

    def write() -> DemandAnswer:
        sent = send_demand(
            occasion.session,
            occasion.caller,
            body=given.body,
            community=given.community,
            kind=given.kind,
            title=given.title,
            content=given.content,
            now=occasion.now,
        )
        return DemandAnswer.of(sent)

    return once(occasion, key, ["demand", given], write, status=201)
