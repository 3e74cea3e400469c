"""The reports of a case, and what people do with them: join cases, take reports out."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from gridsvc.api.clock import utc_now
from gridsvc.api.dependencies import (
    CurrentAtlas,
    CurrentCaller,
    CurrentService,
    DbSession,
    WritingCaller,
)
from gridsvc.api.idempotency import IdempotencyKey, once
from gridsvc.api.problems import problems
from gridsvc.api.text import Text
from gridsvc.cases.core.service import readable_case
from gridsvc.cases.core.view import case_json
from gridsvc.cases.systems.merging.differences import Although
from gridsvc.cases.systems.merging.joining import join_cases
from gridsvc.cases.systems.merging.splitting import split_case
from gridsvc.cases.systems.merging.view import history
from gridsvc.errors import (
    BadInput,
    IdempotencyMismatch,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    OutsideCity,
    StepRefused,
)

__all__ = ["router"]

router = APIRouter(prefix="/v1/cases", tags=["cases"])

_READING = (NotAuthenticated, NotAllowed, NotFound, BadInput)
_WRITING = (*_READING, IdempotencyMismatch, StepRefused)


class _Merging(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Text = Field(min_length=1, max_length=2_000)
    although: list[Although] = Field(
        default_factory=list, description="Differences between the cases that are meant to be."
    )


class JoinIn(_Merging):
    """Into which case, and why."""

    into: uuid.UUID


class SplitIn(_Merging):
    """Which reports leave the case, and for which; without 'into' for a new one."""

    reports: list[Text] = Field(min_length=1, max_length=1_000, description="Ids or receipts.")
    into: uuid.UUID | None = None


@router.get("/{case_id}/reports", responses=problems(*_READING))
def get_reports(
    case_id: uuid.UUID,
    session: DbSession,
    caller: CurrentCaller,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(description="'next' of the page before.")] = None,
    count: Annotated[bool, Query(description="Whether to count them all.")] = False,
) -> dict[str, Any]:
    """Everybody who reported a case, in the order of time: when, by which channel, the receipt."""
    case = readable_case(session, caller, case_id)
    return history(session, case, cursor=cursor, limit=limit, count=count)


@router.post("/{case_id}/join", responses=problems(*_WRITING))
def post_join(
    case_id: uuid.UUID,
    given: Annotated[JoinIn, Body()],
    service: CurrentService,
    session: DbSession,
    caller: WritingCaller,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Join a case into another, with all its reports; it closes as joined. Gives the other."""

    def write() -> dict[str, Any]:
        target = join_cases(
            session,
            service.settings,
            caller,
            case_id,
            given.into,
            reason=given.reason,
            although=given.although,
            now=utc_now(),
        )
        return case_json(session, target)

    return once(session, caller, key, ["join", str(case_id), given], write)


@router.post("/{case_id}/split", status_code=201, responses=problems(*_WRITING, OutsideCity))
def post_split(
    case_id: uuid.UUID,
    given: Annotated[SplitIn, Body()],
    service: CurrentService,
    atlas: CurrentAtlas,
    session: DbSession,
    caller: WritingCaller,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Take reports out of a case, into a new one or into another that is open."""

    def write() -> dict[str, Any]:
        source, target = split_case(
            session,
            atlas,
            service.settings,
            caller,
            case_id,
            given.reports,
            into=given.into,
            reason=given.reason,
            although=given.although,
            now=utc_now(),
        )
        return {"case": case_json(session, source), "into": case_json(session, target)}

    return once(session, caller, key, ["split", str(case_id), given], write, status=201)
