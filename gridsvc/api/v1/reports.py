"""Reports: taken in, looked up, confirmed, moved."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field
from sqlalchemy.orm import Session

from gridsvc.answers import as_built
from gridsvc.api import clock
from gridsvc.api.dependencies import (
    AtlasOfDay,
    CurrentAtlas,
    CurrentOccasion,
    CurrentService,
    DbSession,
    IdempotencyKey,
    PerhapsCaller,
    ReportingOccasion,
    Service,
    once,
)
from gridsvc.api.direct import DirectRoute
from gridsvc.api.problems import language_of, problems
from gridsvc.api.rules import Sent, Text
from gridsvc.api.v1.of_report import PHOTO, ByReporter, ReceiptSecret, done_to_report
from gridsvc.api.watching import count_report
from gridsvc.cases.intake.locate import wgs84_of
from gridsvc.cases.intake.model import GivenPoint, NewReport
from gridsvc.cases.intake.moving import choose_part, confirm_side, move_report
from gridsvc.cases.intake.personal import is_own
from gridsvc.cases.intake.repeated import refuse_repeated
from gridsvc.cases.intake.reports import find_report, placement_on, report_json, shown_placement
from gridsvc.cases.intake.rights import may_see_pin
from gridsvc.cases.intake.schemas import ReportAnswer, ReportRead, SimilarAnswer
from gridsvc.cases.intake.service import file_report, similar_cases
from gridsvc.cases.systems.citizen.outcome import outcome_of, shown_photo
from gridsvc.cases.systems.citizen.schemas import ReportShown
from gridsvc.cases.systems.evidence.schemas import MEDIA_TYPES
from gridsvc.cases.systems.evidence.store import store_of
from gridsvc.city.classes import ClassKey
from gridsvc.errors import (
    AmbiguousCode,
    BadCode,
    BadCoordinate,
    BadGeometry,
    BadInput,
    Conflict,
    IdempotencyMismatch,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    OutsideCity,
    StepRefused,
    TooLarge,
    TooMany,
    Unavailable,
    UnknownClass,
    UnknownCrs,
)
from gridsvc.registry.classes.service import find_class
from gridsvc.registry.codes.service import look_up
from gridsvc.spatial.reading import read_footprint

router = APIRouter(prefix="/v1/reports", tags=["reports"])
direct = APIRouter(prefix="/v1/reports", tags=["reports"], route_class=DirectRoute)

_PLACE_PROBLEMS = (BadCoordinate, UnknownCrs, OutsideCity)
_WRITE_PROBLEMS = (NotAuthenticated, NotAllowed, IdempotencyMismatch)


class Location(Sent):
    """A point in a declared CRS, with its accuracy."""

    lon: float = Field(description="Longitude, or easting in a projected CRS.")
    lat: float = Field(description="Latitude, or northing in a projected CRS.")
    crs: Text = Field(default="wgs84", description="wgs84, gcj02, bd09, EPSG:n or WKT.")
    accuracy_m: float | None = Field(default=None, ge=0, le=100_000)

    def given(self) -> GivenPoint:
        """The point as the intake takes it."""
        return GivenPoint(self.lon, self.lat, self.crs, self.accuracy_m)


class PartName(Sent):
    """A part by its code; the district may be left out where no other has that code."""

    district: Text | None = None
    code: Text


class Contact(Sent):
    """Whom to call back; kept encrypted and apart."""

    name: Text | None = Field(default=None, max_length=100)
    phone: Text | None = Field(default=None, max_length=40)


class ReportIn(Sent):
    """A report: a class, and at least one of location, part and footprint."""

    channel: Text = Field(
        default="api", min_length=1, max_length=20, description="12345, app, patrol, ..."
    )
    class_code: Text | None = Field(
        default=None,
        alias="class",
        description="Five digits of GB/T 47678.5-2026; may be left out for a part.",
    )
    class_kind: Literal["part", "event"] | None = None
    description: Text = Field(default="", max_length=4000)
    location: Location | None = None
    part: PartName | None = None
    footprint: dict[str, Any] | None = Field(
        default=None,
        description="GeoJSON Polygon or MultiPolygon, in the CRS of the location unless"
        " 'footprint_crs' names another.",
    )
    footprint_crs: Text | None = Field(
        default=None, description="CRS of the footprint; that of 'location' when left out."
    )
    place_text: Text | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="The address or the name of the place, as the reporter says it.",
    )
    endangered: Text | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="Who is in danger, for the bodies that a hazard calls; null: unknown.",
    )
    received_at: dt.datetime | None = Field(
        default=None,
        description="When an earlier report was made; for staff, never in the future.",
    )
    reporter: Contact | None = None


_FILING = (
    *_WRITE_PROBLEMS,
    *_PLACE_PROBLEMS,
    BadGeometry,
    UnknownClass,
    TooLarge,
    NotFound,
    AmbiguousCode,
    Conflict,
    TooMany,
)


@direct.post("", status_code=201, response_model=ReportAnswer, responses=problems(*_FILING))
def post_report(
    given: Annotated[ReportIn, Body()],
    service: CurrentService,
    atlas: CurrentAtlas,
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """File a report: it is placed, routed, and joined to a case or opens one."""

    def write() -> dict[str, Any]:
        again = service.pace.admit(occasion.caller)
        new = new_report(occasion.session, service, given)
        key_now = service.reporter_keys.current
        case, answer = file_report(occasion, atlas, new, reporter_key=key_now)
        if again:
            refuse_repeated(occasion, case, answer["receipt"])
        count_report(answer)
        return answer

    return once(occasion, key, ["report", given], write, status=201)


@router.post("/similar", response_model=as_built(SimilarAnswer), responses=problems(*_FILING))
def post_similar(
    given: Annotated[ReportIn, Body()],
    service: CurrentService,
    atlas: CurrentAtlas,
    occasion: CurrentOccasion,
) -> dict[str, Any]:
    """What a report would join if it were filed, and what else is similar; nothing is kept."""
    return similar_cases(occasion, atlas, new_report(occasion.session, service, given))


@router.get("/{name}", response_model=as_built(ReportShown), responses=problems(NotFound, BadInput))
def get_report(
    name: str,
    request: Request,
    response: Response,
    service: CurrentService,
    session: DbSession,
    atlas: AtlasOfDay,
    caller: PerhapsCaller,
    secret: ReceiptSecret = None,
) -> dict[str, Any]:
    """A report by its id or its receipt: where it is, who has it, what was done, what happened.

    Its placement is the one that it was routed by; with ``as_of``, that of its pin on that day.
    Where exactly the pin is, the staff of its case and whoever filed it are told. Its ``outcome``
    is in Chinese or English, as ``Accept-Language`` asks.
    """
    report, city = find_report(session, name), service.city
    own, language = is_own(caller, report, secret), language_of(request.scope)
    exact = own or (caller is not None and may_see_pin(session, city, caller, report))
    now = clock.utc_now()
    outcome = outcome_of(session, city, report, language=language, own=own, now=now)
    found = report_json(session, report, exact=exact) | {"outcome": outcome}
    response.headers.update({"Content-Language": language, "Vary": "Accept-Language"})
    if secret is not None:
        response.headers["Cache-Control"] = "no-store"
    if atlas is None:
        return found
    then = placement_on(atlas, report).to_json()
    return found | {"placement": shown_placement(then, exact=exact)}


@router.get(
    "/{name}/photos/{photo_id}",
    responses={
        **problems(NotFound, Unavailable),
        200: {"content": dict.fromkeys(sorted(MEDIA_TYPES), PHOTO)},
    },
)
def get_published_photo(
    name: str,
    photo_id: uuid.UUID,
    service: CurrentService,
    session: DbSession,
    caller: PerhapsCaller,
    secret: ReceiptSecret = None,
) -> Response:
    """A photo without its metadata: one that a body has published, or the reporter's own."""
    report = find_report(session, name)
    photo = shown_photo(session, report, photo_id, own=is_own(caller, report, secret))
    content = store_of(service.settings).get(photo.published_sha256)
    kept = {} if secret is None else {"Cache-Control": "no-store"}
    return Response(content, media_type=photo.published_type, headers=kept)


