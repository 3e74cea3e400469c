"""Lanes (街巷): chiefs and wardens, patrols, lanes without a chief or not patrolled."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated

from fastapi import APIRouter, Body, Query
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import Field

from gridsvc.api.dependencies import CurrentOccasion, IdempotencyKey, once
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.api.rules import Sent, Text
from gridsvc.api.v1.members import AreaAsked, PageLimit, own_area
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.systems.lanes.repository import NearLane, reports_of_chief
from gridsvc.errors import (
    BadCoordinate,
    BadInput,
    Conflict,
    IdempotencyMismatch,
    MissingPrerequisite,
    NotAllowed,
    NotFound,
    UnknownCrs,
)
from gridsvc.maps.self_contained import CONTENT_POLICY
from gridsvc.registry.lanes import repository
from gridsvc.registry.lanes.keeping import NewKeeper, add_keeper, end_keeper, known_segment
from gridsvc.registry.lanes.listing import LaneQuestion, found_lanes
from gridsvc.registry.lanes.model import KeeperRole
from gridsvc.registry.lanes.patrols import MOST_FIXES, enter_patrol
from gridsvc.registry.lanes.repository import Key
from gridsvc.registry.lanes.rules import LANE_RULES
from gridsvc.registry.lanes.schemas import (
    LaneAnswer,
    LaneKeeperAnswer,
    LaneNear,
    LanePage,
    LaneReportAnswer,
    LanesNear,
    OwnLanes,
    PatrolAnswer,
    PatrolPage,
)
from gridsvc.registry.staff.repository import members_of_subject
from gridsvc.spatial.crs import check_lon_lat, to_wgs84
from gridsvc.spatial.track import Fix

router = APIRouter(prefix="/v1/lanes", tags=["lanes"])

_READING = (*TOKEN_PROBLEMS, BadInput)
_PLACING = (*_READING, BadCoordinate, UnknownCrs)
_WRITING = (*_READING, NotFound, Conflict, IdempotencyMismatch)
_SINCE_DAYS = 30
_LISTED_DAYS = 6
_MOST_REPORTS = 200

_Days = Annotated[
    int | None, Query(ge=1, le=366, description="In which patrols count; the city's when left out.")
]


class KeeperIn(Sent):
    """Who shall keep a segment."""

    staff: Text = Field(description="A code of the register of staff.")
    role: KeeperRole
    valid_from: dt.date
    valid_to: dt.date | None = Field(
        default=None, description="The first day on which they no longer do."
    )


class KeeperEnded(Sent):
    """From when on somebody no longer keeps a segment."""

    on: dt.date
    reason: Text = Field(min_length=1, max_length=1000)


class FixIn(Sent):
    """Where somebody was at a moment."""

    lon: float
    lat: float
    at: dt.datetime


class WalkerIn(Sent):
    """Somebody of the register."""

    district: Text = Field(pattern=r"^\d{6}$")
    code: Text


class PatrolIn(Sent):
    """A GPS track."""

    track: list[FixIn] = Field(min_length=2, max_length=MOST_FIXES)
    crs: Text = "wgs84"
    staff: WalkerIn | None = Field(
        default=None, description="Whose patrol it is; the caller's when left out."
    )


@router.get("", response_model=LanePage, responses=problems(*_READING))
def list_lanes(
    occasion: CurrentOccasion,
    area: AreaAsked = None,
    day: Annotated[dt.date | None, Query(description="Today when left out.")] = None,
    days: _Days = None,
    without_chief: Annotated[bool, Query(description="Only those without a chief.")] = False,
    not_patrolled: Annotated[
        int | None, Query(ge=1, le=3_660, description="Only those not patrolled in so many days.")
    ] = None,
    limit: PageLimit = 100,
    cursor: Annotated[str, Query(description="'next' of the previous page.")] = "",
) -> LanePage:
    """Segments beside the own area: chief, wardens, share patrolled, days since."""
    question = _question(occasion, area, day, days, without_chief, not_patrolled)
    district, _, code = cursor.partition(".")
    found = found_lanes(occasion.session, question, after=(district, code), limit=limit)
    last = f"{found[-1].district_code}.{found[-1].code}" if len(found) == limit else None
    return LanePage(
        day=question.day,
        days=question.days,
        lanes=[LaneAnswer.told(one, question.day) for one in found],
        next=last,
    )


@router.get(
    "/page.html",
    response_class=HTMLResponse,
    responses=problems(*_READING, MissingPrerequisite),
)
def get_lanes_page(
    occasion: CurrentOccasion,
    area: AreaAsked = None,
    not_patrolled: Annotated[int | None, Query(ge=1, le=3_660)] = None,
) -> HTMLResponse:
    """Lanes without a chief, or not patrolled, on a map and as a list."""
    from gridsvc.maps.lanes import lanes_page  # folium

    question = _question(occasion, area, None, None, False, None)
    stale = not_patrolled or question.days
    page = lanes_page(occasion.session, question, stale)
    return HTMLResponse(page, headers={"Content-Security-Policy": CONTENT_POLICY})


@router.get("/mine", responses=problems(*_READING))
def get_own_lanes(occasion: CurrentOccasion, days: _Days = None) -> OwnLanes:
    """The segments that the caller keeps, and the reports within reach of those that they head."""
    session, city = occasion.session, occasion.city
    question = _question(occasion, None, None, days, False, None)
    keys, reports = list[Key](), list[NearLane]()
    for member in members_of_subject(session, occasion.caller.subject, question.day):
        keys += repository.kept_by_staff(session, member.district_code, member.code, question.day)
        reports += reports_of_chief(
            session,
            member.district_code,
            member.code,
            since=city.calendar.begins(question.day - dt.timedelta(days=_SINCE_DAYS)),
            limit=_MOST_REPORTS,
        )
    kept = repository.kept_by_codes(session, keys, question.day, since=question.since)
    return OwnLanes(
        day=question.day,
        lanes=[LaneAnswer.told(one, question.day) for one in kept],
        reports=[LaneReportAnswer.of(one) for one in reports],
    )


@router.get("/near", responses=problems(*_PLACING))
def get_lanes_near(
    occasion: CurrentOccasion,
    lon: float,
    lat: float,
    crs: Annotated[str, Query(description="wgs84, gcj02, bd09, EPSG:n or WKT.")] = "wgs84",
) -> LanesNear:
    """The segments within reach of a place, on whichever side, with their chiefs."""
    place = to_wgs84(*check_lon_lat(lon, lat, crs, field=""), crs)
    reach_m = occasion.city.table(LANE_RULES).reach_m
    day = occasion.city.day(occasion.now)
    found = repository.lanes_near(occasion.session, *place, reach_m, day)
    return LanesNear(reach_m=reach_m, lanes=[LaneNear.told(one) for one in found])


@router.get("/patrols", responses=problems(*_READING))
def list_patrols(
    occasion: CurrentOccasion,
    area: AreaAsked = None,
    since: Annotated[dt.date | None, Query(description="The last 7 days when left out.")] = None,
    limit: PageLimit = 100,
    cursor: Annotated[uuid.UUID | None, Query(description="'next' of the previous page.")] = None,
) -> PatrolPage:
    """Patrols along lanes beside the own area, in the order in which they were entered."""
    first = since or occasion.city.day(occasion.now) - dt.timedelta(days=_LISTED_DAYS)
    found = repository.patrols_under(
        occasion.session,
        own_area(occasion, area)[:9],
        first,
        after=cursor or uuid.UUID(int=0),
        limit=limit,
    )
    return PatrolPage(
        patrols=[PatrolAnswer.told(one, stretches) for one, stretches in found],
        next=str(found[-1][0].id) if len(found) == limit else None,
    )


@router.get("/{district}/{code}", responses=problems(*_READING, NotFound))
def get_lane(district: str, code: str, occasion: CurrentOccasion) -> LaneAnswer:
    """One segment, as it is kept today."""
    question = _question(occasion, None, None, None, False, None)
    known_segment(occasion.session, district, code)
    key = (district, code)
    kept = repository.kept_by_codes(occasion.session, [key], question.day, since=question.since)
    if not kept:
        raise NotFound(f"The lane segment '{code[:30]}' does not hold on {question.day}.")
    if not any(street.startswith(question.area) for street in kept[0].beside):
        raise NotAllowed(
            f"The token is for {occasion.caller.area}; the lane is beside"
            f" {', '.join(kept[0].beside)}."
        )
    return LaneAnswer.told(kept[0], question.day)


@router.post(
    "/{district}/{code}/keepers",
    status_code=201,
    response_model=LaneKeeperAnswer,
    responses=problems(*_WRITING),
)
def post_keeper(
    district: str,
    code: str,
    given: Annotated[KeeperIn, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Name the chief of a segment, or a warden beside, for some days."""

    def write() -> LaneKeeperAnswer:
        new = NewKeeper(given.staff, given.role, given.valid_from, given.valid_to)
        keeper = add_keeper(occasion.session, occasion.caller, district, code, new)
        return LaneKeeperAnswer.of(keeper)

    return once(occasion, key, ["lane keeper", district, code, given], write, status=201)


