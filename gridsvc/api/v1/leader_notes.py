"""The leader's note and visit (批办, 夜访): written on a case, answered, done, ended, counted."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import Field

from gridsvc.answers import as_built
from gridsvc.api.dependencies import CurrentOccasion, IdempotencyKey, once
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.api.rules import Sent, Text
from gridsvc.api.v1.members import AreaAsked, PageLimit, own_area
from gridsvc.assessment.period import parse_period
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.view import case_json
from gridsvc.cases.systems.leader_notes import repository, service
from gridsvc.cases.systems.leader_notes.counting import leader_lines
from gridsvc.cases.systems.leader_notes.schemas import (
    LeaderCountsAnswer,
    LeaderCountsList,
    LeaderNotePage,
    LeaderNoteWaiting,
    NoteState,
)
from gridsvc.cases.systems.schemas import CaseAnswer
from gridsvc.errors import (
    BadCoordinate,
    BadInput,
    IdempotencyMismatch,
    NotFound,
    StepRefused,
    UnknownCrs,
)
from gridsvc.maps.leader_notes import notes_page
from gridsvc.maps.self_contained import CONTENT_POLICY
from gridsvc.spatial.crs import check_lon_lat, to_wgs84

router = APIRouter(prefix="/v1", tags=["cases"])

_READING = (*TOKEN_PROBLEMS, BadInput)
_WRITING = problems(*_READING, NotFound, StepRefused, IdempotencyMismatch)
_Words = Annotated[Text, Field(min_length=1, max_length=10_000)]
_Code = Annotated[Text, Field(min_length=1, max_length=20)]
_At = "/cases/{case_id}/leader-notes"
Month = Annotated[str, Query(description="2026-11, 2026-Q4, 2026, or 2026-11-01/2026-11-15.")]


class LeaderNoteIn(Sent):
    """A note, or what was found on a visit: for whom, and by when."""

    kind: Literal["note", "visit"] = "note"
    words: _Words
    staff: _Code = Field(description="Who shall do it: their code in the register of staff.")
    limit_at: dt.datetime = Field(description="RFC 3339.")
    lon: float | None = Field(default=None, description="Where a visit was.")
    lat: float | None = None
    crs: Text = "wgs84"
    at: dt.datetime | None = Field(default=None, description="When a visit was, if not now.")


class NoteAnswerIn(Sent):
    """What the named person will do."""

    text: _Words


class NoteDoneIn(Sent):
    """What was done."""

    note: _Words


class NoteEndIn(Sent):
    """Whether the leader is satisfied, and else until when it shall be done again."""

    accepted: bool
    note: _Words
    limit_at: dt.datetime | None = Field(default=None, description="Where it is not accepted.")


class NoteHandedOn(Sent):
    """Who answers from now on, and why."""

    staff: _Code
    reason: _Words


class NoteWithdrawn(Sent):
    """Why nobody shall follow a note any more."""

    reason: _Words


@router.post(
    _At,
    status_code=201,
    response_model=CaseAnswer,
    responses=problems(
        *_READING, NotFound, StepRefused, IdempotencyMismatch, BadCoordinate, UnknownCrs
    ),
)
def post_leader_note(
    case_id: uuid.UUID,
    given: Annotated[LeaderNoteIn, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Write a note on a case, or what a visit found, for a named person and with a limit."""

    def write() -> Case:
        place = None
        if given.lon is not None and given.lat is not None:
            place = to_wgs84(*check_lon_lat(given.lon, given.lat, given.crs, field=""), given.crs)
        note = service.NoteGiven(
            given.kind, given.words, given.staff, given.limit_at, place, given.at
        )
        return service.write(occasion, case_id, note)

    return _written(occasion, key, ["leader note", str(case_id), given], write, status=201)


