"""The queries that list bodies, duties and agreements, a page at a time."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, func, or_, select
from sqlalchemy.orm import Session

from gridsvc.registry.bodies.models import Agreement, AgreementDuty, Body, Duty
from gridsvc.registry.in_force import holds


@dataclass(frozen=True, slots=True)
class DutyFilter:
    """Which lines of the duty lists are asked for; None: any.

    ``area`` and ``class_code`` find what speaks about them or a piece of them: their own lines,
    those above and those below. ``day``: the lines that hold on it.
    """

    area: str | None = None
    body: str | None = None
    standard: str | None = None
    kind: str | None = None
    class_code: str | None = None
    role: str | None = None
    day: dt.date | None = None


def bodies_page(
    session: Session,
    *,
    area: str | None,
    kind: str | None,
    name: str | None,
    after: str | None,
    limit: int,
) -> list[Body]:
    """Bodies in the order of their codes; ``area`` finds those above and below it too."""
    query = select(Body).order_by(Body.code).limit(limit)
    if area is not None:
        query = query.where(_about(Body.area_code, area))
    if kind is not None:
        query = query.where(Body.kind == kind)
    if name is not None:
        query = query.where(Body.name.contains(name, autoescape=True))
    if after is not None:
        query = query.where(Body.code > after)
    return list(session.scalars(query))


def body_by_code(session: Session, code: str) -> Body | None:
    """The body of a code."""
    return session.get(Body, code)


def duties_page(
    session: Session, wanted: DutyFilter, *, after: uuid.UUID | None, limit: int
) -> list[tuple[Duty, str]]:
    """Lines of the duty lists in the order of their ids, and the names of their bodies."""
    query = select(Duty, Body.name).join(Body, Body.code == Duty.body_code)
    for column, value in (
        (Duty.body_code, wanted.body),
        (Duty.standard, wanted.standard),
        (Duty.kind, wanted.kind),
        (Duty.role, wanted.role),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.area is not None:
        query = query.where(_about(Duty.area_code, wanted.area))
    if wanted.class_code is not None:
        query = query.where(_about(Duty.class_prefix, wanted.class_code, least=0))
    if wanted.day is not None:
        query = query.where(holds(Duty.valid_from, Duty.valid_to, wanted.day))
    if after is not None:
        query = query.where(Duty.id > after)
    return [(row[0], row[1]) for row in session.execute(query.order_by(Duty.id).limit(limit))]


def duty_line(session: Session, duty_id: uuid.UUID) -> list[tuple[Duty, str]]:
    """A line of a duty list with those before and after it, in their order; none: no such line."""
    return duties_by_id(session, session.scalars(_line_of(Duty, duty_id)))


def agreements_page(
    session: Session,
    *,
    body: str | None,
    bbox: tuple[float, float, float, float] | None,
    day: dt.date | None,
    after: uuid.UUID | None,
    limit: int,
) -> list[Agreement]:
    """Agreements in the order of their ids: with a line of a body, touching a box (WGS84)."""
    query = select(Agreement).order_by(Agreement.id).limit(limit)
    if body is not None:
        lines = select(AgreementDuty.agreement_id).where(AgreementDuty.body_code == body)
        query = query.where(Agreement.id.in_(lines))
    if bbox is not None:
        query = query.where(func.st_intersects(Agreement.zone, func.st_makeenvelope(*bbox, 4326)))
    if day is not None:
        query = query.where(holds(Agreement.valid_from, Agreement.valid_to, day))
    if after is not None:
        query = query.where(Agreement.id > after)
    return list(session.scalars(query))


def agreement_line(session: Session, agreement_id: uuid.UUID) -> list[Agreement]:
    """An agreement with those before and after it, in their order; none: no such agreement."""
    query = select(Agreement).where(Agreement.id.in_(_line_of(Agreement, agreement_id)))
    return list(session.scalars(query.order_by(Agreement.id)))


def lock_agreement(session: Session, agreement_id: uuid.UUID) -> Agreement | None:
    """The agreement of an id, held until the end of the transaction."""
    return session.get(Agreement, agreement_id, with_for_update=True)


def duties_by_id(session: Session, ids: Iterable[uuid.UUID]) -> list[tuple[Duty, str]]:
    """The lines of these ids and the names of their bodies, in the order of their ids."""
    query = select(Duty, Body.name).join(Body, Body.code == Duty.body_code)
    query = query.where(Duty.id.in_(list(ids))).order_by(Duty.id)
    return [(row[0], row[1]) for row in session.execute(query)]


def lines_of_agreements(
    session: Session, ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, list[AgreementDuty]]:
    """The lines of some agreements, leads first."""
    rows: Sequence[AgreementDuty] = session.scalars(
        select(AgreementDuty)
        .where(AgreementDuty.agreement_id.in_(list(ids)))
        .order_by(
            AgreementDuty.role.desc(),
            AgreementDuty.kind,
            AgreementDuty.class_prefix,
            AgreementDuty.body_code,
        )
    ).all()
    found: dict[uuid.UUID, list[AgreementDuty]] = {}
    for row in rows:
        found.setdefault(row.agreement_id, []).append(row)
    return found


def _line_of(
    table: type[Duty] | type[Agreement], id: uuid.UUID
) -> CompoundSelect[tuple[uuid.UUID]]:
    """The ids of a row, of those that it took the place of, and of those that took its own."""
    own = select(table.id, table.replaces).where(table.id == id)
    before = own.cte("before", recursive=True)
    before = before.union(select(table.id, table.replaces).where(table.id == before.c.replaces))
    after = own.cte("after", recursive=True)
    after = after.union(select(table.id, table.replaces).where(table.replaces == after.c.id))
    return select(before.c.id).union(select(after.c.id))


def _about(column: Any, code: str, *, least: int = 2) -> ColumnElement[bool]:
    """Whether a code is another, one above it, or one below it."""
    above = [code[:digits] for digits in range(least, len(code))]
    return or_(column.in_(above), column.startswith(code))
