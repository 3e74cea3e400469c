"""Bodies, duties and agreements as others see them: listed, and each with what came before it."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterable, Sequence

import shapely
from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.errors import NotFound
from gridsvc.registry.bodies import pages_repository
from gridsvc.registry.bodies.agreements import duties_json
from gridsvc.registry.bodies.models import Agreement, Duty
from gridsvc.registry.bodies.pages_repository import DutyFilter
from gridsvc.registry.bodies.schemas import (
    AgreementPage,
    AgreementRead,
    AgreementWhole,
    BodyAnswer,
    BodyPage,
    DutiesChanged,
    DutyAnswer,
    DutyHistory,
    DutyPage,
)


def bodies_listed(
    session: Session,
    *,
    area: str | None,
    kind: str | None,
    name: str | None,
    after: str | None,
    limit: int,
) -> BodyPage:
    """A page of bodies."""
    found = pages_repository.bodies_page(
        session, area=area, kind=kind, name=name, after=after, limit=limit
    )
    listed = [BodyAnswer.of(body) for body in found]
    return BodyPage(bodies=listed, next=listed[-1].code if len(listed) == limit else None)


def body_shown(session: Session, code: str) -> BodyAnswer:
    """One body. Raises NotFound."""
    found = pages_repository.body_by_code(session, code)
    if found is None:
        raise NotFound(f"No body has the code '{code}'.", field="body")
    return BodyAnswer.of(found)


def duties_listed(
    session: Session, wanted: DutyFilter, *, after: uuid.UUID | None, limit: int
) -> DutyPage:
    """A page of the duty lists."""
    found = pages_repository.duties_page(session, wanted, after=after, limit=limit)
    listed = [duty_answer(duty, name) for duty, name in found]
    return DutyPage(duties=listed, next=str(listed[-1].id) if len(listed) == limit else None)


def duty_shown(session: Session, duty_id: uuid.UUID) -> DutyHistory:
    """A line of a duty list and all that took each other's place with it. Raises NotFound."""
    lines = pages_repository.duty_line(session, duty_id)
    history = [duty_answer(duty, name) for duty, name in lines]
    for shown in history:
        if shown.id == duty_id:
            return DutyHistory(duty=shown, history=history)
    raise NotFound(f"No duty list has the line {duty_id}; '/v1/duties' lists them.")


def duties_changed(session: Session, ids: Iterable[uuid.UUID]) -> DutiesChanged:
    """Lines that were just ended or begun, as they are now."""
    found = pages_repository.duties_by_id(session, ids)
    return DutiesChanged(duties=[duty_answer(duty, name) for duty, name in found])


def duty_answer(duty: Duty, name: str) -> DutyAnswer:
    """A line of a duty list with the name of its body."""
    return DutyAnswer.of(duty, body=duty.body_code, name=name, area=duty.area_code)


def agreements_listed(
    session: Session,
    *,
    body: str | None,
    bbox: tuple[float, float, float, float] | None,
    day: dt.date | None,
    after: uuid.UUID | None,
    limit: int,
) -> AgreementPage:
    """A page of agreements, without their zones."""
    found = pages_repository.agreements_page(
        session, body=body, bbox=bbox, day=day, after=after, limit=limit
    )
    listed = agreements_answer(session, found)
    following = str(listed[-1].id) if len(listed) == limit else None
    return AgreementPage(agreements=listed, next=following)


def agreement_shown(session: Session, agreement_id: uuid.UUID) -> AgreementWhole:
    """An agreement, its zone, and all that took each other's place with it. Raises NotFound."""
    found = pages_repository.agreement_line(session, agreement_id)
    history = agreements_answer(session, found)
    for agreement, shown in zip(found, history, strict=True):
        if shown.id == agreement_id:
            zone = json.loads(shapely.to_geojson(to_shape(agreement.zone)))
            return AgreementWhole(agreement=shown, zone=zone, history=history)
    raise NotFound(f"There is no agreement {agreement_id}; '/v1/agreements' lists them.")


def agreement_read(session: Session, agreement_id: uuid.UUID) -> AgreementRead:
    """An agreement that is known to exist, without its zone."""
    return agreements_answer(session, [session.get_one(Agreement, agreement_id)])[0]


def agreements_answer(session: Session, found: Sequence[Agreement]) -> list[AgreementRead]:
    """Agreements with their lines."""
    lines = pages_repository.lines_of_agreements(session, [one.id for one in found])
    return [AgreementRead.of(one, duties=duties_json(lines.get(one.id, ()))) for one in found]
