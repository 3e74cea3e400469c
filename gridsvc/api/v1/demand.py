"""Demand forecast: places for children that streets need two years ahead."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse

from gridsvc.answers import as_built
from gridsvc.api.dependencies import CurrentOccasion
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.errors import BadInput, MissingPrerequisite, NotAllowed, NotFound
from gridsvc.foresight.demand.schemas import ForecastAnswer, demand_answer
from gridsvc.foresight.demand.service import Needs, needs
from gridsvc.maps.self_contained import CONTENT_POLICY

router = APIRouter(prefix="/v1/demand", tags=["foresight"])

_PROBLEMS = problems(*TOKEN_PROBLEMS, BadInput, NotFound)


def _needs(
    occasion: CurrentOccasion,
    district: Annotated[str, Query(pattern=r"^\d{6}$", description="The 6 digits of its code.")],
    kind: Annotated[
        str, Query(max_length=20, description="kindergarten, nursery; as care.csv has it.")
    ] = "kindergarten",
) -> Needs:
    caller = occasion.caller
    if not (caller.covers(district) or caller.area.startswith(district)):
        raise NotAllowed(f"The token is for '{caller.area}'; it does not cover {district}.")
    return needs(occasion.session, occasion.city, district, kind, now=occasion.now)


CurrentNeeds = Annotated[Needs, Depends(_needs)]


@router.get("", response_model=as_built(ForecastAnswer), responses=_PROBLEMS)
def get_demand(found: CurrentNeeds) -> ForecastAnswer:
    """Places that each street of a district needs two years after the last count."""
    return demand_answer(found)


@router.get(
    "/page.html",
    response_class=HTMLResponse,
    responses={**_PROBLEMS, **problems(MissingPrerequisite)},
)
def get_page(found: CurrentNeeds, occasion: CurrentOccasion) -> HTMLResponse:
    """The same as one file: a map of the streets and a table."""
    from gridsvc.maps.demand import demand_page  # folium

    page = demand_page(occasion.session, occasion.city, found, occasion.now)
    return HTMLResponse(page, headers={"Content-Security-Policy": CONTENT_POLICY})
