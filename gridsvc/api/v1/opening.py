"""Cases opened by a procedure that is chosen; appeals, and times that bodies state."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path
from fastapi.responses import JSONResponse
from pydantic import Field

from gridsvc.api.dependencies import (
    CurrentAtlas,
    CurrentOccasion,
    CurrentService,
    IdempotencyKey,
    once,
)
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.api.rules import JsonObject, Sent, Text
from gridsvc.api.v1.reports import ReportIn, new_report
from gridsvc.cases.core import stated_times
from gridsvc.cases.core.view import case_json
from gridsvc.cases.intake.service import file_report
from gridsvc.cases.systems.appeals.service import appeal, decide
from gridsvc.cases.systems.schemas import CaseAnswer, CaseOpened
from gridsvc.cases.systems.whistles.hearing import OpeningWhistle
from gridsvc.cases.systems.whistles.kinds import WhistleGround, WhistleKind
from gridsvc.errors import (
    AmbiguousCode,
    BadCoordinate,
    BadGeometry,
    BadInput,
    IdempotencyMismatch,
    OutsideCity,
    StepRefused,
    TooLarge,
    UnknownClass,
    UnknownCrs,
)

router = APIRouter(prefix="/v1", tags=["cases"])

_WRITING = (*TOKEN_PROBLEMS, BadInput, IdempotencyMismatch)


class WhistleIn(Sent):
    """The whistle with which a case of level 1 or 2 begins."""

    kind: WhistleKind = WhistleKind.EVERYDAY
    ground: WhistleGround = WhistleGround.PUBLIC_DEMAND
    demand: Text | JsonObject | None = Field(default=None, description="The task, or an object.")
    made_at: dt.datetime | None = Field(
        default=None, description="RFC 3339: made by telephone then, recorded now."
    )


class CaseIn(ReportIn):
    """A case of its own: a report's fields, the procedure, and the bodies that it leaves open."""

    procedure: Text = Field(description="One of GET /v1/procedures, such as hazard or dual.")
    seats: dict[Text, Text] = Field(default_factory=dict, description="Role to body code.")
    whistle: WhistleIn | None = None


class AppealIn(Sent):
    """A body's appeal."""

    body: Text
    reason: Text = Field(min_length=1, max_length=10_000)


class Decision(Sent):
    """What supervision decides about an appeal."""

    accepted: bool
    note: Text = Field(min_length=1, max_length=10_000)


class TimeDecision(Decision):
    """What supervision decides about a stated time."""

    evidence: JsonObject = Field(
        default_factory=dict,
        description="What proves it: 'photos' are ids of photos of the case, others are free.",
    )


@router.post(
    "/cases",
    status_code=201,
    response_model=CaseOpened,
    responses=problems(
        *_WRITING,
        *(BadCoordinate, UnknownCrs, OutsideCity, BadGeometry, UnknownClass, TooLarge),
        AmbiguousCode,
    ),
)
def post_case(
    given: Annotated[CaseIn, Body()],
    service: CurrentService,
    atlas: CurrentAtlas,
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Open a case by a procedure, inside the area of the token; it joins no other."""

    def write() -> dict[str, Any]:
        new = replace(
            new_report(session, service, given),
            procedure=given.procedure,
            seats=given.seats,
            whistle=None if given.whistle is None else OpeningWhistle(**dict(given.whistle)),
            made_at=None if given.whistle is None else given.whistle.made_at,
        )
        key_now = service.reporter_keys.current
        case, filed = file_report(occasion, atlas, new, reporter_key=key_now)
        session.flush()
        return {"case": case_json(session, occasion.city, case), "report": filed}

    session = occasion.session
    return once(occasion, key, ["case", given], write, status=201)


@router.post(
    "/cases/{case_id}/appeals",
    status_code=201,
    response_model=CaseAnswer,
    responses=problems(*_WRITING, StepRefused),
)
def post_appeal(
    case_id: uuid.UUID,
    given: Annotated[AppealIn, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """A body's one appeal after closing; the raw fact stays."""

    def write() -> dict[str, Any]:
        case = appeal(occasion, case_id, given.body, given.reason)
        occasion.session.flush()
        return case_json(occasion.session, occasion.city, case)

    return once(occasion, key, ["appeal", str(case_id), given], write, status=201)


@router.post(
    "/cases/{case_id}/appeals/{body}/decision",
    response_model=CaseAnswer,
    responses=problems(*_WRITING, StepRefused),
)
def post_decision(
    case_id: uuid.UUID,
    body: str,
    given: Annotated[Decision, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Supervision accepts or rejects an appeal, once."""

    def write() -> dict[str, Any]:
        case = decide(occasion, case_id, body, accepted=given.accepted, note=given.note)
        occasion.session.flush()
        return case_json(occasion.session, occasion.city, case)

    return once(occasion, key, ["decision", str(case_id), body, given], write)


@router.post(
    "/cases/{case_id}/stated-times/{n}/decision",
    response_model=CaseAnswer,
    responses=problems(*_WRITING, StepRefused),
)
def post_stated_time(
    case_id: uuid.UUID,
    n: Annotated[int, Path(ge=1, le=1_000_000)],
    given: Annotated[TimeDecision, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Supervision accepts the time that a body stated, by its evidence, or rejects it; once."""

    def write() -> dict[str, Any]:
        case = stated_times.decide(
            occasion,
            case_id,
            n,
            accepted=given.accepted,
            evidence=given.evidence,
            note=given.note,
        )
        occasion.session.flush()
        return case_json(occasion.session, occasion.city, case)

    return once(occasion, key, ["stated-time", str(case_id), n, given], write)