class Confirmation(ByReporter):
    """On which side of the border the place is."""

    street: Text = Field(description="The 9-digit code of the street that the reporter confirms.")


@router.post(
    "/{name}/confirm",
    response_model=ReportRead,
    responses=problems(*_WRITE_PROBLEMS, NotFound, StepRefused, BadInput),
)
def confirm(
    name: str,
    confirmation: Annotated[Confirmation, Body()],
    atlas: CurrentAtlas,
    occasion: ReportingOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Say on which side of a near border the place is; the case goes to that street."""
    street, secret = confirmation.street, confirmation.secret
    return done_to_report(
        occasion,
        key,
        ["confirm", name, confirmation],
        lambda report: confirm_side(occasion, atlas, report, street, secret=secret),
    )


class ChosenPart(ByReporter):
    """Which of the parts that were offered the report is about."""

    code: Text = Field(description="The part's 8-digit code, in the report's district.")


@router.post(
    "/{name}/part",
    response_model=ReportRead,
    responses=problems(*_WRITE_PROBLEMS, NotFound, StepRefused, BadInput, BadCode),
)
def choose(
    name: str,
    chosen: Annotated[ChosenPart, Body()],
    atlas: CurrentAtlas,
    occasion: ReportingOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Say which part the report is about; the case goes to the owner of that part."""
    code, secret = chosen.code, chosen.secret
    return done_to_report(
        occasion,
        key,
        ["part", name, chosen],
        lambda report: choose_part(occasion, atlas, report, code, secret=secret),
    )


class Move(Sent):
    """Where the place really is, and how that is known."""

    location: Location
    reason: Text = Field(min_length=1, max_length=1000)
    whole_case: bool = Field(
        default=False,
        description="Move the case with all its reports; for supervision of its district.",
    )


@router.post(
    "/{name}/move",
    response_model=ReportRead,
    responses=problems(*_WRITE_PROBLEMS, *_PLACE_PROBLEMS, NotFound, StepRefused),
)
def move(
    name: str,
    given: Annotated[Move, Body()],
    atlas: CurrentAtlas,
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Move a report's pin: it is routed again, and leaves its case if it is about another place."""

    def write() -> dict[str, Any]:
        report = find_report(occasion.session, name)
        move_report(
            occasion,
            atlas,
            report,
            given.location.given(),
            reason=given.reason,
            whole_case=given.whole_case,
        )
        return report_json(occasion.session, report, exact=True)

    return once(occasion, key, ["move", name, given], write)


def new_report(session: Session, service: Service, given: ReportIn) -> NewReport:
    """The report as the intake takes it; raises UnknownClass, and as reading a footprint does."""
    footprint = None
    if given.footprint is not None:
        footprint = read_footprint(
            given.footprint,
            given.footprint_crs or (given.location.crs if given.location else "wgs84"),
            max_vertices=service.settings.max_footprint_vertices,
            field="footprint",
        )
    return NewReport(
        channel=given.channel,
        key=_class(session, given, service.city.standard),
        description=given.description,
        point=None if given.location is None else given.location.given(),
        part=None if given.part is None else (given.part.district, given.part.code),
        footprint=footprint,
        place_text=given.place_text,
        received_at=given.received_at,
        endangered=given.endangered,
        reporter=None if given.reporter is None else given.reporter.model_dump(exclude_none=True),
    )


def _class(session: Session, given: ReportIn, standard: str) -> ClassKey:
    """The class that is named; a part that is reported without one has its own."""
    if given.class_code is not None:
        return find_class(session, given.class_code, kind=given.class_kind, standard=standard)
    if given.part is None:
        raise BadInput("'class' is missing; give it, or name a part.", field="class")
    beside = None
    if given.location is not None:
        beside = wgs84_of(given.location.given(), 0.0)[:2]
    matches = look_up(session, given.part.code, given.part.district, beside=beside).matches
    classes = {match.class_code for match in matches if match.kind == "part"}
    if len(classes) != 1:
        raise BadInput(
            "Name the class; the part's code alone does not determine it.", field="class"
        )
    return ClassKey(standard, "part", classes.pop())
