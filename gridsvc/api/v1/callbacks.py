"""Callbacks of reports: what citizens say after their case was closed."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Body
from fastapi.responses import JSONResponse
from pydantic import Field

from gridsvc.api.dependencies import (
    CurrentCaller,
    CurrentOccasion,
    DbSession,
    IdempotencyKey,
    once,
)
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.api.rules import Sent, Text
from gridsvc.cases.intake.reports import find_report
from gridsvc.cases.systems.callbacks.schemas import CallbackAnswer, CallbacksAnswer, Satisfied
from gridsvc.cases.systems.callbacks.service import (
    CallbackGiven,
    call_back,
    listed_callbacks,
)
from gridsvc.errors import BadInput, IdempotencyMismatch, StepRefused

router = APIRouter(prefix="/v1/reports", tags=["assessment"])


class CallbackIn(Sent):
    """Whether the citizen was reached, what they say, and whether that counts."""

    contacted: bool = Field(description="Whether this callback reached the citizen.")
    unit_contacted: bool | None = Field(
        default=None,
        description="Whether the responsible unit had contacted the citizen, as the citizen says;"
        " given when the citizen was reached.",
    )
    solved: bool | None = Field(default=None, description="Given when the citizen was reached.")
    satisfied: Satisfied | None = Field(
        default=None, description="satisfied, fairly or not; given when the citizen was reached."
    )
    valid: bool = Field(default=True, description="Whether it counts in the three rates.")
    reason: Text | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="Why it is not valid, or why it takes the place of an answer.",
    )
    at: dt.datetime | None = Field(default=None, description="RFC 3339; now when left out.")


@router.post(
    "/{name}/callbacks",
    status_code=201,
    response_model=CallbackAnswer,
    responses=problems(*TOKEN_PROBLEMS, StepRefused, BadInput, IdempotencyMismatch),
)
def post_callback(
    name: str,
    given: Annotated[CallbackIn, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Keep a callback (回访) after the closing; the newest valid one of a report counts."""

    def write() -> CallbackAnswer:
        report = find_report(occasion.session, name)
        return CallbackAnswer.of(call_back(occasion, report, CallbackGiven(**dict(given))))

    return once(occasion, key, ["callback", name, given], write, status=201)


@router.get("/{name}/callbacks", responses=problems(*TOKEN_PROBLEMS))
def list_callbacks(name: str, session: DbSession, caller: CurrentCaller) -> CallbacksAnswer:
    """Every callback about a report in its order; the last one stands."""
    report = find_report(session, name)
    callbacks = listed_callbacks(session, caller, report)
    return CallbacksAnswer(callbacks=[CallbackAnswer.of(one) for one in callbacks])
