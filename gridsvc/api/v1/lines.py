"""Lines: what a railway, river or road with a width crosses, and the team along it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import Field
from sqlalchemy.orm import Session

from gridsvc.answers import Answer
from gridsvc.api.dependencies import (
    CurrentAtlas,
    CurrentCaller,
    CurrentOccasion,
    CurrentService,
    DbSession,
    IdempotencyKey,
    Moment,
    Service,
    once,
)
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.api.rules import JsonObject, Sent, Text
from gridsvc.cases.systems.line_team import WantedTeam, form_team
from gridsvc.cases.systems.whistles.schemas import WhistleAnswer
from gridsvc.cases.systems.whistles.view import whistles_json
from gridsvc.city.classes import ClassKey
from gridsvc.errors import (
    BadCoordinate,
    BadGeometry,
    BadInput,
    IdempotencyMismatch,
    MissingPrerequisite,
    NotFound,
    OutsideCity,
    TooLarge,
    UnknownClass,
    UnknownCrs,
)
from gridsvc.layers.lines.schemas import CrossingsAnswer
from gridsvc.layers.lines.service import Crossing, cross
from gridsvc.maps.self_contained import CONTENT_POLICY
from gridsvc.registry.classes.service import find_class
from gridsvc.spatial.along import Way, way_of
from gridsvc.spatial.reading import read_geometry

router = APIRouter(prefix="/v1/lines", tags=["lines"])

_READING = (
    *TOKEN_PROBLEMS,
    *(BadInput, BadGeometry, BadCoordinate, UnknownCrs, OutsideCity, UnknownClass, TooLarge),
)


class LineIn(Sent):
    """A line, its width, and what is to be answered for along it."""

    line: JsonObject = Field(description="A GeoJSON LineString or MultiLineString, or its Feature.")
    crs: Text = "wgs84"
    width_m: float = Field(default=20.0, ge=1, le=2_000, description="Of the railway, the bed, ...")
    class_code: Text | None = Field(
        default=None, alias="class", description="Tells who answers for it along the line."
    )
    class_kind: Literal["part", "event"] | None = None


class TeamIn(LineIn):
    """The team: what it is for, who leads, who comes."""

    class_code: Text = Field(alias="class")
    task: Text = Field(min_length=1, max_length=10_000, description="The demand; public.")
    lead: Text | None = Field(
        default=None, description="The street that leads; your own, else the first along the line."
    )
    bodies: list[Text] | None = Field(
        default=None, max_length=200, description="Who comes beside the sides; all along the line."
    )


class LineTeamAnswer(Answer):
    """The line, and a joint whistle for each side that the lead has."""

    line: CrossingsAnswer
    whistles: list[WhistleAnswer]


def _crossed(
    given: Annotated[LineIn, Body()],
    service: CurrentService,
    session: DbSession,
    atlas: CurrentAtlas,
    moment: Moment,
    caller: CurrentCaller,
) -> Crossing:
    key = _key(session, service, given)
    return cross(session, service.city, atlas, _way(service, given), key, moment=moment)


CurrentCrossing = Annotated[Crossing, Depends(_crossed)]


@router.post("", response_model=CrossingsAnswer, responses=problems(*_READING, NotFound))
def post_line(crossing: CurrentCrossing) -> CrossingsAnswer:
    """What a line crosses in the order of travel, metres in each; nothing is kept."""
    return CrossingsAnswer.of_crossing(crossing)


@router.post(
    "/page.html",
    response_class=HTMLResponse,
    responses=problems(*_READING, NotFound, MissingPrerequisite),
)
def post_page(crossing: CurrentCrossing) -> HTMLResponse:
    """The same as one file: a map and the lists in the order of travel."""
    from gridsvc.maps.line import line_page  # folium

    return HTMLResponse(line_page(crossing), headers={"Content-Security-Policy": CONTENT_POLICY})


@router.post(
    "/teams",
    status_code=201,
    response_model=LineTeamAnswer,
    responses=problems(*_READING, NotFound, IdempotencyMismatch),
)
def post_team(
    given: Annotated[TeamIn, Body()],
    service: CurrentService,
    atlas: CurrentAtlas,
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Form the team (综合执法小分队): call everybody along the line, one joint whistle a side."""

    def write() -> dict[str, Any]:
        session, now = occasion.session, occasion.now
        class_key = _key(session, service, given)
        assert class_key is not None
        way = _way(service, given)
        crossing = cross(session, occasion.city, atlas, way, class_key, moment=now)
        wanted = WantedTeam(class_key, given.task, given.lead, given.bodies)
        whistles = form_team(occasion, atlas, crossing, wanted)
        session.flush()
        return {
            "line": CrossingsAnswer.of_crossing(crossing).model_dump(mode="json"),
            "whistles": whistles_json(session, whistles),
        }

    return once(occasion, key, ["team", given], write, status=201)


def _way(service: Service, given: LineIn) -> Way:
    line = read_geometry(given.line, given.crs, field="line")
    return way_of(line, given.width_m, service.city.plane)


def _key(session: Session, service: Service, given: LineIn) -> ClassKey | None:
    if given.class_code is None:
        return None
    standard = service.city.standard
    return find_class(session, given.class_code, kind=given.class_kind, standard=standard)
