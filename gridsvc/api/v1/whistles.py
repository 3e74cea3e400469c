"""Whistles: who was called, who came, who is done, and how each was scored."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query
from fastapi.responses import JSONResponse
from pydantic import Field
from sqlalchemy.orm import Session

from gridsvc.answers import as_built
from gridsvc.api.dependencies import CurrentOccasion, DbSession, IdempotencyKey, once
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.api.rules import Sent, Text
from gridsvc.api.watching import REPORT_INS
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.core.rights import acting_body
from gridsvc.cases.core.service import readable_case
from gridsvc.cases.systems.joint.blowing import approve as approve_whistle
from gridsvc.cases.systems.whistles import repository
from gridsvc.cases.systems.whistles import service as whistling
from gridsvc.cases.systems.whistles.models import CalledBody, Whistle
from gridsvc.cases.systems.whistles.schemas import CalledAnswer, WhistleAnswer, WhistlePage
from gridsvc.cases.systems.whistles.service import scoring_party
from gridsvc.cases.systems.whistles.view import called_json, whistles_json
from gridsvc.errors import (
    BadCoordinate,
    BadInput,
    IdempotencyMismatch,
    NotFound,
    StepRefused,
    UnknownCrs,
)
from gridsvc.registry.bodies.repository import bodies_by_code
from gridsvc.spatial.crs import check_lon_lat, to_wgs84

router = APIRouter(prefix="/v1/whistles", tags=["whistles"])

_WRITE_PROBLEMS = problems(*TOKEN_PROBLEMS, StepRefused, BadInput, IdempotencyMismatch)


@router.get("", response_model=as_built(WhistlePage), responses=problems(BadInput))
def list_whistles(
    session: DbSession,
    joint: Annotated[bool | None, Query()] = None,
    level: Annotated[int | None, Query(ge=1, le=4)] = None,
    state: Annotated[
        Literal["proposed", "open", "closed", "raised", "withdrawn"] | None, Query()
    ] = None,
    district: Annotated[str | None, Query(description="Of either side.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[uuid.UUID | None, Query(description="'next' of the previous page.")] = None,
) -> dict[str, Any]:
    """Whistles with the bodies they called, oldest first: public, as is what they demand."""
    found = repository.whistles(
        session,
        joint=joint,
        level=level,
        state=state,
        district=district,
        after=cursor,
        limit=limit,
    )
    return {
        "whistles": whistles_json(session, found),
        "next": str(found[-1].id) if len(found) == limit else None,
    }


@router.get("/{whistle_id}", response_model=as_built(WhistleAnswer), responses=problems(NotFound))
def get_whistle(whistle_id: uuid.UUID, session: DbSession) -> WhistleAnswer:
    """One whistle."""
    return whistles_json(session, [_whistle(session, whistle_id)])[0]


@router.post("/{whistle_id}/approve", response_model=WhistleAnswer, responses=_WRITE_PROBLEMS)
def approve(
    whistle_id: uuid.UUID, occasion: CurrentOccasion, key: IdempotencyKey = None
) -> JSONResponse:
    """Blow a whistle that was proposed; for the caller's side or its supervision."""

    def write() -> WhistleAnswer:
        whistle = _whistle(occasion.session, whistle_id)
        acting_body(occasion.session, occasion.caller, whistle.caller_body)
        blown = approve_whistle(occasion, whistle_id)
        occasion.session.flush()
        return whistles_json(occasion.session, [blown])[0]

    return once(occasion, key, ["approve", str(whistle_id)], write)


class Moment(Sent):
    """When it happened."""

    at: dt.datetime | None = Field(default=None, description="RFC 3339; now when left out.")


class Arrival(Moment):
    """Where and when a called body arrived."""

    lon: float
    lat: float
    crs: Text = "wgs84"


class Finished(Moment):
    """What a called body did."""

    note: Text = Field(min_length=1, max_length=10_000)


class NotSolved(Sent):
    """What is still to be done."""

    note: Text = Field(min_length=1, max_length=10_000)


class Score(Sent):
    """The caller's, or one side's assessment of a called body."""

    score: int = Field(ge=0, le=100, strict=True)
    note: Text = Field(default="", max_length=10_000)
    by: Text | None = Field(default=None, description="The scoring side, where it is not clear.")


