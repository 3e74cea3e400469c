"""The project funds of streets and the emergency funds of communities (项目库)."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Body, Query
from fastapi.responses import JSONResponse
from pydantic import Field

from gridsvc.api.dependencies import CurrentOccasion, IdempotencyKey, once
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.api.rules import Sent, Text
from gridsvc.api.v1.members import AreaAsked, PageLimit, own_area
from gridsvc.errors import BadInput, Conflict, IdempotencyMismatch
from gridsvc.registry.bodies.list_repository import active_areas
from gridsvc.registry.funds import repository
from gridsvc.registry.funds.schemas import (
    FundAnswer,
    FundPage,
    FundSums,
    KindSum,
    NamedCommunity,
    SpendingAnswer,
    SpendingPage,
)
from gridsvc.registry.funds.service import known_fund, spend

router = APIRouter(prefix="/v1/funds", tags=["communities"])

_READING = (*TOKEN_PROBLEMS, BadInput)
_Year = Annotated[int | None, Query(ge=2000, le=2099, description="This year when left out.")]
_MOST_FEN = 10**13


class NewSpending(Sent):
    """Money that was spent of a fund."""

    amount_fen: int = Field(ge=-_MOST_FEN, le=_MOST_FEN, description="With a minus: came back.")
    what: Text = Field(min_length=1, max_length=500)


@router.get("", response_model=FundPage, responses=problems(*_READING))
def list_funds(
    occasion: CurrentOccasion,
    area: AreaAsked = None,
    year: _Year = None,
    limit: PageLimit = 100,
    cursor: Annotated[str, Query(description="'next' of the previous page.")] = "",
) -> FundPage:
    """The funds of the own area with budget, spent and balance."""
    district, _, code = cursor.partition(".")
    asked, of_year = own_area(occasion, area), year or occasion.city.day(occasion.now).year
    found = repository.funds_under(
        occasion.session, asked, of_year, after=(district, code), limit=limit
    )
    last = f"{found[-1].district_code}.{found[-1].code}" if len(found) == limit else None
    return FundPage(funds=[FundAnswer.told(one) for one in found], next=last)


@router.get("/sums", response_model=FundSums, responses=problems(*_READING))
def get_sums(occasion: CurrentOccasion, area: AreaAsked = None, year: _Year = None) -> FundSums:
    """The funds of the own area by kind, and the communities without an emergency fund."""
    session = occasion.session
    asked, of_year = own_area(occasion, area), year or occasion.city.day(occasion.now).year
    there = repository.emergency_communities(session, asked, of_year)
    communities = active_areas(session, "community", asked, occasion.now)
    return FundSums(
        area=asked,
        year=of_year,
        kinds=[
            KindSum(
                kind=kind,
                funds=count,
                budget_fen=budget,
                spent_fen=spent,
                balance_fen=budget - spent,
            )
            for kind, count, budget, spent in repository.sums_by_kind(session, asked, of_year)
        ],
        without_emergency_fund=[
            NamedCommunity(code=code, name=name)
            for code, name in communities.items()
            if code not in there
        ],
    )


@router.get(
    "/{district}/{code}/spendings", response_model=SpendingPage, responses=problems(*_READING)
)
def list_spendings(
    district: str,
    code: str,
    occasion: CurrentOccasion,
    limit: PageLimit = 100,
    cursor: Annotated[uuid.UUID | None, Query(description="'next' of the previous page.")] = None,
) -> SpendingPage:
    """What was spent of a fund, the first first."""
    fund = known_fund(occasion.session, occasion.caller, district, code)
    after = cursor or uuid.UUID(int=0)
    found = repository.spendings_of(occasion.session, fund, after, limit)
    return SpendingPage(
        spendings=[SpendingAnswer.of(one) for one in found],
        next=str(found[-1].id) if len(found) == limit else None,
    )


@router.post(
    "/{district}/{code}/spendings",
    status_code=201,
    response_model=FundAnswer,
    responses=problems(*_READING, Conflict, IdempotencyMismatch),
)
def post_spending(
    district: str,
    code: str,
    given: Annotated[NewSpending, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Spend of a fund; more than it has left is refused."""
    if given.amount_fen == 0:
        raise BadInput("'amount_fen' is 0; send what was spent.", field="amount_fen")

    def write() -> FundAnswer:
        fund = spend(
            occasion.session,
            occasion.caller,
            district=district,
            code=code,
            amount_fen=given.amount_fen,
            what=given.what,
            today=occasion.city.day(occasion.now),
        )
        return FundAnswer.told(fund)

    return once(occasion, key, ["spending", district, code, given], write, status=201)