@router.post(_At + "/{n}/answer", response_model=CaseAnswer, responses=_WRITING)
def post_note_answer(
    case_id: uuid.UUID,
    n: int,
    given: Annotated[NoteAnswerIn, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """The named person says what they will do; the time that it took is counted."""

    def write() -> Case:
        return service.answer(occasion, case_id, n, **dict(given))

    return _written(occasion, key, ["note answer", str(case_id), n, given], write)


@router.post(_At + "/{n}/done", response_model=CaseAnswer, responses=_WRITING)
def post_note_done(
    case_id: uuid.UUID,
    n: int,
    given: Annotated[NoteDoneIn, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """The named person has done it."""

    def write() -> Case:
        return service.done(occasion, case_id, n, **dict(given))

    return _written(occasion, key, ["note done", str(case_id), n, given], write)


@router.post(_At + "/{n}/end", response_model=CaseAnswer, responses=_WRITING)
def post_note_end(
    case_id: uuid.UUID,
    n: int,
    given: Annotated[NoteEndIn, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """The leader is satisfied, or sends it back with another limit."""

    def write() -> Case:
        return service.end(occasion, case_id, n, **dict(given))

    return _written(occasion, key, ["note end", str(case_id), n, given], write)


@router.post(_At + "/{n}/hand-on", response_model=CaseAnswer, responses=_WRITING)
def post_note_handed_on(
    case_id: uuid.UUID,
    n: int,
    given: Annotated[NoteHandedOn, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Another person answers from now on; the limit stays."""

    def write() -> Case:
        return service.hand_on(occasion, case_id, n, **dict(given))

    return _written(occasion, key, ["note handed on", str(case_id), n, given], write)


@router.post(_At + "/{n}/withdraw", response_model=CaseAnswer, responses=_WRITING)
def post_note_withdrawn(
    case_id: uuid.UUID,
    n: int,
    given: Annotated[NoteWithdrawn, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Nobody shall follow a note any more."""

    def write() -> Case:
        return service.withdraw(occasion, case_id, n, **dict(given))

    return _written(occasion, key, ["note withdrawn", str(case_id), n, given], write)


@router.get("/leader-notes", response_model=LeaderNotePage, responses=problems(*_READING))
def list_notes(
    occasion: CurrentOccasion,
    area: AreaAsked = None,
    mine: Annotated[bool, Query(description="Those for the caller, wherever they are.")] = False,
    state: Annotated[list[NoteState] | None, Query(description="Any of these.")] = None,
    limit: PageLimit = 100,
    cursor: Annotated[str | None, Query(description="'next' of the previous page.")] = None,
) -> LeaderNotePage:
    """Notes on cases of the own area, or for the caller, in the order of writing."""
    found = repository.notes_under(
        occasion.session,
        "" if mine else own_area(occasion, area),
        staff=service.own_staff(occasion) if mine else None,
        states=state or (),
        after=_after(cursor),
        limit=limit,
    )
    last = found[-1] if len(found) == limit else None
    return LeaderNotePage(
        notes=[LeaderNoteWaiting.of(one) for one in found],
        next=None if last is None else f"{last.written_at.isoformat()}~{last.case_id}~{last.n}",
    )


@router.get(
    "/leader-notes/counts",
    response_model=as_built(LeaderCountsList),
    responses=problems(*_READING),
)
def get_leader_counts(
    occasion: CurrentOccasion, period: Month, area: AreaAsked = None
) -> LeaderCountsList:
    """By month and leader: written, answered within the hour, done in time, ended."""
    asked, span = own_area(occasion, area), parse_period(period, occasion.city.calendar)
    lines = leader_lines(
        occasion.session, occasion.city, asked, span.start, span.end, now=occasion.now
    )
    return LeaderCountsList(
        period=span.name,
        area=asked,
        lines=[LeaderCountsAnswer(**one.to_json()) for one in lines],
    )


@router.get("/leader-notes/page.html", response_class=HTMLResponse, responses=problems(*_READING))
def get_leader_page(
    occasion: CurrentOccasion, period: Month, area: AreaAsked = None
) -> HTMLResponse:
    """The same on one page to print, with what waits."""
    asked, span = own_area(occasion, area), parse_period(period, occasion.city.calendar)
    page = notes_page(occasion.session, occasion.city, asked, span, now=occasion.now)
    return HTMLResponse(page, headers={"Content-Security-Policy": CONTENT_POLICY})


def _after(cursor: str | None) -> tuple[dt.datetime, uuid.UUID, int] | None:
    """Behind which note a page begins. Raises BadInput."""
    if cursor is None:
        return None
    try:
        at, case_id, n = cursor.split("~")
        moment = dt.datetime.fromisoformat(at.replace(" ", "+"))
        if moment.tzinfo is None:
            raise ValueError(at)
        return moment, uuid.UUID(case_id), int(n)
    except (ValueError, OverflowError):
        raise BadInput("'cursor' is not `next` of a page.", field="cursor") from None


def _written(
    occasion: Occasion, key: str | None, request: Any, act: Callable[[], Case], *, status: int = 200
) -> JSONResponse:
    """Do something with a note, once; gives its case as it then stands."""

    def write() -> dict[str, Any]:
        case = act()
        occasion.session.flush()
        return case_json(occasion.session, occasion.city, case)

    return once(occasion, key, request, write, status=status)
