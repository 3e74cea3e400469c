"""The reports of a case, and what people do with them: join cases, take reports out."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from fastapi.responses import JSONResponse
from pydantic import AliasChoices, Field

from gridsvc.answers import as_built
from gridsvc.api.dependencies import (
    CurrentAtlas,
    CurrentOccasion,
    IdempotencyKey,
    once,
)
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.api.rules import Sent, Text
from gridsvc.cases.core.service import readable_case
from gridsvc.cases.core.view import case_json
from gridsvc.cases.systems.merging.joining import join_cases
from gridsvc.cases.systems.merging.rights import AcceptedDifference
from gridsvc.cases.systems.merging.schemas import ReportsOfCase
from gridsvc.cases.systems.merging.splitting import split_case
from gridsvc.cases.systems.merging.view import for_caller, history
from gridsvc.cases.systems.schemas import CaseAnswer, CaseSplit
from gridsvc.errors import BadInput, IdempotencyMismatch, OutsideCity, StepRefused

router = APIRouter(prefix="/v1/cases", tags=["cases"])

_READING = (*TOKEN_PROBLEMS, BadInput)
_WRITING = (*_READING, IdempotencyMismatch, StepRefused)


class _Merging(Sent):
    reason: Text = Field(min_length=1, max_length=2_000)
    accept_differences: list[AcceptedDifference] = Field(
        default_factory=list,
        validation_alias=AliasChoices("accept_differences", "although"),
        description="Differences between the cases that are meant to be.",
    )


class JoinIn(_Merging):
    """Into which case, and why."""

    into: uuid.UUID


class SplitIn(_Merging):
    """Which reports leave the case, and for which; without 'into' for a new one."""

    reports: list[Text] = Field(min_length=1, max_length=1_000, description="Ids or receipts.")
    into: uuid.UUID | None = None


@router.get(
    "/{case_id}/reports", response_model=as_built(ReportsOfCase), responses=problems(*_READING)
)
def get_reports(
    case_id: uuid.UUID,
    occasion: CurrentOccasion,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(description="'next' of the previous page.")] = None,
    count: Annotated[bool, Query(description="Whether to count them all.")] = False,
) -> dict[str, Any]:
    """Everybody who reported a case, in the order of time: when, by which channel, the receipt."""
    case = readable_case(occasion.session, occasion.city, occasion.caller, case_id)
    found = history(occasion.session, case, cursor=cursor, limit=limit, count=count)
    return for_caller(occasion.caller, found)


@router.post("/{case_id}/join", response_model=CaseAnswer, responses=problems(*_WRITING))
def post_join(
    case_id: uuid.UUID,
    given: Annotated[JoinIn, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Join a case into another, with all its reports; it closes as joined. Gives the other."""

    def write() -> dict[str, Any]:
        target = join_cases(
            occasion,
            case_id,
            given.into,
            reason=given.reason,
            accept_differences=given.accept_differences,
        )
        return case_json(occasion.session, occasion.city, target)

    return once(occasion, key, ["join", str(case_id), given], write)


@router.post(
    "/{case_id}/split",
    status_code=201,
    response_model=CaseSplit,
    responses=problems(*_WRITING, OutsideCity),
)
def post_split(
    case_id: uuid.UUID,
    given: Annotated[SplitIn, Body()],
    atlas: CurrentAtlas,
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Take reports out of a case, into a new one or into another that is open."""

    def write() -> dict[str, Any]:
        source, target = split_case(
            occasion,
            atlas,
            case_id,
            given.reports,
            into=given.into,
            reason=given.reason,
            accept_differences=given.accept_differences,
        )
        session, city = occasion.session, occasion.city
        return {
            "case": case_json(session, city, source),
            "into": case_json(session, city, target),
        }

    return once(occasion, key, ["split", str(case_id), given], write, status=201)
