"""Time that a case is given by hand: its grade, and extensions that its body asks for."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Body
from fastapi.responses import JSONResponse
from pydantic import Field

from gridsvc.api.dependencies import CurrentOccasion, IdempotencyKey, once
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.api.rules import Sent, Text
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.view import case_json
from gridsvc.cases.systems.extensions.service import ask, decide
from gridsvc.cases.systems.grading.service import grade_by_hand
from gridsvc.cases.systems.schemas import CaseAnswer
from gridsvc.errors import BadInput, IdempotencyMismatch, StepRefused

router = APIRouter(prefix="/v1/cases", tags=["cases"])

_PROBLEMS = problems(*TOKEN_PROBLEMS, StepRefused, BadInput, IdempotencyMismatch)


class GradeIn(Sent):
    """Another grade, and why."""

    grade: Text = Field(description="One of the city's grades, such as danger or complex.")
    reason: Text = Field(min_length=1, max_length=10_000)


class AskIn(Sent):
    """Why a body needs more time."""

    reason: Text = Field(min_length=1, max_length=10_000)


class DecisionIn(Sent):
    """What command decides, and why."""

    granted: bool
    note: Text = Field(min_length=1, max_length=10_000)


def _shown(occasion: Occasion, case: Case) -> dict[str, Any]:
    occasion.session.flush()
    return case_json(occasion.session, occasion.city, case)


@router.post("/{case_id}/grade", response_model=CaseAnswer, responses=_PROBLEMS)
def post_grade(
    case_id: uuid.UUID,
    given: Annotated[GradeIn, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Grade a case by hand: its limits follow. Only command gives one with a longer limit."""

    def write() -> dict[str, Any]:
        return _shown(occasion, grade_by_hand(occasion, case_id, given.grade, given.reason))

    return once(occasion, key, ["grade", str(case_id), given], write)


@router.post("/{case_id}/extensions", response_model=CaseAnswer, responses=_PROBLEMS)
def post_extension(
    case_id: uuid.UUID,
    given: Annotated[AskIn, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Ask command for an extension (延期), before the limit has passed."""

    def write() -> dict[str, Any]:
        return _shown(occasion, ask(occasion, case_id, given.reason))

    return once(occasion, key, ["extension", str(case_id), given], write)


@router.post("/{case_id}/extensions/{n}/decision", response_model=CaseAnswer, responses=_PROBLEMS)
def post_decision(
    case_id: uuid.UUID,
    n: int,
    given: Annotated[DecisionIn, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Grant or refuse an extension that was asked for; granted, one more limit follows."""

    def write() -> dict[str, Any]:
        case = decide(occasion, case_id, n, granted=given.granted, note=given.note)
        return _shown(occasion, case)

    return once(occasion, key, ["extension_decision", str(case_id), n, given], write)
