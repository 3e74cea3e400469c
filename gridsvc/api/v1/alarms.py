"""Heat and alarms: hot places, alarms of the daily scan, chronic places, effects of measures."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from gridsvc.api.dependencies import CurrentOccasion
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.cases.core.act import Occasion
from gridsvc.city.watches import read_cells, read_selection
from gridsvc.errors import BadInput, MissingPrerequisite, NotFound
from gridsvc.foresight.alarms import repository
from gridsvc.foresight.alarms.heat import check_area, heat
from gridsvc.foresight.alarms.measured import effects
from gridsvc.foresight.alarms.schemas import (
    AlarmAnswer,
    AlarmPage,
    AlarmRow,
    HeatAnswer,
    HeatCellAnswer,
    ScanRow,
    ScansAnswer,
)
from gridsvc.maps.self_contained import CONTENT_POLICY

router = APIRouter(prefix="/v1", tags=["foresight"])

_READING = (*TOKEN_PROBLEMS, BadInput)
_HEAT_DAYS = 28
_FIRST_YEAR, _LAST_YEAR = 1900, 2199
Area = Annotated[
    str, Query(pattern=r"^(\d{6}|\d{9})$", description="A district (6 digits) or street (9).")
]


@router.get("/heat", responses=problems(*_READING))
def get_heat(
    occasion: CurrentOccasion,
    area: Area,
    since: Annotated[dt.date | None, Query(description="First day; 27 before the last.")] = None,
    until: Annotated[dt.date | None, Query(description="Last day; today.")] = None,
    cells: Annotated[str, Query(description="unit_grid, or h3-7 to h3-11.")] = "unit_grid",
    classes: Annotated[
        str, Query(max_length=500, description="event:09 part:01, divided by blanks; all.")
    ] = "",
    hours: Annotated[str, Query(description="22-6; the whole day.")] = "",
    limit: Annotated[int, Query(ge=1, le=5_000)] = 500,
) -> HeatAnswer:
    """Where reports lie densest, of any classes and any hours of the day."""
    check_area(occasion.caller, area)
    for name, day in (("since", since), ("until", until)):
        if day is not None and not _FIRST_YEAR <= day.year <= _LAST_YEAR:
            raise BadInput(
                f"'{name}' is {day}; years are {_FIRST_YEAR} to {_LAST_YEAR}.", field=name
            )
    last = until or occasion.city.day(occasion.now)
    first = since or last - dt.timedelta(days=_HEAT_DAYS - 1)
    selection, kind = read_selection(classes, hours), read_cells(cells)
    session, city = occasion.session, occasion.city
    found = heat(session, city, area, selection, kind, first=first, last=last)
    return HeatAnswer(
        area=area,
        since=first,
        until=last,
        cells=kind,
        reports=sum(one.count for one in found),
        places=len(found),
        listed=[HeatCellAnswer.told(one) for one in found[:limit]],
    )


@router.get("/alarms", responses=problems(*_READING))
def list_alarms(
    occasion: CurrentOccasion,
    area: Area,
    watch: Annotated[str | None, Query(max_length=40)] = None,
    state: Annotated[Literal["open", "closed"] | None, Query(description="Of the case.")] = None,
    since: Annotated[dt.date | None, Query(description="Began on this day or later.")] = None,
    until: Annotated[dt.date | None, Query(description="Began on this day or earlier.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[uuid.UUID | None, Query(description="'next' of the previous page.")] = None,
) -> AlarmPage:
    """The alarms of a district or street, the newest first."""
    check_area(occasion.caller, area)
    found = repository.alarms_under(
        occasion.session,
        area,
        watch=watch,
        state=state,
        since=since,
        until=until,
        after=cursor,
        limit=limit,
    )
    last = str(found[-1][0].id) if len(found) == limit else None
    return AlarmPage(alarms=[AlarmRow.told(*one) for one in found], next=last)


@router.get("/alarms/scans", responses=problems(*_READING))
def list_scans(
    occasion: CurrentOccasion,
    area: Area,
    on: Annotated[dt.date | None, Query(description="The last scan up to this day.")] = None,
) -> ScansAnswer:
    """The last scan of every watch: what it looked at, its threshold, and the chronic places."""
    check_area(occasion.caller, area)
    day = on or occasion.city.day(occasion.now)
    found = repository.scans_under(occasion.session, area, day)
    return ScansAnswer(scans=[ScanRow.told(one) for one in found])


@router.get(
    "/foresight/page.html",
    response_class=HTMLResponse,
    responses=problems(*_READING, MissingPrerequisite),
)
def get_page(occasion: CurrentOccasion, area: Area) -> HTMLResponse:
    """Heat on a map, alarms and their effects, chronic and recurring places, demand: one file."""
    from gridsvc.maps.foresight import foresight_page, read_foresight  # folium

    check_area(occasion.caller, area)
    found = read_foresight(occasion.session, occasion.city, area, now=occasion.now)
    return HTMLResponse(foresight_page(found), headers={"Content-Security-Policy": CONTENT_POLICY})


@router.get("/alarms/{alarm_id}", responses=problems(*_READING, NotFound))
def get_alarm(alarm_id: uuid.UUID, occasion: CurrentOccasion) -> AlarmAnswer:
    """An alarm: where, since when, how sure, what became of it, and what the measure changed."""
    return _whole(occasion, alarm_id)


def _whole(occasion: Occasion, alarm_id: uuid.UUID) -> AlarmAnswer:
    found = repository.alarm_by_id(occasion.session, alarm_id)
    if found is None:
        raise NotFound(f"There is no alarm {alarm_id}.")
    alarm, case = found
    check_area(occasion.caller, alarm.district_code)
    today = occasion.city.day(occasion.now)
    measured = effects(occasion.session, occasion.city, [found], today=today)
    return AlarmAnswer.whole(alarm, case, measured[alarm.id])
