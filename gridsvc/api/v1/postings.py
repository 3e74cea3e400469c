"""Rosters (派驻名册): who comes, what bodies propose about them, and the street's opinion."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Query
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import Field
from sqlalchemy.orm import Session

from gridsvc.api.dependencies import CurrentOccasion, IdempotencyKey, once
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.api.rules import Sent, Text
from gridsvc.api.v1.members import AreaAsked, PageLimit, own_area
from gridsvc.callers import Caller
from gridsvc.cases.core.act import Occasion
from gridsvc.city import City
from gridsvc.errors import (
    BadCoordinate,
    BadInput,
    Conflict,
    IdempotencyMismatch,
    NotFound,
    UnknownCrs,
)
from gridsvc.maps.self_contained import CONTENT_POLICY
from gridsvc.registry.postings import repository, service
from gridsvc.registry.postings.roster import estimate, roster
from gridsvc.registry.postings.rules import PostingKind
from gridsvc.registry.postings.schemas import (
    PostingAnswer,
    PostingPage,
    PostingProposalAnswer,
    PostingProposalPage,
    ProposalState,
    RosterAnswer,
    RosterLine,
)
from gridsvc.registry.postings.service import NewPosting
from gridsvc.spatial.crs import check_lon_lat, to_wgs84

router = APIRouter(prefix="/v1/postings", tags=["staff"])

READING = (*TOKEN_PROBLEMS, BadInput)
_PLACING = (*READING, BadCoordinate, UnknownCrs)
WRITING = (*READING, NotFound, Conflict, IdempotencyMismatch)

Words = Annotated[Text, Field(min_length=1, max_length=2_000)]
Cursor = Annotated[uuid.UUID | None, Query(description="'next' of the previous page.")]
_Street = Annotated[str, Query(pattern=r"^\d{9}$", description="The street's code.")]
_At = Annotated[dt.datetime | None, Query(description="RFC 3339; now when left out.")]
FIRST = uuid.UUID(int=0)


class StationIn(Sent):
    """Where somebody starts from."""

    lon: float
    lat: float
    crs: Text = "wgs84"


class ProposalIn(Sent):
    """What a body proposes: a posting, a transfer away from a street, or a reward."""

    kind: Literal["posting", "transfer", "reward"]
    words: Words = Field(description="Why; for a reward, which.")
    on: dt.date = Field(description="The first day of a posting; from when a transfer holds.")
    posting: uuid.UUID | None = Field(
        default=None, description="Of a transfer or reward; whose place a new posting takes."
    )
    street: Text | None = Field(default=None, description="Of a posting.")
    staff: Text | None = Field(default=None, description="Of a posting: a code of the register.")
    posting_kind: PostingKind | None = Field(default=None, description="Of a posting.")
    valid_to: dt.date | None = Field(
        default=None, description="Of a posting: the first day on which it no longer holds."
    )
    station: StationIn | None = Field(default=None, description="Of who comes.")


class OpinionIn(Sent):
    """What the street thinks."""

    agrees: bool
    words: Text = Field(default="", max_length=2_000, description="Needed for an objection.")


class CarryIn(Sent):
    """What supervision decides after an objection."""

    carry: bool
    reason: Words


class PostingReason(Sent):
    """Why."""

    reason: Words


@router.get("", response_model=PostingPage, responses=problems(*READING))
def list_postings(
    occasion: CurrentOccasion,
    area: AreaAsked = None,
    body: Annotated[str | None, Query(description="The code of a body.")] = None,
    day: Annotated[dt.date | None, Query(description="Those that hold on it; else all.")] = None,
    limit: PageLimit = 100,
    cursor: Cursor = None,
) -> PostingPage:
    """Postings to the streets of the own area."""
    found = repository.postings_under(
        occasion.session,
        own_area(occasion, area),
        body=body,
        day=day,
        after=cursor or FIRST,
        limit=limit,
    )
    return PostingPage(
        postings=[PostingAnswer.told(one) for one in found],
        next=str(found[-1].id) if len(found) == limit else None,
    )


@router.get("/roster", responses=problems(*_PLACING))
def get_roster(
    occasion: CurrentOccasion,
    street: _Street,
    at: _At = None,
    lon: Annotated[float | None, Query(description="Where they shall come to.")] = None,
    lat: Annotated[float | None, Query()] = None,
    crs: Annotated[str, Query(description="wgs84, gcj02, bd09, EPSG:n or WKT.")] = "wgs84",
) -> RosterAnswer:
    """A street's roster: who comes now, posted first, then on call, with minutes to a place."""
    moment = _readable(occasion, street, at)
    if (lon is None) != (lat is None):
        raise BadInput("Send both lon and lat, or neither.", field="lon" if lon is None else "lat")
    place = None if lon is None or lat is None else _wgs84(lon, lat, crs)
    people = roster(occasion.session, occasion.city, street, moment, place)
    return RosterAnswer(
        street=street,
        at=moment,
        estimate=estimate(occasion.city),
        people=[RosterLine.told(one) for one in people],
    )


@router.get("/roster.html", response_class=HTMLResponse, responses=problems(*READING))
def get_roster_page(occasion: CurrentOccasion, street: _Street, at: _At = None) -> HTMLResponse:
    """The roster of a street's enforcement centre as one page that prints on A4."""
    from gridsvc.maps.roster import roster_page  # jinja

    moment = _readable(occasion, street, at)
    page = roster_page(occasion.session, occasion.city, street, moment)
    return HTMLResponse(page, headers={"Content-Security-Policy": CONTENT_POLICY})


