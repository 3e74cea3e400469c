"""Whom a whistle may call, further whistles inside a case, demand letters, rates per street."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import Field

from gridsvc.answers import as_built
from gridsvc.api.dependencies import (
    CurrentCaller,
    CurrentOccasion,
    CurrentService,
    DbSession,
    IdempotencyKey,
    once,
)
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.api.rules import JsonObject, Sent, Text
from gridsvc.assessment.period import parse_period
from gridsvc.assessment.service import visible_area
from gridsvc.cases.core.schemas import TraceEntry
from gridsvc.cases.core.service import readable_case
from gridsvc.cases.systems.whistles.approvals import ApprovalGiven, approvals_of, approve
from gridsvc.cases.systems.whistles.follow_up import FollowUp, whistle_again
from gridsvc.cases.systems.whistles.kinds import Approval, WhistleGround, WhistleKind
from gridsvc.cases.systems.whistles.proposals import proposals
from gridsvc.cases.systems.whistles.rates import Terms, rate_whistles
from gridsvc.cases.systems.whistles.schemas import (
    ApprovalRead,
    ApprovalsAnswer,
    ProposalsAnswer,
    RatesAnswer,
    WhistleAnswer,
)
from gridsvc.cases.systems.whistles.view import whistles_json
from gridsvc.errors import (
    BadInput,
    IdempotencyMismatch,
    MissingPrerequisite,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    StepRefused,
)
from gridsvc.maps.self_contained import CONTENT_POLICY

router = APIRouter(prefix="/v1", tags=["whistles"])

_READING = (*TOKEN_PROBLEMS, BadInput)


class FollowUpIn(Sent):
    """A further whistle: the bodies, what was found, what they shall do."""

    bodies: list[Text] = Field(min_length=1, max_length=100)
    demand: Text | JsonObject = Field(description="The task, or {task, tasks, place, time, ...}.")
    found: Text = Field(
        default="",
        max_length=10_000,
        description="What was found on the spot; public, so nothing personal.",
    )
    follows: uuid.UUID | None = Field(
        default=None, description="The whistle from which it comes; the newest of the case."
    )
    by: Text | None = Field(default=None, description="The calling body, where not clear.")
    kind: WhistleKind | None = Field(default=None, description="As the previous whistle.")
    ground: WhistleGround | None = Field(default=None, description="As the previous whistle.")
    at: dt.datetime | None = Field(default=None, description="RFC 3339; now when left out.")


class ApprovalIn(Sent):
    """Which approval is given, and of which letter: these bodies and this demand, no others."""

    approval: Approval
    bodies: list[Text] = Field(min_length=1, max_length=100)
    demand: Text | JsonObject = Field(description="As the whistle will have it.")
    by: Text | None = Field(default=None, description="The calling body, where not clear.")


@router.get(
    "/cases/{case_id}/whistle-proposals",
    response_model=as_built(ProposalsAnswer),
    responses=problems(*_READING),
)
def get_proposals(
    case_id: uuid.UUID,
    occasion: CurrentOccasion,
    found: Annotated[
        str, Query(max_length=10_000, description="What was found on the spot, in words.")
    ] = "",
) -> dict[str, Any]:
    """Bodies to call, each with its reasons and with who of the street's roster can come now."""
    session, city = occasion.session, occasion.city
    case = readable_case(session, city, occasion.caller, case_id)
    listed = proposals(session, city, case, found=found, at=occasion.now)
    return {"case_id": str(case.id), "proposals": [one.to_json() for one in listed]}


@router.post(
    "/cases/{case_id}/approvals",
    status_code=201,
    response_model=TraceEntry,
    responses=problems(*_READING, StepRefused, IdempotencyMismatch),
)
def post_approval(
    case_id: uuid.UUID,
    given: Annotated[ApprovalIn, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Agree to a whistle before it is blown, by another token than the one that blows it."""

    def write() -> TraceEntry:
        entry = approve(occasion, case_id, ApprovalGiven(**dict(given)))
        occasion.session.flush()
        return TraceEntry.of(entry, content=entry.told)

    return once(occasion, key, ["approval", str(case_id), given], write, status=201)


@router.get("/cases/{case_id}/approvals", responses=problems(*TOKEN_PROBLEMS))
def list_approvals(case_id: uuid.UUID, occasion: CurrentOccasion) -> ApprovalsAnswer:
    """Who has agreed to which letter of a whistle in a case, in their order."""
    session = occasion.session
    case = readable_case(session, occasion.city, occasion.caller, case_id)
    given = approvals_of(session, case)
    return ApprovalsAnswer(
        approvals=[ApprovalRead.of(one, **one.content, by=one.actor) for one in given]
    )


@router.post(
    "/cases/{case_id}/whistles",
    status_code=201,
    response_model=WhistleAnswer,
    responses=problems(*_READING, StepRefused, IdempotencyMismatch),
)
def post_whistle(
    case_id: uuid.UUID,
    given: Annotated[FollowUpIn, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Blow a further whistle inside a case, from what was found; the case waits for it too."""

    def write() -> WhistleAnswer:
        blown = whistle_again(occasion, case_id, FollowUp(**dict(given)))
        occasion.session.flush()
        return whistles_json(occasion.session, [blown])[0]

    return once(occasion, key, ["whistle", str(case_id), given], write, status=201)


@router.get(
    "/whistles/{whistle_id}/letter",
    response_class=HTMLResponse,
    responses=problems(NotFound, BadInput, MissingPrerequisite),
)
def get_letter(whistle_id: uuid.UUID, service: CurrentService, session: DbSession) -> HTMLResponse:
    """The demand letter (需求函) of a whistle as one page that prints on A4; it is public."""
    from gridsvc.maps.demand_letter import letter_page, read_letter  # folium

    city = service.city
    page = letter_page(read_letter(session, city, whistle_id), city)
    headers = {
        "Content-Security-Policy": CONTENT_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",
    }
    return HTMLResponse(page, headers=headers)


@router.get(
    "/whistles/rates",
    response_model=as_built(RatesAnswer),
    responses=problems(NotAuthenticated, NotAllowed, BadInput),
)
def get_rates(
    service: CurrentService,
    session: DbSession,
    caller: CurrentCaller,
    period: Annotated[
        str, Query(description="2026-11, 2026-Q4, 2026, or 2026-11-01/2026-11-15; city days.")
    ],
    area: Annotated[
        str | None, Query(description="A district or street; the token's own district.")
    ] = None,
    listed_q: Annotated[
        float, Query(gt=0, lt=1, description="Share of false alarms among the signs.")
    ] = 0.05,
) -> dict[str, Any]:
    """Whistles per street by ground, kind and level, per 1,000 cases; too few, too many."""
    asked = parse_period(period, service.city.calendar)
    prefix = visible_area(caller, area)
    rated = rate_whistles(
        session, start=asked.start, end=asked.end, prefix=prefix, terms=Terms(listed_q)
    )
    return {"period": asked.name, "area": prefix, **rated.to_json()}
