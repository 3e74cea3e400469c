"""Disputes: where areas contradict each other, what both sides say, and how it is settled."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Body, Header, Query
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import Field
from sqlalchemy.orm import Session

from gridsvc.answers import as_built
from gridsvc.api import clock
from gridsvc.api.dependencies import (
    CurrentAtlas,
    CurrentCaller,
    CurrentOccasion,
    CurrentService,
    DbSession,
    IdempotencyKey,
    Moment,
    PerhapsCaller,
    RawBody,
    once,
)
from gridsvc.api.problems import problems
from gridsvc.api.rules import JsonObject, Sent, Text
from gridsvc.callers import Caller
from gridsvc.cases.systems.disputes.repository import CaseOn
from gridsvc.cases.systems.disputes.schemas import DisputeWhole, WhatIfAnswer
from gridsvc.cases.systems.disputes.what_if import inside_json, what_if
from gridsvc.city import City
from gridsvc.errors import (
    BadCode,
    BadCoordinate,
    BadGeometry,
    BadInput,
    Conflict,
    IdempotencyMismatch,
    MissingPrerequisite,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    StepRefused,
    TooLarge,
    UnknownCrs,
)
from gridsvc.maps.self_contained import CONTENT_POLICY
from gridsvc.registry.bodies.agreements import read_draft
from gridsvc.registry.disputes import repository
from gridsvc.registry.disputes.evidence import add_file, add_note, evidence_or_refuse
from gridsvc.registry.disputes.finding import find_disputes
from gridsvc.registry.disputes.model import Actor
from gridsvc.registry.disputes.models import Dispute
from gridsvc.registry.disputes.schemas import DisputePage, EvidenceAnswer, FoundAnswer
from gridsvc.registry.disputes.service import Move, dispute_or_refuse, move
from gridsvc.registry.disputes.view import dispute_json, evidence_json, summaries_json
from gridsvc.registry.disputes.what_if import read_border_move
from gridsvc.spatial.box import parse_bbox

if TYPE_CHECKING:
    from gridsvc.maps.dossier import Dossier

router = APIRouter(prefix="/v1", tags=["disputes"])

_WRITING = problems(NotAuthenticated, NotAllowed, NotFound, BadInput, Conflict, IdempotencyMismatch)


@router.get(
    "/disputes",
    response_model=as_built(DisputePage),
    responses=problems(BadInput, BadCode, BadCoordinate),
)
def list_disputes(
    session: DbSession,
    state: Annotated[
        Literal["open", "under_negotiation", "agreed", "settled"] | None, Query()
    ] = None,
    area: Annotated[
        str | None, Query(description="A side's code, or one above or below it: 1101, 110102.")
    ] = None,
    bbox: Annotated[
        str | None, Query(description="west,south,east,north in degrees: what touches this box.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[uuid.UUID | None, Query(description="'next' of the previous page.")] = None,
) -> dict[str, Any]:
    """Disputes, the oldest first; nothing in them is personal."""
    if area is not None and not (area.isascii() and area.isdecimal() and len(area) <= 12):
        raise BadCode(
            f"'area' is {area[:40]!r}; send the digits of an area's code, such as 110102.",
            field="area",
        )
    found = repository.disputes_page(
        session,
        state=state,
        area=area,
        bbox=None if bbox is None else parse_bbox(bbox),
        after=cursor,
        limit=limit,
    )
    return {
        "disputes": summaries_json(session, found),
        "next": str(found[-1].id) if len(found) == limit else None,
    }


class Search(Sent):
    """The edition that is looked through."""

    edition: Text = Field(min_length=1, max_length=80)


@router.post("/disputes/find", status_code=201, response_model=FoundAnswer, responses=_WRITING)
def post_find(
    given: Annotated[Search, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Make a dispute of every gap, overlap and conflict of an edition above the accuracy.

    For the whole city; a place found again is the dispute that it was. Takes seconds.
    """

    def write() -> FoundAnswer:
        actor = Actor.of(occasion.caller)
        return find_disputes(
            occasion.session, occasion.city, given.edition, actor=actor, now=occasion.now
        )

    return once(occasion, key, ["find disputes", given], write, status=201)


