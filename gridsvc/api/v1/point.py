"""Whose place is this? One point: the question that is asked all day."""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from pydantic import Field
from starlette.types import Receive, Scope, Send

from gridsvc.api.dependencies import CurrentService, parse_as_of
from gridsvc.api.direct import DirectRoute
from gridsvc.api.problems import problems
from gridsvc.api.rules import Sent
from gridsvc.errors import BadCoordinate, NotFound, UnknownCrs
from gridsvc.registry.placement.schemas import PointAnswer
from gridsvc.registry.placement.service import place
from gridsvc.registry.placement.store import Atlas
from gridsvc.settings import Settings
from gridsvc.spatial.crs import check_lon_lat, is_local, to_wgs84

direct = APIRouter(prefix="/v1", tags=["placement"], route_class=DirectRoute)


class PointQuery(Sent):
    """A point in a declared CRS, its accuracy, and the day of the answer."""

    lon: float = Field(description="Longitude (or easting), in the declared CRS.")
    lat: float = Field(description="Latitude (or northing), in the declared CRS.")
    crs: str = Field(default="wgs84", description="wgs84, gcj02, bd09, EPSG:n or WKT.")
    accuracy_m: float | None = Field(
        default=None, ge=0, le=100_000, description="Accuracy of the point, in metres."
    )
    as_of: str | None = Field(
        default=None, description="Answer from the editions in force then; a day or a time."
    )


@direct.get(
    "/locate", response_model=PointAnswer, responses=problems(BadCoordinate, UnknownCrs, NotFound)
)
async def locate(query: Annotated[PointQuery, Query()], service: CurrentService) -> Response:
    """District, street, community and unit grid of a point, with every claim and the border.

    Outside everything the answer is 200 with nulls.
    """
    atlas = service.atlases.present
    if atlas is None or query.as_of is not None:
        atlas = await run_in_threadpool(
            service.atlases.get, parse_as_of(query.as_of, service.city.calendar)
        )
    settings = service.settings
    if is_local(query.crs):
        found = answer(atlas, query, settings)
    else:  # PROJ reads it, which may take longer than the event loop can wait
        found = await run_in_threadpool(answer, atlas, query, settings)
    return Response(found, media_type="application/json")


def answer(atlas: Atlas, query: PointQuery, settings: Settings) -> bytes:
    """The placement of a point as JSON. Raises BadCoordinate, UnknownCrs."""
    x, y = check_lon_lat(query.lon, query.lat, query.crs, field="query")
    lon, lat = to_wgs84(x, y, query.crs)
    accuracy_m = settings.report_accuracy_m if query.accuracy_m is None else query.accuracy_m
    return orjson.dumps(place(atlas, lon, lat, accuracy_m).to_json())


async def answer_alone(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a look-up for which no route has to be searched: the one that is asked all day."""
    await _ROUTE.alone(scope, receive, send)


(_ROUTE,) = [route for route in direct.routes if isinstance(route, DirectRoute)]
