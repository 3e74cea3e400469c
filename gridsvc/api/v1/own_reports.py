"""What citizens do with their own reports, by their token or the secret of the receipt."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from pydantic import Field

from gridsvc.answers import ClassNamed, as_built
from gridsvc.api.dependencies import (
    CurrentAtlas,
    CurrentOccasion,
    CurrentService,
    IdempotencyKey,
    RawBody,
    ReportingOccasion,
)
from gridsvc.api.problems import problems
from gridsvc.api.rules import Text
from gridsvc.api.v1.of_report import (
    PHOTO_BODY,
    ByReporter,
    ReceiptSecret,
    admitted,
    done_to_report,
)
from gridsvc.cases.core.repository import cases_by_id
from gridsvc.cases.intake.reports import find_report
from gridsvc.cases.intake.schemas import ReportRead
from gridsvc.cases.systems.citizen import acts
from gridsvc.cases.systems.citizen.outcome import photo_shown
from gridsvc.cases.systems.citizen.repository import filed_by
from gridsvc.cases.systems.citizen.schemas import MyReport, MyReports, PublishedPhoto
from gridsvc.cases.systems.evidence.store import store_of
from gridsvc.errors import (
    BadEvidence,
    BadInput,
    IdempotencyMismatch,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    StepRefused,
    TooLarge,
    Unavailable,
)

router = APIRouter(prefix="/v1/reports", tags=["reports"])

_PROBLEMS = problems(NotAuthenticated, NotAllowed, NotFound, StepRefused, IdempotencyMismatch)


class AdditionIn(ByReporter):
    """What the reporter adds."""

    text: Text = Field(min_length=1, max_length=4000)


class WithdrawalIn(ByReporter):
    """Why it is taken back, perhaps."""

    reason: Text | None = Field(default=None, min_length=1, max_length=1000)


class VerdictIn(ByReporter):
    """Whether it is solved."""

    solved: bool
    note: Text | None = Field(default=None, min_length=1, max_length=1000)


class ReasonIn(ByReporter):
    """Why a case goes on, or is another thing."""

    reason: Text = Field(min_length=1, max_length=1000)


@router.get("/mine", response_model=as_built(MyReports), responses=problems(NotFound, BadInput))
def list_mine(
    occasion: CurrentOccasion,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> dict[str, Any]:
    """The reports that the holder of the token has filed, the newest first."""
    session = occasion.session
    after = None if cursor is None else find_report(session, cursor)
    if after is not None and after.reporter_subject != occasion.caller.subject:
        raise BadInput("Invalid cursor; pass `next` of the previous page.", field="cursor")
    found = filed_by(session, occasion.caller.subject, after=after, limit=limit)
    cases = cases_by_id(session, [report.case_id for report in found])
    rows = [
        MyReport(
            receipt=report.receipt,
            created_at=report.created_at,
            class_=ClassNamed(standard=report.standard, kind=report.kind, code=report.class_code),
            state="withdrawn" if report.withdrawn_at else cases[report.case_id].state,
            deadline=cases[report.case_id].limit_at,
        )
        for report in found
    ]
    return {"reports": rows, "next": found[-1].receipt if len(found) == limit else None}


@router.post("/{name}/additions", response_model=ReportRead, responses=_PROBLEMS)
def post_addition(
    name: str,
    given: Annotated[AdditionIn, Body()],
    occasion: ReportingOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Add to a report of one's own while its case is open."""
    return done_to_report(
        occasion,
        key,
        ["add", name, given],
        lambda report: acts.add_words(occasion, report, given.secret, given.text),
    )


@router.post(
    "/{name}/photos",
    status_code=201,
    response_model=PublishedPhoto,
    responses={**_PROBLEMS, **problems(BadEvidence, TooLarge, Unavailable)},
    openapi_extra=PHOTO_BODY,
    dependencies=[Depends(admitted(acts.check_reporter))],
)
def post_photo(
    name: str,
    raw: RawBody,
    service: CurrentService,
    occasion: ReportingOccasion,
    secret: ReceiptSecret = None,
) -> JSONResponse:
    """Add a photo (JPEG, PNG, WebP, HEIC) to a report of one's own; the body is the file itself.

    The staff of its case see it without its metadata. Others do once a body publishes it in its
    answer.
    """
    report, store = find_report(occasion.session, name), store_of(service.settings)
    kept = acts.add_photo(occasion, store, report, secret, raw)
    return JSONResponse(jsonable_encoder(photo_shown(report, kept)), status_code=201)


@router.post("/{name}/withdraw", response_model=ReportRead, responses=_PROBLEMS)
def post_withdrawal(
    name: str,
    given: Annotated[WithdrawalIn, Body()],
    occasion: ReportingOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Withdraw a report of one's own; its case closes where nobody else needs it."""
    return done_to_report(
        occasion,
        key,
        ["withdraw", name, given],
        lambda report: acts.withdraw(occasion, report, given.secret, given.reason),
    )


@router.post("/{name}/verdict", response_model=ReportRead, responses=_PROBLEMS)
def post_verdict(
    name: str,
    given: Annotated[VerdictIn, Body()],
    occasion: ReportingOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Say whether what one reported is solved, once the case is closed."""
    return done_to_report(
        occasion,
        key,
        ["verdict", name, given],
        lambda report: acts.judge(
            occasion, report, given.secret, solved=given.solved, note=given.note
        ),
    )


@router.post("/{name}/reopen", response_model=ReportRead, responses=_PROBLEMS)
def post_reopening(
    name: str,
    given: Annotated[ReasonIn, Body()],
    atlas: CurrentAtlas,
    occasion: ReportingOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Reopen the closed case of one's own report: a new case with a new limit goes on with it."""
    return done_to_report(
        occasion,
        key,
        ["reopen", name, given],
        lambda report: acts.reopen(occasion, atlas, report, given.secret, given.reason),
    )


@router.post("/{name}/object", response_model=ReportRead, responses=_PROBLEMS)
def post_objection(
    name: str,
    given: Annotated[ReasonIn, Body()],
    atlas: CurrentAtlas,
    occasion: ReportingOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Say that one's own report is another thing than its case: it gets a case of its own."""
    return done_to_report(
        occasion,
        key,
        ["object", name, given],
        lambda report: acts.object_to_merge(occasion, atlas, report, given.secret, given.reason),
    )
