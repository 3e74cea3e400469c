"""What a street says of who is posted to it: somebody else is wanted; scores, month by month."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated

from fastapi import APIRouter, Body, Query
from fastapi.responses import JSONResponse
from pydantic import Field

from gridsvc.api.dependencies import CurrentOccasion, IdempotencyKey, once
from gridsvc.api.problems import problems
from gridsvc.api.rules import Sent, Text
from gridsvc.api.v1.members import AreaAsked, PageLimit, own_area
from gridsvc.api.v1.postings import FIRST, READING, WRITING, Cursor, PostingReason, parts_of
from gridsvc.errors import NotFound
from gridsvc.registry.postings import repository
from gridsvc.registry.postings.judging import judge, month_after
from gridsvc.registry.postings.replacing import (
    answer_replacement,
    ask_replacement,
    known_replacement,
)
from gridsvc.registry.postings.schemas import (
    JudgementAnswer,
    JudgementList,
    PostingAnswer,
    ReplacementAnswer,
    ReplacementPage,
    ReplacementState,
)
from gridsvc.registry.postings.service import check_reads, known_posting

router = APIRouter(prefix="/v1/postings", tags=["staff"])

_MONTH = r"^20\d\d-(0[1-9]|1[0-2])$"


class ReplacementIn(Sent):
    """Whom the body names in somebody's place, or why nobody."""

    staff: Text | None = Field(default=None, description="A code of the register; null: nobody.")
    valid_from: dt.date | None = Field(default=None, description="Today when left out.")
    words: Text = Field(default="", max_length=2_000)


class JudgementIn(Sent):
    """What the street says of a month."""

    month: Text = Field(pattern=_MONTH, description="2026-11")
    score: int = Field(ge=0, le=100)
    note: Text = Field(default="", max_length=900)


@router.get("/replacements", response_model=ReplacementPage, responses=problems(*READING))
def list_replacements(
    occasion: CurrentOccasion,
    area: AreaAsked = None,
    state: ReplacementState | None = None,
    limit: PageLimit = 100,
    cursor: Cursor = None,
) -> ReplacementPage:
    """Whom the streets of the own area want replaced, and what the bodies answered."""
    found = repository.replacements_under(
        occasion.session,
        own_area(occasion, area),
        state=state,
        after=cursor or FIRST,
        limit=limit,
    )
    return ReplacementPage(
        replacements=[ReplacementAnswer.told(one, occasion.now) for one in found],
        next=str(found[-1].id) if len(found) == limit else None,
    )


@router.get("/replacements/{replacement_id}", responses=problems(*READING, NotFound))
def get_replacement(replacement_id: uuid.UUID, occasion: CurrentOccasion) -> ReplacementAnswer:
    """One replacement that a street asked for, and what the body answered."""
    found = known_replacement(occasion.session, replacement_id)
    check_reads(occasion.caller, found.street_code)
    return ReplacementAnswer.told(found, occasion.now)


@router.post(
    "/{posting_id}/replacement",
    status_code=201,
    response_model=ReplacementAnswer,
    responses=problems(*WRITING),
)
def post_replacement(
    posting_id: uuid.UUID,
    given: Annotated[PostingReason, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """The street asks the body for somebody else."""

    def write() -> ReplacementAnswer:
        session, city, caller, now = parts_of(occasion)
        asked = ask_replacement(session, city, caller, posting_id, reason=given.reason, now=now)
        return ReplacementAnswer.told(asked, now)

    return once(occasion, key, ["replacement", str(posting_id), given], write, status=201)


@router.post(
    "/replacements/{replacement_id}/answer",
    response_model=ReplacementAnswer,
    responses=problems(*WRITING),
)
def post_replacement_answer(
    replacement_id: uuid.UUID,
    given: Annotated[ReplacementIn, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """The body names somebody, whom the street is then asked about, or says why not."""

    def write() -> ReplacementAnswer:
        session, city, caller, now = parts_of(occasion)
        answered = answer_replacement(
            session,
            city,
            caller,
            replacement_id,
            staff=given.staff,
            valid_from=given.valid_from,
            words=given.words,
            now=now,
        )
        return ReplacementAnswer.told(answered, now)

    return once(occasion, key, ["replacement answer", str(replacement_id), given], write)


@router.get("/judgements", response_model=JudgementList, responses=problems(*READING))
def list_judgements(
    occasion: CurrentOccasion,
    month: Annotated[str, Query(pattern=_MONTH, description="2026-11")],
    area: AreaAsked = None,
) -> JudgementList:
    """What the streets of the own area say of who was posted to them, and who is not judged."""
    session, asked, first = occasion.session, own_area(occasion, area), _first_of(month)
    found = repository.judgements_under(session, asked, first, first)
    lacking = repository.not_judged(session, asked, first, month_after(first))
    return JudgementList(
        area=asked,
        month=first,
        judgements=[JudgementAnswer.of(one) for one in found],
        not_judged=[PostingAnswer.told(one) for one in lacking],
    )


@router.post(
    "/{posting_id}/judgements",
    status_code=201,
    response_model=JudgementAnswer,
    responses=problems(*WRITING),
)
def post_judgement(
    posting_id: uuid.UUID,
    given: Annotated[JudgementIn, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """The street scores a month of somebody posted to it; it counts in the body's year."""

    def write() -> JudgementAnswer:
        session, city, caller, now = parts_of(occasion)
        judged = judge(
            session,
            caller,
            posting_id,
            month=_first_of(given.month),
            score=given.score,
            words=given.note,
            today=city.day(now),
            now=now,
        )
        return JudgementAnswer.of(judged)

    return once(occasion, key, ["judgement", str(posting_id), given], write, status=201)


@router.get("/{posting_id}", responses=problems(*READING, NotFound))
def get_posting(posting_id: uuid.UUID, occasion: CurrentOccasion) -> PostingAnswer:
    """One posting; what was said of it month by month is in the judgements."""
    found = known_posting(occasion.session, posting_id)
    check_reads(occasion.caller, found.street_code)
    return PostingAnswer.told(found)


def _first_of(month: str) -> dt.date:
    return dt.date.fromisoformat(f"{month}-01")
