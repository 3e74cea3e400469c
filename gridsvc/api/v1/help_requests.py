"""Ask, take, rate (一呼百应): requests for help of residents and offices."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from fastapi.responses import JSONResponse
from pydantic import Field

from gridsvc.api.dependencies import CurrentOccasion, CurrentService, IdempotencyKey, once
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.api.rules import Sent, Text
from gridsvc.api.v1.members import AreaAsked, PageLimit, Since, Until, days_asked, own_area
from gridsvc.callers import Role
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.systems.help_requests import repository, rights, service
from gridsvc.cases.systems.help_requests.models import HelpRequest
from gridsvc.cases.systems.help_requests.schemas import (
    HelpCounts,
    HelpKindAnswer,
    HelpKindList,
    HelpReleaseAnswer,
    HelpRequestAnswer,
    HelpRequestPage,
    State,
)
from gridsvc.errors import BadInput, Conflict, IdempotencyMismatch, NotFound
from gridsvc.registry.members.repository import member_of_subject

router = APIRouter(prefix="/v1/help-requests", tags=["communities"])

_READING = (*TOKEN_PROBLEMS, BadInput)
_WRITING = (*_READING, NotFound, Conflict, IdempotencyMismatch)
_Code = Annotated[Text, Field(min_length=1, max_length=20)]
_Words = Annotated[Text, Field(min_length=1, max_length=1_000)]


class HelpWish(Sent):
    """What is asked of the members of a community."""

    community: Text = Field(pattern=r"^\d{12}$", description="A village or community.")
    kind: Text = Field(max_length=20, description="One of GET /v1/help-requests/kinds.")
    what: _Words = Field(description="Nothing personal: whoever may take it reads it.")
    place: Text | None = Field(
        default=None, max_length=200, description="Told to who takes it, and to staff."
    )
    wanted_by: dt.datetime | None = Field(
        default=None, description="RFC 3339; by the kind when left out."
    )
    body: Text | None = Field(default=None, description="The body that asks, where not clear.")


class HelpTaken(Sent):
    """Who takes a request; nobody is named by a member who takes it alone."""

    member: _Code | None = Field(default=None, description="Their code; named by staff.")
    team: _Code | None = Field(default=None, description="Taken by its leader, or by staff.")


class HelpReason(Sent):
    """Why a request is given back."""

    reason: _Words


class HelpDone(Sent):
    """What was done."""

    minutes: int = Field(ge=1, le=1440, description="Of each who came.")
    members: list[_Code] = Field(
        default_factory=list, max_length=200, description="Of a team: who came; else its leader."
    )


class HelpRated(Sent):
    """How it was."""

    score: int = Field(ge=1, le=5)
    note: Text | None = Field(default=None, max_length=1_000)


class NobodyCame(Sent):
    """That nobody came."""

    note: _Words
    wanted_by: dt.datetime | None = Field(
        default=None, description="Until when others may take it; lapsed when left out."
    )


class HelpRenewed(Sent):
    """Until when somebody is wanted now."""

    wanted_by: dt.datetime


@router.get("", response_model=HelpRequestPage, responses=problems(*_READING))
def list_requests(
    occasion: CurrentOccasion,
    area: AreaAsked = None,
    state: Annotated[list[State] | None, Query(description="Any of these.")] = None,
    limit: PageLimit = 100,
    cursor: Annotated[uuid.UUID | None, Query(description="'next' of the previous page.")] = None,
) -> HelpRequestPage:
    """Staff: those of the own area. Residents: what they asked, have taken, or may take."""
    session, caller = occasion.session, occasion.caller
    more: dict[str, Any] = {"states": state or (), "after": cursor, "limit": limit}
    if caller.role is Role.CITIZEN:
        member = member_of_subject(session, caller.subject)
        found = repository.requests_for(
            session,
            subject=caller.subject,
            member=None if member is None else member.code,
            community=None if member is None else member.community_code,
            **more,
        )
    else:
        found = repository.requests_under(session, own_area(occasion, area), **more)
    return HelpRequestPage(
        requests=[_told(occasion, one) for one in found],
        next=str(found[-1].id) if len(found) == limit else None,
    )


@router.get("/kinds", responses=problems())
def get_kinds(shared: CurrentService) -> HelpKindList:
    """What may be asked."""
    names = ("kind", "title", "title_zh")
    kinds = [dict(zip(names, one, strict=True)) for one in service.kinds_of(shared.city)]
    return HelpKindList(kinds=[HelpKindAnswer(**one) for one in kinds])


@router.get("/counts", response_model=HelpCounts, responses=problems(*_READING))
def get_help_counts(
    occasion: CurrentOccasion, area: AreaAsked = None, since: Since = None, until: Until = None
) -> HelpCounts:
    """What came of the requests of the own area: how many in each state, and how they were."""
    asked = own_area(occasion, area)
    first, end = days_asked(occasion, since, until)
    begins = occasion.city.calendar.begins
    found = repository.asked(occasion.session, asked, begins(first), begins(end))
    mean = None if found.mean is None else str(found.mean)
    return HelpCounts.of(found, area=asked, since=first, until=end, mean=mean)


@router.get("/{request_id}", response_model=HelpRequestAnswer, responses=problems(*TOKEN_PROBLEMS))
def get_request(request_id: uuid.UUID, occasion: CurrentOccasion) -> HelpRequestAnswer:
    """One request, for its asker, its taker, who may take it, and staff."""
    return _told(occasion, rights.readable(occasion, request_id))


@router.post("", status_code=201, response_model=HelpRequestAnswer, responses=problems(*_WRITING))
def post_request(
    given: Annotated[HelpWish, Body()], occasion: CurrentOccasion, key: IdempotencyKey = None
) -> JSONResponse:
    """Ask the members of a community for help; a resident, or a body that works there."""
    wish = service.Wish(**dict(given))
    return _written(occasion, key, ["help", given], lambda: service.ask(occasion, wish), status=201)


@router.post("/{request_id}/take", response_model=HelpRequestAnswer, responses=problems(*_WRITING))
def post_help_taken(
    request_id: uuid.UUID,
    occasion: CurrentOccasion,
    given: Annotated[HelpTaken | None, Body()] = None,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Take a request, as a member of the community or for a team; whoever comes second is told."""
    named = HelpTaken() if given is None else given

    def write() -> HelpRequest:
        return service.take(occasion, request_id, **dict(named))

    return _written(occasion, key, ["help taken", str(request_id), named], write)


