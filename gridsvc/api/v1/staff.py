"""The register of staff: who serves where, and who is on duty now."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated

from fastapi import APIRouter, Body, Query
from fastapi.responses import JSONResponse
from pydantic import Field

from gridsvc.answers import as_built
from gridsvc.api.dependencies import (
    CurrentOccasion,
    CurrentService,
    IdempotencyKey,
    once,
)
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.api.rules import Sent, Text
from gridsvc.cases.core.act import Occasion
from gridsvc.errors import (
    BadCoordinate,
    BadInput,
    Conflict,
    IdempotencyMismatch,
    NotAllowed,
    OutsideCity,
    UnknownCrs,
)
from gridsvc.registry.placement.service import place_inside
from gridsvc.registry.placement.store import Atlas
from gridsvc.registry.staff import repository, service
from gridsvc.registry.staff.duty import on_duty
from gridsvc.registry.staff.model import Entered, StaffRole, Where
from gridsvc.registry.staff.models import StaffMember
from gridsvc.registry.staff.schemas import (
    OnDutyAnswer,
    OnDutyList,
    StaffAnswer,
    StaffPage,
    TelephoneAnswer,
)
from gridsvc.spatial.crs import check_lon_lat, to_wgs84

router = APIRouter(prefix="/v1/staff", tags=["staff"])

_READING = (*TOKEN_PROBLEMS, BadInput)
_WRITING = (*_READING, Conflict, IdempotencyMismatch)

_Area = Annotated[
    str | None,
    Query(pattern=r"^(\d{2}|\d{4}|\d{6}|\d{9}|\d{12})$", description="The digits of its code."),
]


class MemberChange(Sent):
    """What is to be corrected; the rest stays."""

    name: Text | None = Field(default=None, min_length=1, max_length=100)
    office: Text | None = Field(default=None, description="The code of their body.")
    role: StaffRole | None = None
    places: list[Text] | None = Field(
        default=None, min_length=1, description="Areas, unit grids, social grids."
    )
    shifts: Text | None = Field(default=None, description="workday 08:00-12:00; empty: always.")
    telephone: Text | None = Field(default=None, description="Kept sealed.")
    subject: Text | None = Field(default=None, max_length=100, description="Of their token.")


class NewMember(Sent):
    """Somebody for the register."""

    code: Text = Field(description="The number that their office gave them.")
    name: Text
    office: Text = Field(description="The code of their body.")
    role: StaffRole
    places: list[Text] = Field(
        default=[], description="Areas, unit grids, social grids; the office's area if left out."
    )
    shifts: Text = Field(default="", description="workday 08:00-12:00; empty: always on duty.")
    telephone: Text | None = Field(default=None, description="Kept sealed.")
    subject: Text | None = Field(default=None, max_length=100, description="Of their token.")
    valid_from: dt.date
    valid_to: dt.date | None = Field(default=None, description="The first day after their last.")
    district: Text | None = Field(default=None, description="Where the office has several.")


class Ended(Sent):
    """From when on somebody no longer serves."""

    on: dt.date = Field(description="The first day on which they do not.")
    reason: Text = Field(min_length=1, max_length=1000)


class TelephoneAsked(Sent):
    """Why a telephone is read."""

    reason: Text = Field(min_length=1, max_length=1000, description="Kept in the audit log.")


@router.get("", response_model=as_built(StaffPage), responses=problems(*_READING))
def list_staff(
    occasion: CurrentOccasion,
    area: _Area = None,
    role: Annotated[StaffRole | None, Query()] = None,
    office: Annotated[str | None, Query(description="The code of a body.")] = None,
    on: Annotated[dt.date | None, Query(description="Who serves on this day.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(description="'next' of the previous page.")] = None,
) -> StaffPage:
    """Those who serve in the own area, or in an area inside it."""
    session, own = occasion.session, occasion.caller.area
    if area is not None and not area.startswith(own):
        raise NotAllowed(f"The token is for {own}; it does not cover the staff of {area}.")
    found = repository.members_under(
        session,
        own if area is None else area,
        role=role,
        office=office,
        day=on,
        after=None if cursor is None else _place(cursor),
        limit=limit,
    )
    last = f"{found[-1].district_code}.{found[-1].id}" if len(found) == limit else None
    return StaffPage(staff=_told(occasion, found), next=last)


@router.get(
    "/on-duty",
    response_model=OnDutyList,
    responses=problems(*_READING, BadCoordinate, UnknownCrs, OutsideCity),
)
def get_on_duty(
    occasion: CurrentOccasion,
    shared: CurrentService,
    lon: Annotated[float | None, Query()] = None,
    lat: Annotated[float | None, Query()] = None,
    crs: Annotated[str, Query(description="wgs84, gcj02, bd09, EPSG:n or WKT.")] = "wgs84",
    area: Annotated[
        str | None,
        Query(pattern=r"^(\d{6}|\d{9}|\d{12})$", description="A district, street, community."),
    ] = None,
    district: Annotated[
        str | None, Query(pattern=r"^\d{6}$", description="Of a unit grid or a social grid.")
    ] = None,
    grid: Annotated[
        str | None, Query(description="The code of a unit grid or a social grid.")
    ] = None,
    role: Annotated[list[StaffRole] | None, Query()] = None,
    at: Annotated[dt.datetime | None, Query(description="RFC 3339; now when left out.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> OnDutyList:
    """Who is on duty at a point, in an area or in a grid, who serves nearest to it first."""
    if at is not None and at.tzinfo is None:
        raise BadInput("'at' has no time zone; add 'Z' or an offset.", field="at")
    moment = occasion.now if at is None else at.astimezone(dt.UTC)
    point = (lon, lat) if lon is not None and lat is not None else None
    asked = [point is not None, area is not None, None not in (district, grid)]
    parts = [one is not None for one in (lon, lat, area, district, grid)]
    if sum(asked) != 1 or sum(parts) != (1 if area is not None else 2):
        raise BadInput("Ask by lon and lat, by area, or by district and grid.", field="area")
    if point is not None:
        where = _where_is(shared.atlases.get(at and moment), *point, crs)
    elif area is not None:
        where = Where(area)
    else:
        where = _grid(occasion, str(district), str(grid))
    found = on_duty(occasion.session, occasion.city, where, moment, role or ())
    return OnDutyList.of(
        where,
        at=moment,
        on_duty=[OnDutyAnswer.told(one) for one in found[:limit]],
        count=len(found),
    )


@router.get("/{staff_id}", response_model=StaffAnswer, responses=problems(*_READING))
def get_member(staff_id: uuid.UUID, occasion: CurrentOccasion) -> StaffAnswer:
    """One entry of the register."""
    return _one(occasion, service.visible_member(occasion.session, occasion.caller, staff_id))


@router.post("", status_code=201, response_model=StaffAnswer, responses=problems(*_WRITING))
def post_member(
    given: Annotated[NewMember, Body()],
    occasion: CurrentOccasion,
    shared: CurrentService,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Enter somebody in the register."""

    def write() -> StaffAnswer:
        sent = dict(given)
        entered = service.check_entered(Entered(**sent | {"places": tuple(given.places)}))
        sealing, by = shared.reporter_keys.current, occasion.caller
        return _one(
            occasion,
            service.add_member(occasion.session, by, entered, sealing, source=by.subject),
        )

    return once(occasion, key, ["staff", given], write, status=201)


