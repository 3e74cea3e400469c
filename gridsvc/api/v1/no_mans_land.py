"""No-man's-land: stretches of border where cases are refused, returned or slow."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query
from fastapi.responses import JSONResponse
from pydantic import Field

from gridsvc.answers import as_built
from gridsvc.api.dependencies import (
    CurrentAtlas,
    CurrentOccasion,
    IdempotencyKey,
    once,
)
from gridsvc.api.problems import problems
from gridsvc.api.rules import Sent
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.systems.no_mans_land.model import Scan, Stretch, Terms
from gridsvc.cases.systems.no_mans_land.proposing import propose_disputes
from gridsvc.cases.systems.no_mans_land.schemas import DisputesProposed, ScanAnswer
from gridsvc.cases.systems.no_mans_land.service import scan
from gridsvc.errors import (
    BadInput,
    IdempotencyMismatch,
    NotAllowed,
    NotAuthenticated,
    NotFound,
)
from gridsvc.registry.disputes.model import Actor
from gridsvc.registry.placement.store import Atlas

router = APIRouter(prefix="/v1/no-mans-land", tags=["cases"])

_YEAR = dt.timedelta(days=365)
_LONGEST_DAYS = 366
_FIRST_YEAR, _LAST_YEAR = 1900, 2199


class Scanned(Sent):
    """What is compared; silent members are as in the list."""

    since: dt.date | None = Field(default=None, description="First day; a year ago.")
    until: dt.date | None = Field(default=None, description="Last day; today.")
    level: Literal["district", "street"] = "street"
    band_m: float | None = Field(default=None, description="This near the border is near.")
    stretch_m: float = Field(default=500.0, description="No stretch is longer.")
    listed_q: float = Field(default=0.05, description="Share of false alarms in the list.")


@router.get(
    "",
    response_model=as_built(ScanAnswer),
    responses=problems(NotAuthenticated, NotAllowed, NotFound, BadInput),
)
def get_no_mans_land(
    atlas: CurrentAtlas,
    occasion: CurrentOccasion,
    since: Annotated[dt.date | None, Query(description="First day; a year ago.")] = None,
    until: Annotated[dt.date | None, Query(description="Last day; today.")] = None,
    level: Annotated[Literal["district", "street"], Query()] = "street",
    band_m: Annotated[float | None, Query(description="This near the border is near.")] = None,
    stretch_m: Annotated[float, Query(description="No stretch is longer.")] = 500.0,
    listed_q: Annotated[float, Query(description="Share of false alarms in the list.")] = 0.05,
    shuffles: Annotated[
        int, Query(ge=0, le=1000, description="Measure the false alarms on so many shuffles.")
    ] = 0,
    seed: Annotated[int, Query(ge=0, description="The seed of the shuffles.")] = 0,
) -> dict[str, Any]:
    """Stretches of border where cases go worse than inside of both sides, the clearest first.

    All stretches of the city are tested together; those that touch the caller's area are listed.
    """
    caller = occasion.caller
    asked = Scanned(
        since=since,
        until=until,
        level=level,
        band_m=band_m,
        stretch_m=stretch_m,
        listed_q=listed_q,
    )
    found = _scan(occasion, atlas, asked, shuffles=shuffles, seed=seed)
    answer = found.to_json()
    answer["listed"] = [
        stretch.to_json()
        for stretch in found.listed
        if any(caller.covers(side.code) for side in stretch.sides)
    ]
    return answer


@router.post(
    "/disputes",
    status_code=201,
    response_model=DisputesProposed,
    responses=problems(NotAuthenticated, NotAllowed, NotFound, BadInput, IdempotencyMismatch),
)
def post_disputes(
    asked: Annotated[Scanned, Body()],
    atlas: CurrentAtlas,
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Propose what is listed as disputes, for one of the sides: known ones are told again."""
    caller = occasion.caller

    def write() -> dict[str, Any]:
        found = _scan(occasion, atlas, asked)
        own = [
            stretch
            for stretch in found.listed
            if any(caller.supervises(side.code[:6]) for side in stretch.sides)
        ]
        session, city, actor = occasion.session, occasion.city, Actor.of(caller)
        proposed = propose_disputes(session, city, found, own, actor=actor, now=occasion.now)
        return {
            "disputes": [
                {"id": str(dispute_id), "new": new, "stretch": _short(stretch)}
                for (dispute_id, new), stretch in zip(proposed, own, strict=True)
            ]
        }

    return once(occasion, key, ["no-mans-land", asked], write, status=201)


def _scan(
    occasion: Occasion, atlas: Atlas, asked: Scanned, *, shuffles: int = 0, seed: int = 0
) -> Scan:
    city = occasion.city
    last = asked.until or city.day(occasion.now)
    for name, day in (("since", asked.since), ("until", last)):
        if day is not None and not _FIRST_YEAR <= day.year <= _LAST_YEAR:
            raise BadInput(
                f"'{name}' is {day}; years are {_FIRST_YEAR} to {_LAST_YEAR}.", field=name
            )
    first = asked.since or last - _YEAR
    if (last - first).days > _LONGEST_DAYS:
        raise BadInput(
            f"From {first} to {last} is {(last - first).days} days; ask for {_LONGEST_DAYS} at"
            " most, or use 'gridsvc no-mans-land' for longer periods.",
            field="since",
        )
    return scan(
        occasion.session,
        city,
        atlas,
        Terms(
            level=asked.level,
            band_m=asked.band_m,
            stretch_m=asked.stretch_m,
            max_fdr=asked.listed_q,
        ),
        since=city.calendar.begins(first),
        until=city.calendar.begins(last + dt.timedelta(days=1)),
        now=occasion.now,
        shuffles=shuffles,
        seed=seed,
    )


def _short(stretch: Stretch) -> dict[str, Any]:
    """A stretch without its line, which the dispute has as its ground."""
    return {name: value for name, value in stretch.to_json().items() if name != "line"}
