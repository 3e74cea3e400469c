"""The queries of tasks."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from gridsvc.cases.core.models import Case
from gridsvc.cases.systems.tasks.models import Task
from gridsvc.registry.staff.model import Place

_WAITING = Task.state.in_(("open", "taken"))


@dataclass(frozen=True, slots=True)
class Beat:
    """Where somebody serves, and the kinds of tasks that are theirs there."""

    district: str
    place: Place
    kinds: tuple[str, ...]


def task_by_id(session: Session, task_id: uuid.UUID) -> Task | None:
    """One task."""
    return session.scalar(select(Task).where(Task.id == task_id))


def waiting_of(session: Session, case: Case) -> list[Task]:
    """The tasks of a locked case that nobody has done, kept for this transaction."""
    query = select(Task).where(
        Task.district_code == case.district_code, Task.case_id == case.id, _WAITING
    )
    return list(session.scalars(query.order_by(Task.id).with_for_update()))


def tasks_of(session: Session, case: Case) -> list[Task]:
    """Every task of a case, in the order in which they were made."""
    query = select(Task).where(Task.district_code == case.district_code, Task.case_id == case.id)
    return list(session.scalars(query.order_by(Task.id)))


def inbox(
    session: Session,
    subject: str,
    beats: Sequence[Beat],
    *,
    after: uuid.UUID | None,
    limit: int,
) -> list[Task]:
    """The tasks that somebody has taken or may take, in the order in which they were made."""
    own = and_(Task.state == "taken", Task.taken_by == subject)
    query = select(Task).where(_WAITING, or_(own, *(_on(beat) for beat in beats)))
    if after is not None:
        query = query.where(Task.id > after)
    return list(session.scalars(query.order_by(Task.id).limit(limit)))


def _on(beat: Beat) -> ColumnElement[bool]:
    """Open tasks of a grid or an area; those of a wider area are everybody's in it."""
    area = beat.place.area_code
    above = [area[:digits] for digits in (6, 9, 12) if digits <= len(area)]
    inside = Task.area_code.startswith(area, autoescape=True)
    if beat.place.kind == "unit_grid":
        inside = and_(inside, Task.unit_grid == beat.place.code)
    wider = and_(Task.area_code.in_(above), Task.unit_grid.is_(None))
    here = and_(Task.district_code == beat.district, or_(inside, wider))
    return and_(Task.state == "open", here, Task.kind.in_(beat.kinds))


def tasks_under(
    session: Session,
    prefix: str,
    *,
    state: str | None,
    kind: str | None,
    late_at: dt.datetime | None,
    after: uuid.UUID | None,
    limit: int,
) -> list[Task]:
    """The tasks of areas whose codes begin so; ``late_at``: whose limit has passed undone then."""
    query = select(Task).where(Task.area_code.startswith(prefix, autoescape=True))
    if len(prefix) >= 6:
        query = query.where(Task.district_code == prefix[:6])
    if state is not None:
        query = query.where(Task.state == state)
    if kind is not None:
        query = query.where(Task.kind == kind)
    if late_at is not None:
        query = query.where(_WAITING, Task.limit_at <= late_at)
    if after is not None:
        query = query.where(Task.id > after)
    return list(session.scalars(query.order_by(Task.id).limit(limit)))


def passed(session: Session, *, now: dt.datetime, most: int) -> list[uuid.UUID]:
    """Tasks that are not done though their limit has passed, of which nothing was said yet."""
    query = select(Task.id).where(_WAITING, Task.passed_at.is_(None), Task.limit_at <= now)
    return list(session.scalars(query.order_by(Task.limit_at).limit(most)))


def count_late(session: Session, district: str, now: dt.datetime) -> int:
    """How many tasks of a district are late and not done."""
    query = select(func.count()).where(
        Task.district_code == district, _WAITING, Task.limit_at <= now
    )
    return session.scalar(query) or 0


def found_at(
    session: Session, district: str, cases: Collection[tuple[uuid.UUID, str]]
) -> dict[uuid.UUID, str]:
    """What was found on the spot last for the step of each of these cases."""
    query = select(Task.case_id, Task.step, Task.found).where(
        Task.district_code == district,
        Task.case_id.in_([case_id for case_id, _ in cases]),
        Task.found.is_not(None),
    )
    rows = session.execute(query.order_by(Task.done_at))
    return {id: found for id, step, found in rows if id and found and (id, step) in cases}
