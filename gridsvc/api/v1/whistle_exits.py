"""Ways out of a whistle, other dates for it, sign-ins, and supervision that presses."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body
from fastapi.responses import JSONResponse
from pydantic import Field

from gridsvc.api.dependencies import CurrentOccasion, IdempotencyKey, once
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.api.rules import Sent, Text
from gridsvc.api.v1.whistles import calling_party, recorded_of_body
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.core.rights import acting_body
from gridsvc.cases.systems.whistles.dates import postpone, press
from gridsvc.cases.systems.whistles.exits import decline, dismiss, withdraw
from gridsvc.cases.systems.whistles.models import CalledBody, Whistle
from gridsvc.cases.systems.whistles.schemas import CalledAnswer, WhistleAnswer
from gridsvc.cases.systems.whistles.signing_in import sign_in
from gridsvc.cases.systems.whistles.view import whistles_json
from gridsvc.errors import BadInput, IdempotencyMismatch, StepRefused

router = APIRouter(prefix="/v1/whistles", tags=["whistles"])

_WRITE_PROBLEMS = problems(*TOKEN_PROBLEMS, StepRefused, BadInput, IdempotencyMismatch)


class Reason(Sent):
    """Why; public like the whistle, so nothing personal."""

    reason: Text = Field(min_length=1, max_length=10_000)
    by: Text | None = Field(default=None, description="The caller, where it is not clear.")


class Declined(Sent):
    """By which clause a called body need not come."""

    clause: Text = Field(
        max_length=10_000,
        description="The words of a line that names another body, or not_listed.",
    )
    reason: Text = Field(min_length=1, max_length=10_000)


class SignIn(Sent):
    """Whether a body came, and who."""

    accepted: bool = Field(description="False: whoever says that they came are not there.")
    who: list[Annotated[Text, Field(min_length=1, max_length=100)]] = Field(
        default=[], max_length=50, description="Names of those who came; staff of the case see it."
    )
    note: Text = Field(default="", max_length=10_000)
    by: Text | None = Field(default=None, description="The caller, where it is not clear.")


class OtherDate(Reason):
    """When all shall meet instead."""

    time: dt.datetime = Field(description="RFC 3339, later than before.")


class Pressed(Sent):
    """Who presses, and what for."""

    leader: Text = Field(min_length=1, max_length=100, description="The leader who follows it up.")
    note: Text = Field(min_length=1, max_length=10_000)


@router.post("/{whistle_id}/withdraw", response_model=WhistleAnswer, responses=_WRITE_PROBLEMS)
def post_withdrawal(
    whistle_id: uuid.UUID,
    given: Annotated[Reason, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """The caller takes a whistle back; its case goes on without it."""

    def record() -> Whistle:
        by = calling_party(occasion, whistle_id, given.by)
        return withdraw(occasion, whistle_id, by=by, reason=given.reason)

    return _recorded(occasion, key, ["withdraw", str(whistle_id), given], record)


@router.post("/{whistle_id}/postpone", response_model=WhistleAnswer, responses=_WRITE_PROBLEMS)
def post_postponement(
    whistle_id: uuid.UUID,
    given: Annotated[OtherDate, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Put off when all shall meet, at most twice, before the date has passed."""

    def record() -> Whistle:
        by = calling_party(occasion, whistle_id, given.by)
        return postpone(occasion, whistle_id, by=by, time=given.time, reason=given.reason)

    return _recorded(occasion, key, ["postpone", str(whistle_id), given], record)


@router.post("/{whistle_id}/press", response_model=WhistleAnswer, responses=_WRITE_PROBLEMS)
def post_pressing(
    whistle_id: uuid.UUID,
    given: Annotated[Pressed, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Supervision reminds whoever is not done, in the name of a leader (督办)."""

    def record() -> Whistle:
        return press(occasion, whistle_id, leader=given.leader, note=given.note)

    return _recorded(occasion, key, ["press", str(whistle_id), given], record)


@router.post(
    "/{whistle_id}/bodies/{body}/decline", response_model=CalledAnswer, responses=_WRITE_PROBLEMS
)
def post_declined(
    whistle_id: uuid.UUID,
    body: str,
    given: Annotated[Declined, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """A called body says by which clause it need not come, before it has reported in."""

    def record() -> CalledBody:
        acting_body(occasion.session, occasion.caller, body)
        clause, reason = given.clause, given.reason
        return decline(occasion, whistle_id, body, clause=clause, reason=reason)

    return recorded_of_body(occasion, key, ["decline", str(whistle_id), body, given], record)


@router.post(
    "/{whistle_id}/bodies/{body}/dismiss", response_model=CalledAnswer, responses=_WRITE_PROBLEMS
)
def post_dismissal(
    whistle_id: uuid.UUID,
    body: str,
    given: Annotated[Reason, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """The caller lets a body go that it does not need; nobody waits for it, it has no score."""

    def record() -> CalledBody:
        by = calling_party(occasion, whistle_id, given.by)
        return dismiss(occasion, whistle_id, body, by=by, reason=given.reason)

    return recorded_of_body(occasion, key, ["dismiss", str(whistle_id), body, given], record)


@router.post(
    "/{whistle_id}/bodies/{body}/sign-in", response_model=CalledAnswer, responses=_WRITE_PROBLEMS
)
def post_sign_in(
    whistle_id: uuid.UUID,
    body: str,
    given: Annotated[SignIn, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Who called a body registers who came, or decides on an arrival too far from the place."""

    def record() -> CalledBody:
        by = calling_party(occasion, whistle_id, given.by)
        accepted, who, note = given.accepted, given.who, given.note
        return sign_in(occasion, whistle_id, body, by=by, accepted=accepted, who=who, note=note)

    return recorded_of_body(occasion, key, ["sign-in", str(whistle_id), body, given], record)


def _recorded(
    occasion: Occasion, key: str | None, request: Any, record: Callable[[], Whistle]
) -> JSONResponse:
    """Record something of a whistle, once; gives it as it then stands."""

    def write() -> WhistleAnswer:
        whistle = record()
        occasion.session.flush()
        return whistles_json(occasion.session, [whistle])[0]

    return once(occasion, key, request, write)
