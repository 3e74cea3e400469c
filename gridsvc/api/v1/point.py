"""Whose place is this? One point: the question that is asked all day.

Plain questions are answered by :class:`gridsvc.api.front_door.FrontDoor` with what is here. The
route has no dependencies for the same reason: one costs FastAPI as much as the whole placement.
"""

from __future__ import annotations

import orjson
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from gridsvc.api.dependencies import parse_as_of
from gridsvc.api.problems import problems
from gridsvc.api.queries import documented, read_query
from gridsvc.api.state import Service
from gridsvc.errors import BadCoordinate, NotFound, UnknownCrs, UnknownParameter
from gridsvc.registry.placement.atlas import Atlas
from gridsvc.registry.placement.service import place
from gridsvc.settings import Settings
from gridsvc.spatial.crs import check_lon_lat, to_wgs84

__all__ = ["PATH", "PointQuery", "answer", "router"]

#: Where the question is asked.
PATH = "/v1/locate"

router = APIRouter(prefix="/v1", tags=["placement"])


class PointQuery(BaseModel):
    """A point in a declared CRS, its accuracy, and the day of the answer."""

    model_config = ConfigDict(extra="forbid")

    lon: float = Field(description="Longitude (or easting), in the declared CRS.")
    lat: float = Field(description="Latitude (or northing), in the declared CRS.")
    crs: str = Field(default="wgs84", description="wgs84, gcj02, bd09, EPSG:n or WKT.")
    accuracy_m: float | None = Field(
        default=None, ge=0, le=100_000, description="Accuracy of the point, in metres."
    )
    as_of: str | None = Field(
        default=None, description="Answer from the editions in force then; a day or a time."
    )


@router.get(
    "/locate",
    responses=problems(UnknownParameter, BadCoordinate, UnknownCrs, NotFound),
    openapi_extra=documented(PointQuery),
)
async def locate(request: Request) -> Response:
    """District, street, community and unit grid of a point, with every claim and the border.

    Outside everything the answer is 200 with nulls.
    """
    service: Service = request.app.state.service
    query = read_query(request, PointQuery)
    atlas = service.atlases.present
    if atlas is None or query.as_of is not None:
        atlas = await run_in_threadpool(
            service.atlases.get, parse_as_of(query.as_of, service.city.calendar)
        )
    return Response(answer(atlas, query, service.settings), media_type="application/json")


def answer(atlas: Atlas, query: PointQuery, settings: Settings) -> bytes:
    """The placement of a point as JSON. Raises BadCoordinate, UnknownCrs."""
    x, y = check_lon_lat(query.lon, query.lat, query.crs, field="query")
    lon, lat = to_wgs84(x, y, query.crs)
    accuracy_m = settings.report_accuracy_m if query.accuracy_m is None else query.accuracy_m
    return orjson.dumps(place(atlas, lon, lat, accuracy_m).to_json())
