"""Cases: read, moved on step by step, traced."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query
from fastapi.responses import JSONResponse
from pydantic import Field

from gridsvc.answers import as_built
from gridsvc.api.dependencies import (
    CurrentOccasion,
    IdempotencyKey,
    once,
)
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.api.rules import JsonObject, Sent, Text
from gridsvc.callers import Role
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.schemas import CasePage, TraceAnswer, TraceEntry, TraceVerified
from gridsvc.cases.core.service import StepGiven, readable_case, take_step
from gridsvc.cases.core.trace import verify
from gridsvc.cases.core.trace_repository import entries
from gridsvc.cases.core.view import case_json, case_summary
from gridsvc.cases.systems.merging.view import for_caller
from gridsvc.cases.systems.schemas import CaseAnswer
from gridsvc.errors import (
    BadCoordinate,
    BadInput,
    IdempotencyMismatch,
    NotAllowed,
    NotAuthenticated,
    StepRefused,
    UnknownCrs,
)
from gridsvc.lists.asking import kept_model, question
from gridsvc.lists.cases import CASES
from gridsvc.lists.model import Frame
from gridsvc.lists.service import rows_of
from gridsvc.spatial.crs import check_lon_lat, to_wgs84

router = APIRouter(prefix="/v1", tags=["cases"])

_ASKED = kept_model(CASES)


class Standing(Sent):
    """Where somebody stands when they take a step."""

    lon: float
    lat: float
    crs: Text = "wgs84"

    def wgs84(self) -> tuple[float, float]:
        """Longitude and latitude in degrees. Raises BadCoordinate, UnknownCrs."""
        x, y = check_lon_lat(self.lon, self.lat, self.crs, field="place")
        return to_wgs84(x, y, self.crs)


class StepIn(Sent):
    """A step: its name, for whom, what it carries, and when it happened."""

    step: Text
    body: Text | None = Field(default=None, description="For which body; where it is not clear.")
    note: Text | None = Field(default=None, max_length=10_000)
    evidence: JsonObject = Field(default_factory=dict)
    at: dt.datetime | None = Field(default=None, description="RFC 3339; now when left out.")
    place: Standing | None = Field(default=None, description="Where it is taken from.")


@router.get(
    "/cases",
    response_model=as_built(CasePage),
    responses=problems(NotAuthenticated, NotAllowed, BadInput),
)
def list_cases(
    occasion: CurrentOccasion,
    body: Annotated[str | None, Query(description="Cases that this body leads.")] = None,
    state: Annotated[Literal["open", "closed"] | None, Query()] = None,
    order: Annotated[
        Literal["id", "limit"], Query(description="The oldest first, or the most urgent.")
    ] = "id",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(description="'next' of the previous page.")] = None,
) -> dict[str, Any]:
    """The cases of the caller's area, oldest first; the open ones also by their limit."""
    given = {"state": state, "order": "limit" if order == "limit" else "oldest"}
    found = question(CASES, occasion.caller, Frame(occasion.city, occasion.now), _ASKED(**given))
    if body is not None:
        found = replace(found, conditions=(*found.conditions, Case.lead_body == body))
    rows, behind = rows_of(occasion.session, found, [Case], cursor=cursor, limit=limit)
    return {"cases": [case_summary(case) for (case,) in rows], "next": behind}


@router.get(
    "/cases/{case_id}", response_model=as_built(CaseAnswer), responses=problems(*TOKEN_PROBLEMS)
)
def get_case(case_id: uuid.UUID, occasion: CurrentOccasion) -> dict[str, Any]:
    """A case: where it stands, what is due and from whom, its reports and whistles."""
    case = readable_case(occasion.session, occasion.city, occasion.caller, case_id)
    return for_caller(occasion.caller, case_json(occasion.session, occasion.city, case))


@router.post(
    "/cases/{case_id}/steps",
    response_model=CaseAnswer,
    responses=problems(
        *TOKEN_PROBLEMS, StepRefused, BadInput, BadCoordinate, UnknownCrs, IdempotencyMismatch
    ),
)
def post_step(
    case_id: uuid.UUID,
    given: Annotated[StepIn, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Take a step or a return; it is refused out of order, by another body, without evidence."""

    def write() -> dict[str, Any]:
        place = None if given.place is None else given.place.wgs84()
        step = StepGiven(given.step, given.body, given.note, given.evidence, given.at, place)
        case = take_step(occasion, case_id, step)
        occasion.session.flush()
        return case_json(occasion.session, occasion.city, case)

    return once(occasion, key, ["step", str(case_id), given], write)


@router.get("/cases/{case_id}/trace", responses=problems(*TOKEN_PROBLEMS))
def get_trace(case_id: uuid.UUID, occasion: CurrentOccasion) -> TraceAnswer:
    """Everything that happened in a case, in its order, each entry chained to the one before.

    An analyst, who is not staff of the case, gets no words.
    """
    case = readable_case(occasion.session, occasion.city, occasion.caller, case_id)
    silent = occasion.caller.role is Role.ANALYST
    kept = [
        TraceEntry.of(entry, content=entry.content if silent else entry.told)
        for entry in entries(occasion.session, case)
    ]
    return TraceAnswer(case_id=case.id, entries=kept)


@router.get("/cases/{case_id}/trace/verify", responses=problems(*TOKEN_PROBLEMS))
def verify_trace(case_id: uuid.UUID, occasion: CurrentOccasion) -> TraceVerified:
    """Whether the trace is whole: every number, every link, every hash."""
    case = readable_case(occasion.session, occasion.city, occasion.caller, case_id)
    found = verify(occasion.session, case)
    return TraceVerified.of(found, case_id=case.id)