@router.patch("/{staff_id}", response_model=StaffAnswer, responses=problems(*_WRITING))
def patch_member(
    staff_id: uuid.UUID,
    given: Annotated[MemberChange, Body()],
    occasion: CurrentOccasion,
    shared: CurrentService,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Correct an entry; who moves to another office is ended there and entered anew."""
    sent = given.model_dump(exclude_unset=True)
    if given.places is not None:
        sent["places"] = tuple(given.places)
    for name in ("name", "office", "role", "places", "shifts"):
        if name in sent and sent[name] is None:
            raise BadInput(f"'{name}' cannot be empty; leave it out to let it be.", field=name)

    def write() -> StaffAnswer:
        sealing = shared.reporter_keys.current
        session, by = occasion.session, occasion.caller
        return _one(occasion, service.change_member(session, by, staff_id, sent, sealing))

    return once(occasion, key, ["staff change", str(staff_id), given], write)


@router.post("/{staff_id}/end", response_model=StaffAnswer, responses=problems(*_WRITING))
def post_end(
    staff_id: uuid.UUID,
    given: Annotated[Ended, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """From a day on somebody no longer serves; why is kept."""

    def write() -> StaffAnswer:
        ended = service.end_member(
            occasion.session,
            occasion.caller,
            staff_id,
            on=given.on,
            reason=given.reason,
            now=occasion.now,
        )
        return _one(occasion, ended)

    return once(occasion, key, ["staff end", str(staff_id), given], write)


@router.post("/{staff_id}/telephone", responses=problems(*_READING))
def read_telephone(
    staff_id: uuid.UUID,
    given: Annotated[TelephoneAsked, Body()],
    occasion: CurrentOccasion,
    shared: CurrentService,
) -> TelephoneAnswer:
    """Somebody's telephone, to call them; the reading is kept with its reason."""
    member, telephone = service.read_telephone(
        occasion.session,
        occasion.caller,
        staff_id,
        shared.reporter_keys.keys,
        reason=given.reason,
        now=occasion.now,
    )
    return TelephoneAnswer(id=member.id, code=member.code, telephone=telephone)


def _where_is(atlas: Atlas, lon: float, lat: float, crs: str) -> Where:
    x, y = check_lon_lat(lon, lat, crs, field="")
    placed = place_inside(atlas, *to_wgs84(x, y, crs), 0.0)
    areas = [one.code for one in (placed.district, placed.street, placed.community) if one]
    cell = placed.unit_grid
    return Where(areas[-1], None if cell is None else cell.code)


def _grid(occasion: Occasion, district: str, code: str) -> Where:
    known = repository.known_places(occasion.session, district, [code]).get(code, [])
    grids = [one for one in known if one.kind != "area"]
    if not grids:
        raise BadInput(f"{district} has no unit grid or social grid '{code[:40]}'.", field="grid")
    found = {one.kind: one.code for one in grids}
    return Where(grids[0].area_code, found.get("unit_grid"), found.get("social_grid"))


def _one(occasion: Occasion, member: StaffMember) -> StaffAnswer:
    return _told(occasion, [member])[0]


def _told(occasion: Occasion, members: list[StaffMember]) -> list[StaffAnswer]:
    places = repository.places_of(occasion.session, members)
    return [StaffAnswer.told(one, places[one.id]) for one in members]


def _place(cursor: str) -> tuple[str, uuid.UUID]:
    district, _, id = cursor.partition(".")
    try:
        return district, uuid.UUID(id)
    except ValueError:
        raise BadInput("'cursor' is not `next` of a page.", field="cursor") from None
