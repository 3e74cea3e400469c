"""Judges' contact points: the list of a day, what it leaves open, and a new list."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Body, Query
from fastapi.responses import JSONResponse
from pydantic import Field

from gridsvc.api.clock import utc_now
from gridsvc.api.dependencies import (
    CurrentOccasion,
    CurrentService,
    DbSession,
    IdempotencyKey,
    once,
)
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.api.rules import Sent, Text
from gridsvc.errors import BadInput, Conflict, IdempotencyMismatch, NotAllowed
from gridsvc.registry.contact_points.model import Listed
from gridsvc.registry.contact_points.repository import points_on
from gridsvc.registry.contact_points.schemas import ContactPointAnswer, CoverAnswer, PointPage
from gridsvc.registry.contact_points.service import cover_of, keep_list

router = APIRouter(prefix="/v1/contact-points", tags=["staff"])

_WRITING = (*TOKEN_PROBLEMS, BadInput, Conflict, IdempotencyMismatch)
_Area = Annotated[
    str | None,
    Query(pattern=r"^(\d{2}|\d{4}|\d{6}|\d{9}|\d{12})$", description="The digits of its code."),
]
_Day = Annotated[dt.date | None, Query(description="Today when left out.")]


class NewPoint(Sent):
    """The contact point of a village or community."""

    area: Text = Field(description="Its 12 digits.")
    name: Text = Field(description="Of the place at which the judge is met.")
    judge: Text = Field(description="Their code in the register of staff.")


class NewList(Sent):
    """All contact points of a district or street from a day on."""

    area: Text = Field(pattern=r"^(\d{6}|\d{9})$", description="A district or a street.")
    on: dt.date = Field(description="The first day on which they count.")
    points: list[NewPoint] = Field(min_length=1, max_length=5_000)


@router.get("", response_model=PointPage, responses=problems(BadInput))
def list_contact_points(
    session: DbSession,
    shared: CurrentService,
    area: _Area = None,
    on: _Day = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str, Query(description="'next' of the previous page.")] = "",
) -> PointPage:
    """The judge of each village and community on a day, by code."""
    day = on or shared.city.day(utc_now())
    found = points_on(session, area or "", day, after=cursor, limit=limit)
    return PointPage(
        day=day,
        contact_points=[ContactPointAnswer.told(one) for one in found],
        next=found[-1].area_code if len(found) == limit else None,
    )


@router.get("/cover", response_model=CoverAnswer, responses=problems(*TOKEN_PROBLEMS, BadInput))
def get_cover(occasion: CurrentOccasion, area: _Area = None, on: _Day = None) -> CoverAnswer:
    """Which villages and communities of the own area have no judge on a day."""
    own = occasion.caller.area
    if area is not None and not area.startswith(own):
        raise NotAllowed(f"The token is for {own}; it does not cover the contact points of {area}.")
    asked = own if area is None else area
    day = on or occasion.city.day(occasion.now)
    return CoverAnswer.told(cover_of(occasion.session, occasion.city, asked, day), asked, day)


@router.post("", status_code=201, response_model=CoverAnswer, responses=problems(*_WRITING))
def post_contact_points(
    given: Annotated[NewList, Body()], occasion: CurrentOccasion, key: IdempotencyKey = None
) -> JSONResponse:
    """Let a list be the contact points of an area, if it covers it; else nothing is kept."""
    session, city, caller = occasion.session, occasion.city, occasion.caller
    if not caller.supervises(given.area[:6]):
        raise NotAllowed(
            f"A token of role {caller.role.value} for '{caller.area}' may not keep the contact"
            f" points of {given.area}; that is for the supervision of the district."
        )

    def write() -> CoverAnswer:
        rows = [Listed(n, *(it.area, it.name, it.judge)) for n, it in enumerate(given.points, 1)]
        found = keep_list(session, city, given.area, given.on, rows, source=caller.subject)
        if not found.kept:
            raise BadInput(
                f"The list is not a cover of {given.area}: {len(found.missing):,} areas are left"
                f" out, {len(found.refused):,} rows are refused; nothing was kept.",
                field="points",
                missing=[asdict(one) for one in found.missing],
                refused=[asdict(one) for one in found.refused],
            )
        cover = cover_of(session, city, given.area, given.on)
        return CoverAnswer.told(cover, given.area, given.on)

    return once(occasion, key, ["contact points", given], write, status=201)
