"""Whose places are these? Many points at once, and a footprint."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import orjson
from fastapi import APIRouter, Body, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response, StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials
from pydantic import Field, ValidationError
from starlette.types import Scope

from gridsvc.answers import as_built
from gridsvc.api.dependencies import (
    CurrentAtlas,
    CurrentService,
    PublicSession,
    Service,
    bearer,
    let_in,
)
from gridsvc.api.leaving import until_gone
from gridsvc.api.problems import problems, validation_problem
from gridsvc.api.rules import ARROW, Sent
from gridsvc.db.base import transaction
from gridsvc.errors import (
    BadCoordinate,
    BadGeometry,
    BadInput,
    NotAuthenticated,
    NotFound,
    QueryTooBroad,
    TooLarge,
    Unavailable,
    UnknownCrs,
)
from gridsvc.registry.placement.schemas import BatchAnswer, StraddleAnswer
from gridsvc.registry.placement.service import BatchPlacement, place_many, straddle
from gridsvc.registry.placement.store import Atlas
from gridsvc.settings import Settings
from gridsvc.spatial.crs import check_lon_lat, to_wgs84
from gridsvc.spatial.reading import read_footprint
from gridsvc.tables import records

router = APIRouter(prefix="/v1", tags=["placement"])

_COLUMNS = ("district_code", "street_code", "community_code", "grid_code", "near_border")
_CSV_ROWS_A_CHUNK = 10_000

Crs = Annotated[
    str, Query(description="wgs84, gcj02, bd09, EPSG:n or WKT: the system of the coordinates.")
]
AccuracyM = Annotated[
    float | None, Query(ge=0, le=100_000, description="Accuracy of the point, in metres.")
]


class Batch(Sent):
    """Points to place."""

    points: list[Any] = Field(description="[[lon, lat], ...]")
    crs: str = "wgs84"
    accuracy_m: float | None = Field(default=None, ge=0, le=100_000)


@router.post(
    "/locate/batch",
    response_model=BatchAnswer,
    responses=problems(BadInput, BadCoordinate, UnknownCrs, TooLarge, NotFound, NotAuthenticated),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": Batch.model_json_schema()},
                "text/csv": {"schema": {"type": "string"}},
                ARROW: {"schema": {"type": "string", "format": "binary"}},
            },
        }
    },
)
async def locate_batch(
    request: Request,
    atlas: CurrentAtlas,
    service: CurrentService,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    crs: Annotated[
        str | None, Query(description="For CSV and Arrow: the system of lon and lat.")
    ] = None,
    accuracy_m: AccuracyM = None,
) -> Response:
    """The codes of many points: JSON, CSV or an Arrow stream in, the same kind out.

    CSV and Arrow keep their columns; Arrow may be of any length. Without a token batches are small.
    """
    settings = service.settings
    known = credentials is not None
    if known:
        await run_in_threadpool(_check_token, request.scope, service, credentials)
    most = settings.max_batch_points if known else settings.max_anonymous_batch_points
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    default = settings.report_accuracy_m
    accuracy = default if accuracy_m is None else accuracy_m
    if kind == ARROW:
        await run_in_threadpool(_load_arrow)
        from gridsvc.api.v1.arrow import arrow_answer, stream_limits

        return await arrow_answer(
            request,
            atlas,
            stream_limits(settings, known=known),
            crs=crs or "wgs84",
            accuracy_m=accuracy,
            batching=service.pools.batching,
        )
    body = await request.body()
    if kind == "text/csv":
        return await run_in_threadpool(_csv_batch, body, atlas, crs or "wgs84", accuracy, most)
    if kind not in ("application/json", ""):
        raise BadInput(f"The body is {kind}; send application/json, text/csv or {ARROW}.")
    return await run_in_threadpool(_json_answer, body, atlas, settings, crs, most)


def _load_arrow() -> None:
    """Import pyarrow, which takes a second the first time, where nobody else waits for it."""
    import gridsvc.api.v1.arrow  # noqa: F401


def _check_token(
    scope: Scope, service: Service, credentials: HTTPAuthorizationCredentials | None
) -> None:
    """Whoever sends a token, and so sends much, is one of ours. Raises NotAuthenticated."""
    with transaction(service.sessions) as session:
        let_in(scope, service, session, credentials)


class Outline(Sent):
    """A footprint and the level whose areas it is shared among."""

    geometry: dict[str, Any] = Field(description="GeoJSON Polygon or MultiPolygon.")
    crs: str = "wgs84"
    level: Literal["district", "street", "community"] = "district"


@router.post(
    "/straddle",
    response_model=as_built(StraddleAnswer),
    responses=problems(
        BadGeometry, BadCoordinate, UnknownCrs, QueryTooBroad, TooLarge, NotFound, Unavailable
    ),
)
async def post_straddle(
    request: Request,
    outline: Annotated[Outline, Body()],
    atlas: CurrentAtlas,
    service: CurrentService,
    session: PublicSession,
) -> dict[str, Any]:
    """How a footprint is shared among the areas of a level, and whether a border runs through."""
    gone = threading.Event()

    def shared_out() -> dict[str, Any]:
        footprint = read_footprint(
            outline.geometry,
            outline.crs,
            max_vertices=service.settings.max_footprint_vertices,
            gone=gone,
        )
        found = straddle(session, atlas, footprint.geometry, outline.level, gone=gone)
        return {**found.to_json(), "mended": footprint.mended}

    return await until_gone(request, shared_out, gone.set)


def _json_answer(
    body: bytes, atlas: Atlas, settings: Settings, crs: str | None, most: int
) -> Response:
    batch = _json_batch(body)
    points = _points(batch.points, most)
    accuracy_m = settings.report_accuracy_m if batch.accuracy_m is None else batch.accuracy_m
    placed = _place(atlas, points[:, 0], points[:, 1], crs or batch.crs, accuracy_m, "points")
    answer = {
        "results": [dict(zip(_COLUMNS, row, strict=True)) for row in _rows(placed)],
        "edition": {edition.level: edition.to_json() for edition in atlas.editions},
    }
    return Response(orjson.dumps(answer), media_type="application/json")


def _json_batch(body: bytes) -> Batch:
    """The batch of a body; the points are looked at later, all at once."""
    try:
        given = orjson.loads(body)
        points = given.pop("points", None) if isinstance(given, dict) else None
        batch = Batch.model_validate(given | {"points": []} if isinstance(given, dict) else given)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"The body is not valid JSON: {error}.") from None
    except ValidationError as error:
        raise validation_problem(error.errors()) from None
    if not isinstance(points, list):
        raise BadInput("'points' is missing; send [[lon, lat], ...].", field="points")
    batch.points = points
    return batch


def _points(points: list[Any], most: int) -> npt.NDArray[np.float64]:
    if len(points) > most:
        raise TooLarge(
            f"A batch has at most {most:,} points; send several batches.", field="points"
        )
    if not points:
        return np.empty((0, 2))
    try:
        array = np.array(points)
    except ValueError:
        array = np.empty(0, dtype=object)
    if array.shape == (len(points), 2) and array.dtype.kind in "fi":
        return array.astype(np.float64)
    for i, point in enumerate(points):
        if not isinstance(point, list) or len(point) != 2:
            raise BadCoordinate(f"points[{i}] must be [lon, lat].", field=f"points.{i}")
        check_lon_lat(*point, field=f"points.{i}")
    return np.array(points, dtype=np.float64)


def _place(
    atlas: Atlas,
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    crs: str,
    accuracy_m: float,
    field: str,
) -> BatchPlacement:
    with np.errstate(invalid="ignore"):
        suspect = ~(np.isfinite(x) & np.isfinite(y)) | (np.abs(x) > 180) | (np.abs(y) > 90)
    for i in np.flatnonzero(suspect):
        check_lon_lat(float(x[i]), float(y[i]), crs, field=f"{field}.{i}")
    lon, lat = to_wgs84(x, y, crs)
    return place_many(atlas, lon, lat, accuracy_m)


def _rows(placed: BatchPlacement) -> Iterator[tuple[Any, ...]]:
    columns = (
        placed.district_code,
        placed.street_code,
        placed.community_code,
        placed.grid_code,
    )
    texts = [[value or None for value in column.tolist()] for column in columns]
    return zip(*texts, placed.near_border.tolist(), strict=True)


def _csv_batch(
    body: bytes, atlas: Atlas, crs: str, accuracy_m: float, most: int
) -> StreamingResponse:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"The CSV is not UTF-8 (byte {error.start}); convert it first.") from None
    rows = records(io.StringIO(text, newline=""), "The body")
    _, header = next(rows, (1, []))
    if any(header.count(name) != 1 for name in ("lon", "lat")):
        raise BadInput(
            "The CSV needs a first line with the columns lon and lat, each exactly once.",
            field="header",
        )
    lines = [fields for _, fields in rows]
    if len(lines) > most:
        raise TooLarge(f"A batch has at most {most:,} points; send several batches.")
    at = header.index("lon"), header.index("lat")
    x, y = np.empty(len(lines)), np.empty(len(lines))
    for i, line in enumerate(lines):
        try:
            x[i], y[i] = float(line[at[0]]), float(line[at[1]])
        except (ValueError, IndexError):
            raise BadCoordinate(
                f"Row {i + 1} of the CSV has no number in lon or lat.", field=f"rows.{i + 1}"
            ) from None
    placed = _place(atlas, x, y, crs, accuracy_m, "rows")

    def chunks() -> Iterator[str]:
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow([*header, *_COLUMNS])
        for i, (line, codes) in enumerate(zip(lines, _rows(placed), strict=True), 1):
            writer.writerow([*line, *(code or "" for code in codes[:4]), str(codes[4]).lower()])
            if i % _CSV_ROWS_A_CHUNK == 0:
                yield buffer.getvalue()
                buffer.seek(0)
                buffer.truncate()
        yield buffer.getvalue()

    return StreamingResponse(chunks(), media_type="text/csv; charset=utf-8")