@router.get("/proposals", response_model=PostingProposalPage, responses=problems(*READING))
def list_proposals(
    occasion: CurrentOccasion,
    area: AreaAsked = None,
    state: Annotated[list[ProposalState] | None, Query()] = None,
    escalated: Annotated[bool, Query(description="Only those nobody answered in time.")] = False,
    limit: PageLimit = 100,
    cursor: Cursor = None,
) -> PostingProposalPage:
    """What bodies propose to the streets of the own area."""
    found = repository.proposals_under(
        occasion.session,
        own_area(occasion, area),
        states=state or (),
        late_at=occasion.now if escalated else None,
        after=cursor or FIRST,
        limit=limit,
    )
    return PostingProposalPage(
        proposals=[PostingProposalAnswer.told(one, occasion.now) for one in found],
        next=str(found[-1].id) if len(found) == limit else None,
    )


@router.get("/proposals/{proposal_id}", responses=problems(*READING, NotFound))
def get_proposal(proposal_id: uuid.UUID, occasion: CurrentOccasion) -> PostingProposalAnswer:
    """One proposal, with the street's opinion and what was decided."""
    found = service.known_proposal(occasion.session, proposal_id)
    service.check_reads(occasion.caller, found.street_code)
    return PostingProposalAnswer.told(found, occasion.now)


@router.post(
    "/proposals",
    status_code=201,
    response_model=PostingProposalAnswer,
    responses=problems(*WRITING, BadCoordinate, UnknownCrs),
)
def post_proposal(
    given: Annotated[ProposalIn, Body()], occasion: CurrentOccasion, key: IdempotencyKey = None
) -> JSONResponse:
    """Propose a posting, a transfer or a reward; the street is asked for its opinion."""

    def write() -> PostingProposalAnswer:
        session, city, caller, now = parts_of(occasion)
        if given.kind == "posting":
            new = _new_posting(given)
            proposal = service.propose_posting(session, city, caller, new, now=now)
        else:
            if given.posting is None:
                raise BadInput(f"A {given.kind} names its 'posting'.", field="posting")
            proposal = service.propose_about(
                session,
                city,
                caller,
                given.posting,
                given.kind,
                on=given.on,
                words=given.words,
                now=now,
            )
        return PostingProposalAnswer.told(proposal, now)

    return once(occasion, key, ["posting proposal", given], write, status=201)


@router.post(
    "/proposals/{proposal_id}/opinion",
    response_model=PostingProposalAnswer,
    responses=problems(*WRITING),
)
def post_opinion(
    proposal_id: uuid.UUID,
    given: Annotated[OpinionIn, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """The street's opinion, by its own token: with its agreement it takes effect."""

    def write() -> PostingProposalAnswer:
        session, city, caller, now = parts_of(occasion)
        said = service.give_opinion(
            session, city, caller, proposal_id, agrees=given.agrees, words=given.words, now=now
        )
        return PostingProposalAnswer.told(said, now)

    return once(occasion, key, ["posting opinion", str(proposal_id), given], write)


@router.post(
    "/proposals/{proposal_id}/decision",
    response_model=PostingProposalAnswer,
    responses=problems(*WRITING),
)
def post_carry(
    proposal_id: uuid.UUID,
    given: Annotated[CarryIn, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """After the street's objection supervision decides, with its reason."""

    def write() -> PostingProposalAnswer:
        session, city, caller, now = parts_of(occasion)
        decided = service.decide(
            session, city, caller, proposal_id, carry=given.carry, reason=given.reason, now=now
        )
        return PostingProposalAnswer.told(decided, now)

    return once(occasion, key, ["posting decision", str(proposal_id), given], write)


@router.post(
    "/proposals/{proposal_id}/withdraw",
    response_model=PostingProposalAnswer,
    responses=problems(*WRITING),
)
def post_proposal_withdrawn(
    proposal_id: uuid.UUID,
    given: Annotated[PostingReason, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """The body takes back what has not taken effect."""

    def write() -> PostingProposalAnswer:
        session, _, caller, now = parts_of(occasion)
        taken = service.withdraw(session, caller, proposal_id, reason=given.reason, now=now)
        return PostingProposalAnswer.told(taken, now)

    return once(occasion, key, ["posting withdrawn", str(proposal_id), given], write)


def _new_posting(given: ProposalIn) -> NewPosting:
    if given.street is None or given.staff is None or given.posting_kind is None:
        raise BadInput("A posting names 'street', 'staff' and 'posting_kind'.", field="kind")
    station = given.station
    return NewPosting(
        street=given.street,
        staff=given.staff,
        kind=given.posting_kind,
        valid_from=given.on,
        valid_to=given.valid_to,
        station=None if station is None else _wgs84(station.lon, station.lat, station.crs),
        words=given.words,
        replaces=given.posting,
    )


def _readable(occasion: Occasion, street: str, at: dt.datetime | None) -> dt.datetime:
    """The moment that is asked about, for whoever works in the street or around it."""
    service.check_reads(occasion.caller, street)
    if at is not None and at.tzinfo is None:
        raise BadInput("'at' has no time zone; add 'Z' or an offset.", field="at")
    return occasion.now if at is None else at.astimezone(dt.UTC)


def _wgs84(lon: float, lat: float, crs: str) -> tuple[float, float]:
    return to_wgs84(*check_lon_lat(lon, lat, crs, field=""), crs)


def parts_of(occasion: Occasion) -> tuple[Session, City, Caller, dt.datetime]:
    """Session, city, caller and moment of an occasion."""
    return occasion.session, occasion.city, occasion.caller, occasion.now
