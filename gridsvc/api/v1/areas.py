"""Districts, streets and communities: listed, named, and with their exact borders."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query, Response

from gridsvc.api.dependencies import Moment, PublicSession
from gridsvc.api.problems import problems
from gridsvc.codes import Level
from gridsvc.errors import BadCode, BadInput, NotFound, UnknownParameter
from gridsvc.registry.areas import lookup
from gridsvc.registry.areas.schemas import AreaNeighbours, AreaPage, AreaRead

router = APIRouter(prefix="/v1/areas", tags=["areas"])

_GEOJSON = "application/geo+json"

Code = Annotated[str, Path(description="6 digits of a district, 9 of a street, 12 of a community.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="Most areas on one page.")]
Cursor = Annotated[str | None, Query(description="'next' of the previous page.")]


@router.get("", responses=problems(UnknownParameter, BadInput, BadCode, NotFound))
def areas(
    session: PublicSession,
    moment: Moment,
    level: Annotated[Level | None, Query(description="All three levels when left out.")] = None,
    parent: Annotated[str | None, Query(description="The code of the area above.")] = None,
    name: Annotated[
        str | None, Query(min_length=1, max_length=100, description="A piece of the name.")
    ] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> AreaPage:
    """Areas in code order, so that each area comes right before those below it."""
    return lookup.list_areas(
        session, level=level, parent=parent, name=name, limit=limit, cursor=cursor, moment=moment
    )


@router.get("/{code}", responses=problems(UnknownParameter, BadCode, NotFound))
def area(session: PublicSession, moment: Moment, code: Code) -> AreaRead:
    """One area and the edition that draws it."""
    return lookup.find_area(session, code, moment)


@router.get("/{code}/children", responses=problems(UnknownParameter, BadInput, BadCode, NotFound))
def children(
    session: PublicSession, moment: Moment, code: Code, limit: Limit = 100, cursor: Cursor = None
) -> AreaPage:
    """The streets of a district or the communities of a street."""
    return lookup.children_page(session, code, limit=limit, cursor=cursor, moment=moment)


@router.get("/{code}/neighbours", responses=problems(UnknownParameter, BadCode, NotFound))
def neighbours(session: PublicSession, moment: Moment, code: Code) -> AreaNeighbours:
    """The areas of the same level that share a border, with its length; the longest first."""
    return lookup.neighbours_of(session, code, moment)


@router.get(
    "/{code}/geometry",
    response_class=Response,
    responses=problems(UnknownParameter, BadCode, NotFound)
    | {200: {"description": "A GeoJSON MultiPolygon.", "content": {_GEOJSON: {}}}},
)
def geometry(session: PublicSession, moment: Moment, code: Code) -> Response:
    """The border of an area as a GeoJSON geometry, never simplified; lon before lat, WGS84."""
    found: dict[str, Any] = lookup.area_geometry(session, code, moment)
    return Response(orjson.dumps(found), media_type=_GEOJSON)