@router.post(
    "/{district}/{code}/keepers/{staff}/end",
    response_model=LaneKeeperAnswer,
    responses=problems(*_WRITING),
)
def post_keeper_ended(
    district: str,
    code: str,
    staff: str,
    given: Annotated[KeeperEnded, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """From a day on somebody no longer keeps a segment; why is kept."""

    def write() -> LaneKeeperAnswer:
        ended = end_keeper(
            occasion.session,
            occasion.caller,
            district,
            code,
            staff,
            on=given.on,
            reason=given.reason,
            now=occasion.now,
        )
        return LaneKeeperAnswer.of(ended)

    return once(occasion, key, ["lane keeper end", district, code, staff, given], write)


@router.post(
    "/patrols",
    status_code=201,
    response_model=PatrolAnswer,
    responses=problems(*_WRITING, BadCoordinate, UnknownCrs),
)
def post_patrol(
    given: Annotated[PatrolIn, Body()], occasion: CurrentOccasion, key: IdempotencyKey = None
) -> JSONResponse:
    """Enter a patrol by its track: what was walked of each segment is kept, the track is not."""

    def write() -> PatrolAnswer:
        walker = None if given.staff is None else (given.staff.district, given.staff.code)
        patrol, stretches = enter_patrol(
            occasion.session,
            occasion.city,
            occasion.caller,
            [_fix(one, given.crs) for one in given.track],
            staff=walker,
            now=occasion.now,
        )
        return PatrolAnswer.told(patrol, stretches)

    return once(occasion, key, ["lane patrol", given], write, status=201)


def _fix(one: FixIn, crs: str) -> Fix:
    if one.at.tzinfo is None:
        raise BadInput("'at' has no time zone; add 'Z' or an offset.", field="track")
    x, y = check_lon_lat(one.lon, one.lat, crs, field="track")
    lon, lat = to_wgs84(x, y, crs)
    return Fix(lon, lat, one.at.astimezone(dt.UTC))


def _question(
    occasion: Occasion,
    area: str | None,
    day: dt.date | None,
    days: int | None,
    without_chief: bool,
    not_patrolled: int | None,
) -> LaneQuestion:
    rules = occasion.city.table(LANE_RULES)
    return LaneQuestion(
        area=own_area(occasion, area)[:9],
        day=day or occasion.city.day(occasion.now),
        days=days or round(rules.stale_days),
        without_chief=without_chief,
        not_patrolled=not_patrolled,
    )
