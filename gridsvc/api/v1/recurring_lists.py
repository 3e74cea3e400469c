"""Lists of recurring places, which are looked at again before each season."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated

from fastapi import APIRouter, Body, Query
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import Field

from gridsvc.answers import as_built
from gridsvc.api.dependencies import CurrentOccasion, IdempotencyKey, once
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.api.rules import Sent, Text
from gridsvc.api.v1.recurring import find_asked
from gridsvc.cases.systems.looking_back import repository
from gridsvc.cases.systems.looking_back.schemas import (
    RecurringListAnswer,
    RecurringListPage,
    RecurringListWhole,
)
from gridsvc.cases.systems.looking_back.service import end_list, visible_list
from gridsvc.cases.systems.looking_back.view import lists_answer, whole_answer
from gridsvc.errors import (
    BadInput,
    IdempotencyMismatch,
    MissingPrerequisite,
    NotAllowed,
    NotFound,
    QueryTooBroad,
    StepRefused,
)
from gridsvc.foresight.recurring.service import keep_found
from gridsvc.maps.self_contained import CONTENT_POLICY

router = APIRouter(prefix="/v1/recurring/lists", tags=["foresight"])

_READING = (*TOKEN_PROBLEMS, BadInput)


class NewRecurringList(Sent):
    """Places to be kept: as they are found by words."""

    name: Text = Field(min_length=1, max_length=200)
    q: Text = Field(min_length=1, max_length=100, description="In Chinese, as 漏雨.")
    area: Text = Field(pattern=r"^(\d{6}|\d{9}|\d{12})$")
    since: dt.date | None = Field(default=None, description="Two years before 'until'.")
    until: dt.date | None = Field(default=None, description="The first day after; tomorrow.")
    least: int = Field(
        default=2, ge=1, le=100, description="Reports that a place has, unless one is unsolved."
    )


class ListEnded(Sent):
    """Why nobody looks again."""

    reason: Text = Field(min_length=1, max_length=1_000)


@router.post(
    "",
    status_code=201,
    response_model=RecurringListAnswer,
    responses=problems(*_READING, QueryTooBroad, IdempotencyMismatch),
)
def post_list(
    given: Annotated[NewRecurringList, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Keep the recurring places that reports with some words are about."""

    def write() -> RecurringListAnswer:
        found = find_asked(occasion, given.q, given.area, given.since, given.until)
        kept = keep_found(occasion, found, name=given.name, least=given.least)
        return lists_answer(occasion.session, [kept])[0]

    return once(occasion, key, ["recurring list", given], write, status=201)


@router.get("", response_model=as_built(RecurringListPage), responses=problems(*_READING))
def list_lists(
    occasion: CurrentOccasion,
    area: Annotated[
        str | None, Query(pattern=r"^(\d{2}|\d{4}|\d{6}|\d{9}|\d{12})$", description="Its code.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[uuid.UUID | None, Query(description="'next' of the previous page.")] = None,
) -> RecurringListPage:
    """The lists of the own area, or of an area inside it."""
    own = occasion.caller.area
    if area is not None and not area.startswith(own):
        raise NotAllowed(f"The token is for {own}; it does not cover what is asked of {area}.")
    found = repository.lists_under(
        occasion.session, own if area is None else area, after=cursor, limit=limit
    )
    return RecurringListPage(
        lists=lists_answer(occasion.session, found),
        next=str(found[-1].id) if len(found) == limit else None,
    )


@router.get(
    "/{list_id}",
    response_model=as_built(RecurringListWhole),
    responses=problems(*TOKEN_PROBLEMS, NotFound),
)
def get_list(list_id: uuid.UUID, occasion: CurrentOccasion) -> RecurringListWhole:
    """A list with its places, who was asked to look at them again, and what they found."""
    return whole_answer(occasion.session, visible_list(occasion, list_id))


@router.get(
    "/{list_id}/page.html",
    response_class=HTMLResponse,
    responses=problems(*TOKEN_PROBLEMS, NotFound, MissingPrerequisite),
)
def get_page(list_id: uuid.UUID, occasion: CurrentOccasion) -> HTMLResponse:
    """A list as one file: a map of its places by what was found, and a table."""
    from gridsvc.maps.recurring import recurring_page  # folium

    kept = whole_answer(occasion.session, visible_list(occasion, list_id))
    page = recurring_page(occasion.session, occasion.city, kept, occasion.now)
    return HTMLResponse(page, headers={"Content-Security-Policy": CONTENT_POLICY})


@router.post(
    "/{list_id}/end",
    response_model=RecurringListAnswer,
    responses=problems(*_READING, NotFound, StepRefused, IdempotencyMismatch),
)
def post_end(
    list_id: uuid.UUID,
    given: Annotated[ListEnded, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Ask nobody to look at these places any more."""

    def write() -> RecurringListAnswer:
        kept = end_list(occasion, list_id, reason=given.reason)
        return lists_answer(occasion.session, [kept])[0]

    return once(occasion, key, ["recurring list ended", str(list_id), given], write)