@router.post(
    "/{request_id}/give-back", response_model=HelpRequestAnswer, responses=problems(*_WRITING)
)
def post_help_given_back(
    request_id: uuid.UUID,
    given: Annotated[HelpReason, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Whoever has taken a request cannot come."""

    def write() -> HelpRequest:
        return service.give_back(occasion, request_id, **dict(given))

    return _written(occasion, key, ["help given back", str(request_id), given], write)


@router.post("/{request_id}/done", response_model=HelpRequestAnswer, responses=problems(*_WRITING))
def post_help_done(
    request_id: uuid.UUID,
    given: Annotated[HelpDone, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """It is done: the services of those who came are entered."""

    def write() -> HelpRequest:
        return service.finish(occasion, request_id, **dict(given))

    return _written(occasion, key, ["help done", str(request_id), given], write)


@router.post("/{request_id}/rate", response_model=HelpRequestAnswer, responses=problems(*_WRITING))
def post_help_rated(
    request_id: uuid.UUID,
    given: Annotated[HelpRated, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Whoever asked, and nobody else, says how it was, once."""

    def write() -> HelpRequest:
        return service.rate(occasion, request_id, **dict(given))

    return _written(occasion, key, ["help rated", str(request_id), given], write)


@router.post(
    "/{request_id}/not-come", response_model=HelpRequestAnswer, responses=problems(*_WRITING)
)
def post_not_come(
    request_id: uuid.UUID,
    given: Annotated[NobodyCame, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Nobody came: no service counts, and others may take it."""

    def write() -> HelpRequest:
        return service.not_come(occasion, request_id, **dict(given))

    return _written(occasion, key, ["help not come", str(request_id), given], write)


@router.post("/{request_id}/renew", response_model=HelpRequestAnswer, responses=problems(*_WRITING))
def post_help_renewed(
    request_id: uuid.UUID,
    given: Annotated[HelpRenewed, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Ask again for what nobody took."""

    def write() -> HelpRequest:
        return service.renew(occasion, request_id, **dict(given))

    return _written(occasion, key, ["help renewed", str(request_id), given], write)


@router.post(
    "/{request_id}/withdraw", response_model=HelpRequestAnswer, responses=problems(*_WRITING)
)
def post_help_withdrawn(
    request_id: uuid.UUID, occasion: CurrentOccasion, key: IdempotencyKey = None
) -> JSONResponse:
    """It is not needed any more."""
    return _written(
        occasion,
        key,
        ["help withdrawn", str(request_id)],
        lambda: service.withdraw(occasion, request_id),
    )


def _told(occasion: Occasion, request: HelpRequest) -> HelpRequestAnswer:
    """A request: its place to staff, its asker and its taker; what went wrong not to the taker."""
    session, caller = occasion.session, occasion.caller
    knows = rights.staff_of(caller, request) or rights.is_asker(occasion, request)
    taken = False
    if not knows and request.member_code is not None:
        member = member_of_subject(session, caller.subject)
        taken = member is not None and member.code == request.member_code
    releases = repository.releases_of(session, request) if knows else []
    return HelpRequestAnswer.of(
        request,
        place=request.place if knows or taken else None,
        releases=[HelpReleaseAnswer.of(one) for one in releases],
    )


def _written(
    occasion: Occasion,
    key: str | None,
    request: Any,
    act: Callable[[], HelpRequest],
    *,
    status: int = 200,
) -> JSONResponse:
    """Do something with a request, once; gives it as it then stands."""
    return once(occasion, key, request, lambda: _told(occasion, act()), status=status)
