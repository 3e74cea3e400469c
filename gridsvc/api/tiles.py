"""Vector tiles of the boundaries in force, the parts and the joint cases."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Response

from gridsvc.api.dependencies import CurrentService, Moment, PublicSession
from gridsvc.api.problems import problems
from gridsvc.errors import BadInput, NotFound, UnknownParameter
from gridsvc.maps.tiles import render_tile

router = APIRouter(tags=["maps"])

_MEDIA_TYPE = "application/vnd.mapbox-vector-tile"


@router.get(
    "/tiles/{layer}/{z}/{x}/{y}.mvt",
    response_class=Response,
    responses={
        200: {"content": {_MEDIA_TYPE: {}}, "description": "The tile"},
        204: {"description": "Nothing is there"},
        304: {"description": "The tile that you have is still good"},
        **problems(UnknownParameter, NotFound, BadInput),
    },
)
def tile(
    service: CurrentService,
    session: PublicSession,
    moment: Moment,
    layer: str,
    z: int,
    x: int,
    y: int,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """One vector tile (MVT, XYZ) of a layer.

    The layers are districts, streets, communities, unit_grids, parts, whistles and disputes. With
    ``as_of``, the areas, cells and parts of that day; whistles and disputes known by then, as they
    stand now.
    """
    rendered = render_tile(
        session.connection(),
        service.city,
        layer,
        z,
        x,
        y,
        moment=moment,
        known=_strong(if_none_match),
    )
    caching = f"public, max-age={rendered.max_age_s}" if rendered.max_age_s else "no-cache"
    headers = {"ETag": rendered.etag, "Cache-Control": caching}
    if rendered.content is None:
        return Response(status_code=304, headers=headers)
    if not rendered.content:
        return Response(status_code=204, headers=headers)
    return Response(rendered.content, media_type=_MEDIA_TYPE, headers=headers)


def _strong(tag: str | None) -> str | None:
    """The tag without the W/ that a compressing proxy puts before it."""
    return None if tag is None else tag.strip().removeprefix("W/")
