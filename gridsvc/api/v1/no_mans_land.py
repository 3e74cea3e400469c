"""No-man's-land: stretches of border where cases are refused, returned or slow."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from gridsvc.api.clock import utc_now
from gridsvc.api.dependencies import (
    CurrentAtlas,
    CurrentCaller,
    CurrentService,
    DbSession,
    require_role,
)
from gridsvc.api.problems import problems
from gridsvc.cases.clock.zone import CITY_ZONE
from gridsvc.cases.no_mans_land.model import Terms
from gridsvc.cases.no_mans_land.service import watch
from gridsvc.errors import BadInput, NotAllowed, NotAuthenticated, NotFound
from gridsvc.registry.access.model import Role

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["cases"])

_YEAR = dt.timedelta(days=365)
_LONGEST_DAYS = 366
_READERS = (Role.STREET, Role.DEPARTMENT, Role.DISTRICT, Role.CITY, Role.ANALYST, Role.ADMIN)


@router.get("/no-mans-land", responses=problems(NotAuthenticated, NotAllowed, NotFound, BadInput))
def get_no_mans_land(
    service: CurrentService,
    session: DbSession,
    atlas: CurrentAtlas,
    caller: CurrentCaller,
    since: Annotated[dt.date | None, Query(description="First day; a year ago.")] = None,
    until: Annotated[dt.date | None, Query(description="Last day; today.")] = None,
    level: Annotated[Literal["district", "street"], Query()] = "street",
    band_m: Annotated[float | None, Query(description="This near the border is near.")] = None,
    stretch_m: Annotated[float, Query(description="No stretch is longer.")] = 500.0,
    listed_q: Annotated[float, Query(description="Share of false alarms in the list.")] = 0.05,
) -> dict[str, Any]:
    """Stretches of border where cases go worse than inside of both sides, the clearest first.

    All stretches of the city are tested together; those that touch the caller's area are listed.
    """
    require_role(caller, *_READERS)
    last = until or utc_now().astimezone(CITY_ZONE).date()
    first = since or last - _YEAR
    if (last - first).days > _LONGEST_DAYS:
        raise BadInput(
            f"From {first} to {last} are {(last - first).days} days; ask for {_LONGEST_DAYS} at "
            "most, or use 'gridsvc no-mans-land' for longer.",
            field="since",
        )
    found = watch(
        session,
        atlas,
        Terms(level=level, band_m=band_m, stretch_m=stretch_m, listed_q=listed_q),
        since=dt.datetime.combine(first, dt.time(), tzinfo=CITY_ZONE),
        until=dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), tzinfo=CITY_ZONE),
        now=utc_now(),
        report_accuracy_m=service.settings.report_accuracy_m,
    )
    answer = found.to_json()
    answer["listed"] = [
        stretch.to_json()
        for stretch in found.listed
        if any(side.code.startswith(caller.area[: len(side.code)]) for side in stretch.sides)
    ]
    return answer
