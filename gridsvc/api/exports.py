"""Layers to take away."""

from __future__ import annotations

from typing import IO, Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from gridsvc.api.dependencies import (
    AsOf,
    CurrentService,
    Moment,
    PerhapsCaller,
    parts_whole,
)
from gridsvc.api.problems import problems
from gridsvc.api.spool import bounded, spooled
from gridsvc.db.base import transaction
from gridsvc.errors import (
    BadCode,
    BadCoordinate,
    BadInput,
    NotFound,
    QueryTooBroad,
    UnknownParameter,
)
from gridsvc.maps.exports import feature_collection, select

router = APIRouter(tags=["exports"])

_MEDIA_TYPE = "application/geo+json"


@router.get(
    "/exports/{layer}.geojson",
    response_class=StreamingResponse,
    responses={
        200: {"content": {_MEDIA_TYPE: {}}, "description": "A GeoJSON FeatureCollection"},
        **problems(UnknownParameter, NotFound, BadInput, BadCode, BadCoordinate, QueryTooBroad),
    },
)
async def export(
    service: CurrentService,
    as_of: AsOf,
    moment: Moment,
    caller: PerhapsCaller,
    layer: str,
    bbox: Annotated[
        str | None, Query(description="west,south,east,north in degrees: what touches this box.")
    ] = None,
    district: Annotated[str | None, Query(description="The 6-digit code of a district.")] = None,
) -> StreamingResponse:
    """A layer as GeoJSON, its geometry exact.

    The layers are districts, streets, communities, unit_grids, parts, joint_cases, disputes and
    alarms.
    Parts are those of the register, removed ones too; they bear the areas that they were registered
    in, with ``as_of`` those of that day. Their owners and notes are told to staff.
    """

    def write(spool: IO[bytes]) -> None:
        check = bounded(service.settings, "ask for one district, or for a smaller 'bbox'")
        with transaction(service.pools.exports) as session:
            connection = session.connection()
            selection = select(
                connection,
                service.city,
                layer,
                moment=moment,
                bbox=bbox,
                district=district,
                of_day=as_of is not None,
                whole=parts_whole(service, caller),
            )
            for piece in feature_collection(connection, service.city, selection):
                spool.write(piece)
                check(spool.tell())

    return await spooled(
        service.pools.exporting,
        write,
        media_type=_MEDIA_TYPE,
        headers={"Content-Disposition": f'attachment; filename="{layer}.geojson"'},
    )
