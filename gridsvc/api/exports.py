"""Layers to take away, streamed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from gridsvc.api.dependencies import (
    AsOf,
    CurrentService,
    DbSession,
    Moment,
    PerhapsCaller,
    parts_whole,
)
from gridsvc.api.problems import problems
from gridsvc.db.engine import transaction
from gridsvc.errors import BadCode, BadCoordinate, BadInput, NotFound, UnknownParameter
from gridsvc.maps.exports import feature_collection, select

router = APIRouter(tags=["exports"])

_MEDIA_TYPE = "application/geo+json"


@router.get(
    "/exports/{layer}.geojson",
    response_class=StreamingResponse,
    responses={
        200: {"content": {_MEDIA_TYPE: {}}, "description": "A GeoJSON FeatureCollection"},
        **problems(UnknownParameter, NotFound, BadInput, BadCode, BadCoordinate),
    },
)
def export(
    service: CurrentService,
    session: DbSession,
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

    The layers are districts, streets, communities, unit_grids, parts, joint_cases and disputes.
    Parts are those of the register, removed ones too; they bear the areas that they were registered
    in, with ``as_of`` those of that day. Their owners and notes are told to staff.
    """
    selection = select(
        session.connection(),
        service.city,
        layer,
        moment=moment,
        bbox=bbox,
        district=district,
        of_day=as_of is not None,
        whole=parts_whole(service, caller),
    )

    def stream() -> Iterator[bytes]:
        # The request's own transaction ends before the answer is sent; this one lasts as long
        # as the stream, so that all of it shows one moment.
        with transaction(service.sessions) as streaming:
            yield from feature_collection(streaming.connection(), service.city, selection)

    return StreamingResponse(
        stream(),
        media_type=_MEDIA_TYPE,
        headers={"Content-Disposition": f'attachment; filename="{layer}.geojson"'},
    )
