"""Assessments of a period: lines by a dimension, and the cases behind each number."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response

from gridsvc.answers import as_built
from gridsvc.api import clock
from gridsvc.api.dependencies import CurrentCaller, CurrentService, DbSession
from gridsvc.api.problems import problems
from gridsvc.assessment.period import Period, parse_period
from gridsvc.assessment.rates import Assessment, Dimension
from gridsvc.assessment.schemas import AssessmentAnswer, CasesBehind, SettledList, YearAnswer
from gridsvc.assessment.service import assess, frame_of, list_behind, visible_area
from gridsvc.assessment.settled import settled_lines, together
from gridsvc.assessment.view import assessment_csv, assessment_json, year_json
from gridsvc.assessment.yearly import YearSource, assess_year
from gridsvc.errors import BadInput, NotAllowed, NotAuthenticated, Unavailable
from gridsvc.maps.review import read_review, review_page
from gridsvc.maps.self_contained import CONTENT_POLICY

router = APIRouter(prefix="/v1/assessments", tags=["assessment"])

_CSV = "text/csv; charset=utf-8"
_PROBLEMS = problems(NotAuthenticated, NotAllowed, BadInput, Unavailable)

Name = Annotated[
    str, Query(description="2026-11, 2026-Q4, 2026, or 2026-11-01/2026-11-15; the city's days.")
]
By = Annotated[Dimension, Query(description="What it is split by.")]
Area = Annotated[
    str | None,
    Query(description="A district (6 digits) or street (9); the token's own district."),
]
Scheme = Annotated[
    str | None, Query(description="The weights of the three rates; the setting's when left out.")
]


@router.get("", response_model=as_built(AssessmentAnswer), responses=_PROBLEMS)
def get_assessment(
    service: CurrentService,
    session: DbSession,
    caller: CurrentCaller,
    period: Name,
    by: By = Dimension.CITY,
    area: Area = None,
    scheme: Scheme = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 500,
    cursor: Annotated[str | None, Query(description="'next' of the previous page.")] = None,
) -> dict[str, Any]:
    """Rates, score and rank of every line of a period; without data they are null, with why."""
    found = assess(
        session,
        service.city,
        parse_period(period, service.city.calendar),
        [by],
        area=visible_area(caller, area, [by]),
        scheme=scheme,
        now=clock.utc_now(),
    )
    begin = 0 if cursor is None else _behind_cursor(found, by, cursor)
    lines = found.lines[by][begin : begin + limit]
    more = begin + limit < len(found.lines[by])
    return {
        **assessment_json(found, by, lines),
        "next": lines[-1].key if more else None,
    }


@router.get("/settled", response_model=as_built(SettledList), responses=_PROBLEMS)
def get_settled(
    service: CurrentService,
    session: DbSession,
    caller: CurrentCaller,
    period: Name,
    area: Area = None,
) -> dict[str, Any]:
    """What was settled before the hotline (未诉先办), by month and community; the true share."""
    asked, span = visible_area(caller, area), parse_period(period, service.city.calendar)
    lines = settled_lines(session, service.city, asked, span.start, span.end)
    return {
        "period": span.name,
        "area": asked,
        "lines": [one.to_json() for one in lines],
        "whole": together(lines).to_json(),
    }


@router.get("/cases", response_model=as_built(CasesBehind), responses=_PROBLEMS)
def get_cases(
    service: CurrentService,
    session: DbSession,
    caller: CurrentCaller,
    period: Name,
    count: Annotated[str, Query(description="One of the counts of a line, such as closed.")],
    by: By = Dimension.CITY,
    key: Annotated[
        str | None, Query(description="The line's key; left out: the line without one.")
    ] = None,
    area: Area = None,
    scheme: Scheme = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    cursor: Annotated[str | None, Query(description="'next' of the previous page.")] = None,
) -> dict[str, Any]:
    """The cases behind one number; with the report or the body that was counted in each."""
    if by is Dimension.CITY and key is None:
        key = "city"
    frame = frame_of(
        session,
        service.city,
        parse_period(period, service.city.calendar),
        visible_area(caller, area, [by], single_cases=True),
        scheme=scheme,
        now=clock.utc_now(),
    )
    after = None if cursor is None else _after(cursor)
    rows = list_behind(session, frame, count, by, key, after=after, limit=limit)
    last = rows[-1] if len(rows) == limit else None
    return {
        "count": count,
        "cases": [
            {
                "district_code": row.case_district,
                "case_id": row.case_id,
                "counted": row.thing or row.case_id,
            }
            for row in rows
        ],
        "next": None if last is None else f"{last.case_district}.{last.case_id}.{last.thing}",
    }


@router.get(
    "/table.csv",
    response_class=Response,
    responses={200: {"content": {_CSV: {}}, "description": "The lines as CSV"}, **_PROBLEMS},
)
def get_table(
    service: CurrentService,
    session: DbSession,
    caller: CurrentCaller,
    period: Name,
    by: By = Dimension.STREET,
    area: Area = None,
    scheme: Scheme = None,
) -> Response:
    """Every line of a period as CSV for spreadsheets (UTF-8 with a byte order mark)."""
    span = parse_period(period, service.city.calendar)
    found = assess(
        session,
        service.city,
        span,
        [by],
        area=visible_area(caller, area, [by]),
        scheme=scheme,
        now=clock.utc_now(),
    )
    name = f"assessment-{_file_name(span)}-{by.value}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(assessment_csv(found.lines[by]), media_type=_CSV, headers=headers)


@router.get(
    "/review",
    response_class=HTMLResponse,
    responses={200: {"description": "The page"}, **_PROBLEMS},
)
def get_review(
    service: CurrentService,
    session: DbSession,
    caller: CurrentCaller,
    period: Name,
    area: Area = None,
    scheme: Scheme = None,
    months: Annotated[
        int | None,
        Query(
            ge=0,
            le=12,
            description="Months of the trend; 6, but none when a month has over 30,000 cases.",
        ),
    ] = None,
) -> HTMLResponse:
    """The monthly review (月度点评会) as one HTML file that prints on A4."""
    review = read_review(
        session,
        service.city,
        parse_period(period, service.city.calendar),
        area=visible_area(caller, area),
        scheme=scheme,
        months=months,
        now=clock.utc_now(),
    )
    headers = {"Content-Security-Policy": CONTENT_POLICY, "Cache-Control": "no-cache"}
    return HTMLResponse(review_page(review), headers=headers)


@router.get("/yearly", response_model=as_built(YearAnswer), responses=_PROBLEMS)
def get_yearly(
    service: CurrentService,
    session: DbSession,
    caller: CurrentCaller,
    period: Name,
    area: Area = None,
    source: Annotated[
        YearSource, Query(description="Count in the tables, or recompute from the trace alone.")
    ] = YearSource.TABLES,
) -> dict[str, Any]:
    """The yearly score of every body (年度考核) and its parts; from the trace it is the same."""
    found = assess_year(
        session,
        service.city,
        parse_period(period, service.city.calendar),
        area=visible_area(caller, area),
        source=source,
        now=clock.utc_now(),
    )
    return year_json(found)


def _file_name(period: Period) -> str:
    return period.name.replace("/", "_")


def _behind_cursor(found: Assessment, by: Dimension, cursor: str) -> int:
    for place, line in enumerate(found.lines[by], 1):
        if line.key == cursor:
            return place
    raise BadInput("Invalid cursor; pass `next` of the previous page.", field="cursor")


def _after(cursor: str) -> tuple[str, str, str]:
    parts = cursor.split(".", 2)
    if len(parts) != 3:
        raise BadInput("Invalid cursor; pass `next` of the previous page.", field="cursor")
    return parts[0], parts[1], parts[2]
