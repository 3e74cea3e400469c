"""How two layers relate to each other: touches, overlaps, covers, within, intersects, shares."""

from __future__ import annotations

import threading
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials
from pydantic import Field
from sqlalchemy.orm import Session

from gridsvc.api.clock import utc_now
from gridsvc.api.dependencies import (
    CurrentService,
    DbSession,
    Service,
    bearer,
    let_in,
    parse_as_of,
)
from gridsvc.api.leaving import until_gone
from gridsvc.api.problems import problems
from gridsvc.api.rules import Sent
from gridsvc.errors import (
    BadCode,
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
from gridsvc.layers.relations.model import LayerName, LayerSide, Relation, UploadSide
from gridsvc.layers.relations.schemas import RelationsAnswer
from gridsvc.layers.relations.service import MOST_PAIRS, relate
from gridsvc.spatial.reading import read_layer

router = APIRouter(prefix="/v1", tags=["relations"])


class RelationSide(Sent):
    """A layer of the service, or one that is sent: ``layer`` or ``geojson``."""

    layer: LayerName | None = None
    codes: list[str] = Field(
        default=[], max_length=1000, description="Only what lies in these areas, by their codes."
    )
    as_of: str | None = Field(default=None, description="A day or an RFC 3339 time.")
    edition: str | None = Field(default=None, max_length=80, description="Instead of as_of.")
    geojson: dict[str, Any] | None = Field(
        default=None, description="A FeatureCollection, Feature or geometry."
    )
    crs: str = Field(default="wgs84", description="Of geojson: wgs84, gcj02, bd09, EPSG:n or WKT.")


class Question(Sent):
    """Which members of ``a`` are in the relation to which of ``b``."""

    relation: Relation
    a: RelationSide
    b: RelationSide
    limit: int = Field(default=100, ge=1, le=MOST_PAIRS, description="Most pairs on one page.")
    cursor: str | None = Field(
        default=None,
        max_length=200,
        description="'next' of the previous page, of the same question.",
    )


@router.post(
    "/relations",
    response_model_exclude_unset=True,
    responses=problems(
        BadInput,
        NotAuthenticated,
        BadCode,
        BadGeometry,
        BadCoordinate,
        UnknownCrs,
        QueryTooBroad,
        TooLarge,
        NotFound,
        Unavailable,
    ),
)
async def post_relations(
    request: Request,
    question: Annotated[Question, Body()],
    service: CurrentService,
    session: DbSession,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> RelationsAnswer:
    """The pairs of two layers that are in a relation, with what they share.

    The relations are those of DE-9IM, as PostGIS has them, on whole geometries. Without a token a
    question has less time.
    """

    def related() -> RelationsAnswer:
        timeout_s = service.settings.relations_timeout_s
        if credentials is None:
            timeout_s = min(timeout_s, service.settings.relations_anonymous_timeout_s)
        else:
            let_in(request.scope, service, session, credentials)
        return _page(question, service, session, timeout_s)

    connection = (await run_in_threadpool(session.connection)).connection
    return await until_gone(request, related, connection.cancel)


def _page(
    question: Question, service: Service, session: Session, timeout_s: float
) -> RelationsAnswer:
    """The answer, where one of the places is free. Raises Unavailable, and as relating does."""
    places = _places(service.settings.relations_at_once)
    if not places.acquire(blocking=False):
        raise Unavailable(
            "The service is busy with other relations; send this again in a few seconds."
        )
    try:
        page = relate(
            session,
            question.relation,
            _side(question.a, "a", service),
            _side(question.b, "b", service),
            city=service.city,
            now=utc_now(),
            timeout_s=timeout_s,
            limit=question.limit,
            cursor=question.cursor,
        )
    finally:
        places.release()
    return page


_by_count: dict[int, threading.BoundedSemaphore] = {}
_lock = threading.Lock()


def _places(count: int) -> threading.BoundedSemaphore:
    """The places of this process, so that reports never wait for an analyst's connections."""
    with _lock:
        return _by_count.setdefault(count, threading.BoundedSemaphore(count))


def _side(side: RelationSide, name: str, service: Service) -> LayerSide | UploadSide:
    if (side.layer is None) == (side.geojson is None):
        raise BadInput(f"Give either {name}.layer or {name}.geojson.", field=name)
    if side.geojson is not None:
        for given in ("codes", "as_of", "edition"):
            if getattr(side, given):
                raise BadInput(
                    f"An uploaded layer has no {given}; leave it out.", field=f"{name}.{given}"
                )
        field = f"{name}.geojson"
        most = service.settings.relations_max_vertices
        return UploadSide(tuple(read_layer(side.geojson, side.crs, max_vertices=most, field=field)))
    if "crs" in side.model_fields_set:
        raise BadInput(
            "A layer of the service already has a CRS; leave 'crs' out.", field=f"{name}.crs"
        )
    assert side.layer is not None
    try:
        moment = parse_as_of(side.as_of, service.city.calendar)
    except BadInput as error:
        error.field = f"{name}.as_of"
        raise
    return LayerSide(side.layer, tuple(side.codes), moment, side.edition)