@router.get(
    "/disputes/{dispute_id}",
    response_model=as_built(DisputeWhole),
    responses=problems(NotFound, NotAuthenticated, BadInput),
)
def get_dispute(
    dispute_id: uuid.UUID,
    service: CurrentService,
    session: DbSession,
    caller: PerhapsCaller,
) -> dict[str, Any]:
    """One dispute: its ground, sides, terms, evidence, history, and what lies inside.

    Persons, reasons, notes, and the points of reports are told to tokens of its sides only.
    """
    dispute = dispute_or_refuse(session, dispute_id)
    return _whole(session, service.city, dispute, caller)


class Note(Sent):
    """A note, kept for good; the sides may read it."""

    note: Text = Field(min_length=1, max_length=10_000)


@router.post(
    "/disputes/{dispute_id}/notes",
    status_code=201,
    response_model=EvidenceAnswer,
    responses=_WRITING,
)
def post_note(
    dispute_id: uuid.UUID,
    given: Annotated[Note, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Add a note, for one of the sides."""

    def write() -> dict[str, Any]:
        session, caller = occasion.session, occasion.caller
        kept = add_note(session, caller, dispute_id, given.note, now=occasion.now)
        return evidence_json(kept, named=True)

    return once(occasion, key, ["note", str(dispute_id), given], write, status=201)


@router.post(
    "/disputes/{dispute_id}/evidence",
    status_code=201,
    response_model=as_built(EvidenceAnswer),
    responses=_WRITING | problems(TooLarge),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
def post_evidence(
    dispute_id: uuid.UUID,
    name: Annotated[str, Query(description="The file's name, such as survey-2026.pdf.")],
    content: RawBody,
    service: CurrentService,
    occasion: CurrentOccasion,
    content_type: Annotated[str, Header()] = "application/octet-stream",
) -> dict[str, Any]:
    """Add a file, for one of the sides: its bytes are the body, its type the Content-Type."""
    kept = add_file(
        occasion.session,
        occasion.caller,
        dispute_id,
        name=name,
        media_type=content_type,
        content=content,
        max_bytes=service.settings.max_evidence_bytes,
        now=occasion.now,
    )
    return evidence_json(kept, named=True)


@router.get(
    "/disputes/{dispute_id}/evidence/{evidence_id}",
    response_class=Response,
    responses={
        200: {"content": {"*/*": {}}, "description": "The file as it was brought"},
        **problems(NotAuthenticated, NotAllowed, NotFound, BadInput),
    },
)
def get_evidence(
    dispute_id: uuid.UUID, evidence_id: uuid.UUID, session: DbSession, caller: CurrentCaller
) -> Response:
    """The bytes of a piece of evidence, for the staff of its sides."""
    dispute = dispute_or_refuse(session, dispute_id)
    if not _is_of_a_side(caller, dispute):
        raise NotAllowed(
            f"Evidence may be read only by staff of the sides ({' and '.join(dispute.side_codes)})."
        )
    kept = evidence_or_refuse(session, dispute, evidence_id)
    return Response(
        kept.content,
        media_type=kept.media_type,
        headers={
            "Content-Disposition": "attachment",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "ETag": f'"{kept.sha256}"',
        },
    )


class StateIn(Sent):
    """The state wished for, and why; with *agreed* the terms, with *settled* the edition."""

    state: Text
    why: Text = Field(min_length=1, max_length=10_000)
    agreement: JsonObject | None = Field(
        default=None, description="{title, zone, valid_from, valid_to, duties}; with 'agreed'."
    )
    edition_id: Text | None = Field(default=None, max_length=80)


@router.post(
    "/disputes/{dispute_id}/state",
    response_model=DisputeWhole,
    responses=_WRITING | problems(StepRefused),
)
def post_state(
    dispute_id: uuid.UUID,
    given: Annotated[StateIn, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Move a dispute into another state, for one of its sides.

    open → under_negotiation → agreed (when every side has said so) → settled.
    """

    def write() -> dict[str, Any]:
        session, city, caller = occasion.session, occasion.city, occasion.caller
        wish = Move(given.state, given.why, given.agreement, given.edition_id)
        moved = move(session, city, caller, dispute_id, wish, now=occasion.now)
        return _whole(session, city, moved, caller)

    return once(occasion, key, ["state", str(dispute_id), given], write)


class Proposal(Sent):
    """A border redrawn, or an agreement before it is signed."""

    geojson: JsonObject | None = Field(
        default=None, description="Areas of one level with the property 'code'."
    )
    crs: Text = "wgs84"
    agreement: JsonObject | None = None


@router.post(
    "/what-if",
    response_model=as_built(WhatIfAnswer),
    responses=problems(
        NotAuthenticated, NotAllowed, NotFound, BadInput, BadGeometry, UnknownCrs, TooLarge
    ),
)
def post_what_if(
    given: Annotated[Proposal, Body()],
    service: CurrentService,
    session: DbSession,
    moment: Moment,
    atlas: CurrentAtlas,
    caller: CurrentCaller,
) -> dict[str, Any]:
    """Which ground, parts, unit grids, open cases, duties and bodies would change sides.

    Nothing is written. Of the cases, those of the token's area are told.
    """

    def seen(case: CaseOn) -> bool:
        return caller.covers(case.district_code, case.street_code, case.community_code)

    if (given.geojson is None) == (given.agreement is None):
        raise BadInput("Send exactly one of 'geojson' and 'agreement'.", field="geojson")
    if given.agreement is not None:
        draft = read_draft(given.agreement, service.city.standard)
        return what_if(session, service.city, atlas, draft, seen=seen, now=moment)
    moved = read_border_move(given.geojson or {}, given.crs)
    return what_if(session, service.city, atlas, moved, seen=seen, now=moment)


@router.get(
    "/disputes/{dispute_id}/dossier.html",
    response_class=HTMLResponse,
    responses=problems(NotFound, BadInput, MissingPrerequisite),
)
def get_dossier(
    dispute_id: uuid.UUID, service: CurrentService, session: DbSession, caller: PerhapsCaller
) -> HTMLResponse:
    """The dossier as one file: map, sides, reports and parts inside, evidence, history.

    Reasons, notes and the points of reports are told to tokens of its sides only.
    """
    from gridsvc.maps.dossier import dossier_page  # folium

    read = _dossier(session, service.city, dispute_id, caller)
    page = dossier_page(read, service.city)
    headers = {"Content-Security-Policy": CONTENT_POLICY, "Cache-Control": "no-cache"}
    return HTMLResponse(page, headers=headers)


@router.get(
    "/disputes/{dispute_id}/dossier.gpkg",
    response_class=Response,
    responses={
        200: {"content": {"application/geopackage+sqlite3": {}}, "description": "A GeoPackage"},
        **problems(NotFound, BadInput),
    },
)
def get_geopackage(
    dispute_id: uuid.UUID, service: CurrentService, session: DbSession, caller: PerhapsCaller
) -> Response:
    """The dossier for a GIS: layers dispute, sides, reports, parts, history; told as the page."""
    from gridsvc.maps.dossier import dossier_geopackage  # geopandas

    content = dossier_geopackage(_dossier(session, service.city, dispute_id, caller))
    return Response(
        content,
        media_type="application/geopackage+sqlite3",
        headers={"Content-Disposition": f'attachment; filename="dispute-{dispute_id}.gpkg"'},
    )


def _is_of_a_side(caller: Caller | None, dispute: Dispute) -> bool:
    """Whether a caller belongs to one of the sides, or is above them."""
    return caller is not None and caller.staff and caller.covers(*dispute.side_codes)


def _dossier(session: Session, city: City, dispute_id: uuid.UUID, caller: Caller | None) -> Dossier:
    from gridsvc.maps.dossier import read_dossier  # folium

    named = _is_of_a_side(caller, dispute_or_refuse(session, dispute_id))
    return read_dossier(session, city, dispute_id, named=named, now=clock.utc_now())


def _whole(session: Session, city: City, dispute: Dispute, caller: Caller | None) -> dict[str, Any]:
    named = _is_of_a_side(caller, dispute)
    shown = dispute_json(session, dispute, named=named)
    inside = inside_json(session, dispute, city.day(clock.utc_now()), named=named)
    return {**shown, "inside": inside}
