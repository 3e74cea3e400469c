"""Words to places: what reports of years are about, by a query in Chinese."""

from __future__ import annotations

import datetime as dt
import io
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse, Response

from gridsvc.answers import as_built
from gridsvc.api.dependencies import CurrentOccasion
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.cases.core.act import Occasion
from gridsvc.errors import BadInput, MissingPrerequisite, NotAllowed, QueryTooBroad
from gridsvc.foresight.words.schemas import PlacesFound, places_answer
from gridsvc.foresight.words.service import Asked, Found, Span, find_places, last_years
from gridsvc.foresight.words.view import write_places
from gridsvc.maps.self_contained import CONTENT_POLICY
from gridsvc.spreadsheets import CSV_TYPE

router = APIRouter(prefix="/v1/recurring", tags=["foresight"])

_PROBLEMS = problems(*TOKEN_PROBLEMS, BadInput, QueryTooBroad)


def _found(
    occasion: CurrentOccasion,
    q: Annotated[
        str, Query(min_length=1, max_length=100, description="In Chinese: 漏雨, 屋顶渗水 未解决.")
    ],
    area: Annotated[
        str, Query(pattern=r"^(\d{6}|\d{9}|\d{12})$", description="The digits of its code.")
    ],
    since: Annotated[
        dt.date | None, Query(description="Two years before 'until' when left out.")
    ] = None,
    until: Annotated[
        dt.date | None, Query(description="The first day after; tomorrow when left out.")
    ] = None,
    after_since: Annotated[
        dt.date | None, Query(description="A later season: its reports of the same places.")
    ] = None,
    after_until: Annotated[dt.date | None, Query(description="The first day after it.")] = None,
) -> Found:
    season = _season(after_since, after_until)
    return find_asked(occasion, q, area, since, until, season)


def find_asked(
    occasion: Occasion,
    query: str,
    area: str,
    since: dt.date | None,
    until: dt.date | None,
    season: Span | None = None,
) -> Found:
    """The places that a query finds in an area, for its staff. Raises NotAllowed, BadInput."""
    if not occasion.caller.covers(area):
        raise NotAllowed(
            f"The token is for '{occasion.caller.area}'; it does not read the reports of {area}."
        )
    asked = Asked(query, area, _span(occasion, since, until), season)
    return find_places(occasion.session, occasion.city, asked)


def _span(occasion: Occasion, since: dt.date | None, until: dt.date | None) -> Span:
    day = occasion.city.day(occasion.now) if until is None else until - dt.timedelta(days=1)
    return last_years(day, since)


def _season(since: dt.date | None, until: dt.date | None) -> Span | None:
    if (since is None) != (until is None):
        raise BadInput("Send both 'after_since' and 'after_until', or none.", field="after_since")
    return None if since is None or until is None else Span(since, until)


CurrentFound = Annotated[Found, Depends(_found)]


@router.get("", response_model=as_built(PlacesFound), responses=_PROBLEMS)
def get_places(
    found: CurrentFound,
    limit: Annotated[int, Query(ge=1, le=5_000, description="Places that are listed.")] = 100,
) -> PlacesFound:
    """The places that reports with these words are about, unsolved ones first."""
    return places_answer(found, most=limit)


@router.get(
    "/places.csv",
    response_class=Response,
    responses={200: {"content": {CSV_TYPE: {}}, "description": "All places"}, **_PROBLEMS},
)
def get_table(found: CurrentFound) -> Response:
    """All places as CSV for spreadsheets (UTF-8 with a byte order mark)."""
    written = io.BytesIO()
    write_places(found, written)
    name = f"places-{found.asked.area}-{found.asked.span.until}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(written.getvalue(), media_type=CSV_TYPE, headers=headers)


@router.get(
    "/report.html",
    response_class=HTMLResponse,
    responses={**_PROBLEMS, **problems(MissingPrerequisite)},
)
def get_report(
    found: CurrentFound,
    occasion: CurrentOccasion,
    dossiers: Annotated[
        int, Query(ge=0, le=500, description="Places whose reports are told in their words.")
    ] = 50,
) -> HTMLResponse:
    """The special report (专报) as one file: map, table, dossiers, the season before and after."""
    from gridsvc.maps.words import words_page  # folium

    page = words_page(occasion.session, occasion.city, found, occasion.now, dossiers=dossiers)
    return HTMLResponse(page, headers={"Content-Security-Policy": CONTENT_POLICY})
