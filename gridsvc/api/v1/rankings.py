"""Rankings of streets, the yearly page, and what streets say of a year (综合排名, 年度考核)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from fastapi.responses import HTMLResponse
from pydantic import Field

from gridsvc.answers import as_built
from gridsvc.api.dependencies import CurrentOccasion
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.api.rules import Sent, Text
from gridsvc.api.v1.assessments import Area, Name
from gridsvc.assessment.opinions.repository import opinions_under
from gridsvc.assessment.opinions.service import give
from gridsvc.assessment.period import parse_period
from gridsvc.assessment.rankings import rank_streets
from gridsvc.assessment.schemas import OpinionAnswer, OpinionsAnswer, RankingsAnswer
from gridsvc.assessment.service import visible_area
from gridsvc.assessment.view import rankings_json
from gridsvc.assessment.yearly import YearSource, assess_year
from gridsvc.cases.core.rights import own_body
from gridsvc.errors import BadInput, Conflict, Unavailable
from gridsvc.maps.self_contained import CONTENT_POLICY
from gridsvc.maps.yearly import yearly_page

router = APIRouter(prefix="/v1/assessments", tags=["assessment"])

_READING = (*TOKEN_PROBLEMS, BadInput, Unavailable)
_Source = Annotated[
    YearSource, Query(description="Count in the tables, or recompute from the trace alone.")
]


class YearlyOpinionIn(Sent):
    """What a street says of a body's year."""

    body: Text = Field(max_length=18, description="One that the street has called in that year.")
    year: int = Field(ge=2000, le=2199)
    score: int = Field(ge=0, le=100)
    reason: Text = Field(min_length=1, max_length=1_000)


@router.get("/rankings", response_model=as_built(RankingsAnswer), responses=problems(*_READING))
def get_rankings(
    occasion: CurrentOccasion, period: Name, area: Area = None, source: _Source = YearSource.TABLES
) -> dict[str, Any]:
    """Streets by the three rates, their growth against a year before, who is named."""
    found = rank_streets(
        occasion.session,
        occasion.city,
        parse_period(period, occasion.city.calendar),
        area=visible_area(occasion.caller, area)[:6],
        source=source,
        now=occasion.now,
    )
    return rankings_json(found)


@router.get("/yearly/page.html", response_class=HTMLResponse, responses=problems(*_READING))
def get_yearly_page(occasion: CurrentOccasion, period: Name, area: Area = None) -> HTMLResponse:
    """The year on one page: bodies with parts, callers and appeals, streets, who is named."""
    city, now = occasion.city, occasion.now
    span = parse_period(period, city.calendar)
    asked = visible_area(occasion.caller, area)[:6]
    year = assess_year(occasion.session, city, span, area=asked, now=now)
    streets = rank_streets(occasion.session, city, span, area=asked, now=now)
    page = yearly_page(year, streets, area=asked)
    return HTMLResponse(page, headers={"Content-Security-Policy": CONTENT_POLICY})


@router.get("/opinions", response_model=OpinionsAnswer, responses=problems(*_READING))
def list_opinions(
    occasion: CurrentOccasion,
    year: Annotated[int, Query(ge=2000, le=2199)],
    area: Area = None,
) -> OpinionsAnswer:
    """What the streets of a district say of the year of the bodies that they called."""
    asked = visible_area(occasion.caller, area)
    found = opinions_under(occasion.session, asked, year)
    return OpinionsAnswer(year=year, opinions=[OpinionAnswer.of(one) for one in found])


@router.post(
    "/opinions",
    status_code=201,
    response_model=OpinionAnswer,
    responses=problems(*_READING, Conflict),
)
def post_opinion(
    given: Annotated[YearlyOpinionIn, Body()], occasion: CurrentOccasion
) -> OpinionAnswer:
    """Say what the street thinks of a body's year, once; it counts in the body's yearly score."""
    kept = give(
        occasion.session,
        occasion.city,
        occasion.caller,
        own_body(occasion.caller) or "",
        given.body,
        given.year,
        score=given.score,
        reason=given.reason,
        now=occasion.now,
    )
    return OpinionAnswer.of(kept)
