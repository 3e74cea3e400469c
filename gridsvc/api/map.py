"""The web viewer, its files, the page of a joint case, the board of help."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import FileResponse, HTMLResponse

from gridsvc.api import clock
from gridsvc.api.dependencies import CurrentService, DbSession
from gridsvc.api.problems import problems
from gridsvc.errors import BadInput, MissingPrerequisite, NotFound, UnknownParameter
from gridsvc.maps.help_board import board_page, read_board
from gridsvc.maps.self_contained import CONTENT_POLICY as CASE_POLICY
from gridsvc.maps.viewer import CONTENT_POLICY, asset, viewer_page

router = APIRouter(tags=["maps"])

_PAGE_HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


@router.get("/map", response_class=HTMLResponse, responses=problems(UnknownParameter))
def viewer(service: CurrentService, session: DbSession) -> HTMLResponse:
    """The map of the city."""
    page = viewer_page(session.connection(), service.city, now=clock.utc_now())
    return HTMLResponse(page, headers=_PAGE_HEADERS)


@router.get(
    "/map/static/{name}",
    response_class=FileResponse,
    responses=problems(UnknownParameter, NotFound, MissingPrerequisite),
)
def static(name: str) -> FileResponse:
    """One of the viewer's own files."""
    lasting = "public, max-age=3600" if name.startswith("maplibre") else "no-cache"
    headers = {"Cache-Control": lasting, "X-Content-Type-Options": "nosniff"}
    return FileResponse(asset(name), headers=headers)


@router.get(
    "/map/help/{area}", response_class=HTMLResponse, responses=problems(UnknownParameter, NotFound)
)
def help_board(
    service: CurrentService,
    session: DbSession,
    area: Annotated[str, Path(pattern=r"^(\d{6}|\d{9}|\d{12})$", description="Its code.")],
) -> HTMLResponse:
    """The board of help in a district, street or community this year, ready to print."""
    page = board_page(read_board(session, service.city, area, now=clock.utc_now()))
    headers = {**_PAGE_HEADERS, "Content-Security-Policy": CASE_POLICY}
    return HTMLResponse(page, headers=headers)


@router.get(
    "/map/whistles/{whistle_id}",
    response_class=HTMLResponse,
    responses=problems(UnknownParameter, NotFound, BadInput, MissingPrerequisite),
)
def joint_case(service: CurrentService, session: DbSession, whistle_id: uuid.UUID) -> HTMLResponse:
    """The page of a joint case: map, steps, bodies, ready to print."""
    from gridsvc.maps.joint_case import joint_case_page, read_joint_case  # folium

    city = service.city
    page = joint_case_page(read_joint_case(session, city, whistle_id), city)
    headers = {**_PAGE_HEADERS, "Content-Security-Policy": CASE_POLICY}
    return HTMLResponse(page, headers=headers)
