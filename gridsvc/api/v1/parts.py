"""Parts: near a place, by code, registered, changed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from gridsvc.api.dependencies import (
    CurrentAtlas,
    CurrentOccasion,
    CurrentService,
    DbSession,
    IdempotencyKey,
    Moment,
    PerhapsCaller,
    Then,
    once,
    parts_whole,
)
from gridsvc.api.problems import problems
from gridsvc.callers import Caller
from gridsvc.errors import (
    BadCode,
    BadCoordinate,
    BadGeometry,
    BadInput,
    CodesExhausted,
    Conflict,
    IdempotencyMismatch,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    OutsideCity,
    UnknownClass,
    UnknownCrs,
    UnknownParameter,
)
from gridsvc.registry.parts.schemas import NearPartOut, NewPart, PartChange, PartOut, PartPage
from gridsvc.registry.parts.service import (
    add_part,
    areas_on,
    change_part,
    district_of_new,
    get_part,
    near_parts,
)
from gridsvc.spatial.crs import check_lon_lat, to_wgs84

router = APIRouter(prefix="/v1/parts", tags=["parts"])

_MOST_RADIUS_M = 5_000.0
_WRITE_PROBLEMS = (NotAuthenticated, NotAllowed, IdempotencyMismatch, BadInput)


@router.get(
    "",
    response_model_exclude_unset=True,
    responses=problems(UnknownParameter, BadInput, BadCoordinate, UnknownCrs, NotFound),
)
def list_near(
    service: CurrentService,
    session: DbSession,
    moment: Moment,
    then: Then,
    caller: PerhapsCaller,
    near: Annotated[str, Query(description="'lon,lat' in the declared CRS.")],
    radius_m: Annotated[float, Query(gt=0, le=_MOST_RADIUS_M, description="Metres.")] = 100.0,
    class_code: Annotated[
        str | None, Query(alias="class", pattern="^[0-9]{5}$", description="5 digits.")
    ] = None,
    crs: Annotated[str, Query(description="wgs84, gcj02, bd09, EPSG:n or WKT.")] = "wgs84",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(description="'next' of the previous page.")] = None,
) -> PartPage:
    """Parts around a point, nearest first, with their distance in metres.

    Their areas are those that they were registered in; with ``as_of``, those of that day.
    """
    lon, lat = to_wgs84(*_pair(near, crs), crs)
    found, following = near_parts(
        session,
        lon,
        lat,
        radius_m=radius_m,
        day=service.city.day(moment),
        class_code=class_code,
        limit=limit,
        cursor=cursor,
    )
    parts = [
        NearPartOut.of(
            one.part,
            whole=parts_whole(service, caller),
            distance_m=round(one.distance_m, 3),
            **({} if then is None else areas_on(then.atlas, one.part)),
        )
        for one in found
    ]
    return PartPage(parts=parts, next=following)


@router.get(
    "/{district}/{code}",
    response_model_exclude_unset=True,
    responses=problems(UnknownParameter, BadCode, NotFound),
)
def get_one(
    district: str,
    code: str,
    service: CurrentService,
    session: DbSession,
    then: Then,
    caller: PerhapsCaller,
) -> PartOut:
    """One part by its district and 8-digit code, in the areas that it was registered in.

    With ``as_of`` in the areas of that day.
    """
    part = get_part(session, district, code, day=None if then is None else then.day)
    return PartOut.of(
        part,
        whole=parts_whole(service, caller),
        **({} if then is None else areas_on(then.atlas, part)),
    )


@router.post(
    "",
    status_code=201,
    response_model=PartOut,
    responses=problems(
        *_WRITE_PROBLEMS,
        BadCode,
        BadGeometry,
        BadCoordinate,
        UnknownCrs,
        UnknownClass,
        OutsideCity,
        NotFound,
        Conflict,
        CodesExhausted,
    ),
)
def post_one(
    new: NewPart,
    atlas: CurrentAtlas,
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Register a part; it is given its code, its national ids and its unit grid."""

    def write() -> PartOut:
        district = district_of_new(new, atlas)
        _check_supervises(occasion.caller, district)
        city = occasion.city
        return PartOut.of(
            add_part(occasion.session, city, new, district, atlas, now=occasion.now), whole=True
        )

    return once(occasion, key, ["part", new], write, status=201)


@router.patch(
    "/{district}/{code}",
    response_model=PartOut,
    responses=problems(*_WRITE_PROBLEMS, BadCode, NotFound),
)
def patch_one(
    district: str,
    code: str,
    change: PartChange,
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Change a part's state, note or bodies; the change date is set, the code never changes."""

    def write() -> PartOut:
        _check_supervises(occasion.caller, district)
        day = occasion.city.day(occasion.now)
        return PartOut.of(
            change_part(occasion.session, district, code, change, day=day), whole=True
        )

    sent = change.model_dump(exclude_unset=True)
    return once(occasion, key, ["part change", district, code, sent], write)


def _check_supervises(caller: Caller, district: str) -> None:
    if not caller.supervises(district):
        raise NotAllowed(
            f"A token of role {caller.role.value} for area '{caller.area}' may not write the"
            f" register of district {district}; needed: district, city or admin, for that area."
        )


def _pair(near: str, crs: str) -> tuple[float, float]:
    texts = near.split(",")
    try:
        x, y = (float(text) for text in texts)
    except ValueError:
        raise BadInput(
            f"'near' is {near!r}; send two numbers separated by a comma, as in near=116.40,39.91.",
            field="near",
        ) from None
    return check_lon_lat(x, y, crs, field="near")
