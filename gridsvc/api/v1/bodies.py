"""Who can be made responsible, and by which lists: bodies, duties and agreements."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated

from fastapi import APIRouter, Path, Query

from gridsvc.api import clock
from gridsvc.api.dependencies import CurrentService, PublicSession
from gridsvc.api.problems import problems
from gridsvc.errors import BadCoordinate, BadInput, NotFound
from gridsvc.registry.bodies import view
from gridsvc.registry.bodies.pages_repository import DutyFilter
from gridsvc.registry.bodies.schemas import (
    AgreementPage,
    AgreementWhole,
    BodyAnswer,
    BodyKind,
    BodyPage,
    DutyHistory,
    DutyKind,
    DutyPage,
    DutyRole,
)
from gridsvc.spatial.box import parse_bbox

router = APIRouter(prefix="/v1", tags=["bodies"])

Limit = Annotated[int, Query(ge=1, le=500)]
Area = Annotated[
    str | None,
    Query(
        pattern="^[0-9]{2,12}$",
        description="An area's code; with what is for an area above it or below it.",
    ),
]
Day = Annotated[
    dt.date | None, Query(description="What holds on this day of the city; today when left out.")
]
Ended = Annotated[
    bool, Query(description="Instead of a day: all, also what has ended or is still to begin.")
]
Cursor = Annotated[uuid.UUID | None, Query(description="'next' of the previous page.")]
ClassDigits = Annotated[
    str | None,
    Query(
        alias="class",
        pattern="^[0-9]{1,5}$",
        description="A class's code or its first digits; with what is for more or fewer digits.",
    ),
]


@router.get("/bodies", responses=problems(BadInput))
def list_bodies(
    session: PublicSession,
    area: Area = None,
    kind: BodyKind | None = None,
    name: Annotated[
        str | None, Query(min_length=1, max_length=100, description="A piece of the name.")
    ] = None,
    limit: Limit = 100,
    cursor: Annotated[str | None, Query(description="'next' of the previous page.")] = None,
) -> BodyPage:
    """Street offices, departments, companies, city units and communities, in code order."""
    return view.bodies_listed(session, area=area, kind=kind, name=name, after=cursor, limit=limit)


@router.get("/bodies/{body}", responses=problems(NotFound))
def get_body(
    body: Annotated[str, Path(description="Its code.")], session: PublicSession
) -> BodyAnswer:
    """One body: where it works, and the telephone of its office."""
    return view.body_shown(session, body)


@router.get("/duties", responses=problems(BadInput))
def list_duties(
    service: CurrentService,
    session: PublicSession,
    area: Area = None,
    body: str | None = None,
    class_: ClassDigits = None,
    kind: DutyKind | None = None,
    standard: str | None = None,
    role: DutyRole | None = None,
    day: Day = None,
    ended: Ended = False,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> DutyPage:
    """The duty lists (职责清单): which body answers for which class where."""
    wanted = DutyFilter(area, body, standard, kind, class_, role, _day(service, day, ended=ended))
    return view.duties_listed(session, wanted, after=cursor, limit=limit)


@router.get("/duties/{duty_id}", responses=problems(NotFound))
def get_duty(duty_id: uuid.UUID, session: PublicSession) -> DutyHistory:
    """One line of a duty list, and the lines that it replaced and was replaced by."""
    return view.duty_shown(session, duty_id)


@router.get("/agreements", responses=problems(BadInput, BadCoordinate))
def list_agreements(
    service: CurrentService,
    session: PublicSession,
    body: str | None = None,
    bbox: Annotated[
        str | None, Query(description="west,south,east,north in degrees: what touches this box.")
    ] = None,
    day: Day = None,
    ended: Ended = False,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> AgreementPage:
    """Agreements (共治协议) without their zones."""
    return view.agreements_listed(
        session,
        body=body,
        bbox=None if bbox is None else parse_bbox(bbox),
        day=_day(service, day, ended=ended),
        after=cursor,
        limit=limit,
    )


@router.get("/agreements/{agreement_id}", responses=problems(NotFound))
def get_agreement(agreement_id: uuid.UUID, session: PublicSession) -> AgreementWhole:
    """One agreement and its zone, and the agreements that it replaced and was replaced by."""
    return view.agreement_shown(session, agreement_id)


def _day(service: CurrentService, day: dt.date | None, *, ended: bool) -> dt.date | None:
    if ended:
        return None
    return day or service.city.day(clock.utc_now())