@router.post(
    "/{whistle_id}/bodies/{body}/accept", response_model=CalledAnswer, responses=_WRITE_PROBLEMS
)
def accept(
    whistle_id: uuid.UUID,
    body: str,
    occasion: CurrentOccasion,
    given: Annotated[Moment | None, Body()] = None,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """A called body accepts the call."""
    moment = given or Moment()

    def record() -> CalledBody:
        acting_body(occasion.session, occasion.caller, body)
        return whistling.accept(occasion, whistle_id, body, at=moment.at)

    return recorded_of_body(occasion, key, ["accept", str(whistle_id), body, moment], record)


@router.post(
    "/{whistle_id}/bodies/{body}/report-in",
    response_model=CalledAnswer,
    responses=_WRITE_PROBLEMS | problems(BadCoordinate, UnknownCrs),
)
def report_in(
    whistle_id: uuid.UUID,
    body: str,
    given: Annotated[Arrival, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """A called body arrives: late after the limit; too far off, who called it signs it in."""

    def record() -> CalledBody:
        acting_body(occasion.session, occasion.caller, body)
        x, y = check_lon_lat(given.lon, given.lat, given.crs, field="")
        lon, lat = to_wgs84(x, y, given.crs)
        called = whistling.report_in(occasion, whistle_id, body, lon=lon, lat=lat, at=given.at)
        if called.late is not None:
            REPORT_INS.labels(str(called.late).lower()).inc()
        return called

    return recorded_of_body(occasion, key, ["report-in", str(whistle_id), body, given], record)


@router.post(
    "/{whistle_id}/bodies/{body}/done", response_model=CalledAnswer, responses=_WRITE_PROBLEMS
)
def done(
    whistle_id: uuid.UUID,
    body: str,
    given: Annotated[Finished, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """A called body has done its part."""

    def record() -> CalledBody:
        acting_body(occasion.session, occasion.caller, body)
        return whistling.done(occasion, whistle_id, body, note=given.note, at=given.at)

    return recorded_of_body(occasion, key, ["done", str(whistle_id), body, given], record)


@router.post(
    "/{whistle_id}/bodies/{body}/score", response_model=CalledAnswer, responses=_WRITE_PROBLEMS
)
def score(
    whistle_id: uuid.UUID,
    body: str,
    given: Annotated[Score, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """The caller scores a called body; a side the other side, or a department that it brought."""

    def record() -> CalledBody:
        by = calling_party(occasion, whistle_id, given.by)
        value, note = given.score, given.note
        return whistling.score(occasion, whistle_id, body, by=by, value=value, note=note)

    return recorded_of_body(occasion, key, ["score", str(whistle_id), body, given], record)


@router.post(
    "/{whistle_id}/bodies/{body}/again", response_model=CalledAnswer, responses=_WRITE_PROBLEMS
)
def again(
    whistle_id: uuid.UUID,
    body: str,
    given: Annotated[NotSolved, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """The caller finds it not solved: the body goes on until it is (事不完人不撤)."""

    def record() -> CalledBody:
        by = calling_party(occasion, whistle_id, None)
        return whistling.again(occasion, whistle_id, body, by=by, note=given.note)

    return recorded_of_body(occasion, key, ["again", str(whistle_id), body, given], record)


def recorded_of_body(
    occasion: Occasion, key: str | None, request: Any, record: Callable[[], CalledBody]
) -> JSONResponse:
    """Record something of a called body, once; gives the body as it then stands."""

    def write() -> CalledAnswer:
        called = record()
        occasion.session.flush()
        names = bodies_by_code(occasion.session, [called.body_code])
        return called_json(called, names[called.body_code].name)

    return once(occasion, key, request, write)


def calling_party(occasion: Occasion, whistle_id: uuid.UUID, named: str | None) -> str:
    """The party for which a caller who has a part in the case scores, or takes back what it called.

    Raises NotFound, NotAllowed, BadInput.
    """
    whistle = _whistle(occasion.session, whistle_id)
    if occasion.caller.staff:
        readable_case(occasion.session, occasion.city, occasion.caller, whistle.case_id)
    return scoring_party(occasion, whistle, named)


def _whistle(session: Session, whistle_id: uuid.UUID) -> Whistle:
    whistle = repository.whistle_by_id(session, whistle_id)
    if whistle is None:
        raise NotFound(f"There is no whistle {whistle_id}.")
    return whistle
