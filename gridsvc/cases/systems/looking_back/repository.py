"""The queries of recurring lists, their places, and the times that they were looked at."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from gridsvc.cases.systems.looking_back.models import LookBack, RecurringList, RecurringPlace

_OF_PLACE = and_(
    LookBack.district_code == RecurringPlace.district_code,
    LookBack.list_id == RecurringPlace.list_id,
    LookBack.n == RecurringPlace.n,
)


def list_by_id(session: Session, id: uuid.UUID, *, lock: bool = False) -> RecurringList | None:
    """A list; locked, nobody else looks at its places until the end of this transaction."""
    query = select(RecurringList).where(RecurringList.id == id)
    return session.scalar(query.with_for_update() if lock else query)


def lists_under(
    session: Session, area: str, *, after: uuid.UUID | None, limit: int
) -> list[RecurringList]:
    """Lists of areas whose codes begin so, in the order in which they were kept."""
    query = select(RecurringList).where(RecurringList.area_code.startswith(area, autoescape=True))
    if after is not None:
        query = query.where(RecurringList.id > after)
    return list(session.scalars(query.order_by(RecurringList.id).limit(limit)))


def kept_lists(session: Session) -> Sequence[uuid.UUID]:
    """The lists that are looked at still."""
    query = select(RecurringList.id).where(RecurringList.ended_at.is_(None))
    return session.scalars(query.order_by(RecurringList.id)).all()


def places_of(session: Session, kept: RecurringList) -> list[RecurringPlace]:
    """The places of a list, in its order."""
    query = select(RecurringPlace).where(
        RecurringPlace.district_code == kept.district_code, RecurringPlace.list_id == kept.id
    )
    return list(session.scalars(query.order_by(RecurringPlace.n)))


def not_looked_at(
    session: Session, kept: RecurringList, before: dt.date, *, most: int
) -> list[RecurringPlace]:
    """Places of a list that nobody was asked to look at before that season."""
    looked = select(LookBack.n).where(_OF_PLACE, LookBack.before == before).exists()
    query = select(RecurringPlace).where(
        RecurringPlace.district_code == kept.district_code,
        RecurringPlace.list_id == kept.id,
        ~looked,
    )
    return list(session.scalars(query.order_by(RecurringPlace.n).limit(most)))


def look_backs_of(session: Session, kept: RecurringList) -> list[LookBack]:
    """Every time that places of a list were looked at, by place and season."""
    query = select(LookBack).where(
        LookBack.district_code == kept.district_code, LookBack.list_id == kept.id
    )
    return list(session.scalars(query.order_by(LookBack.n, LookBack.before)))


def look_back_of_task(session: Session, task_id: uuid.UUID) -> LookBack | None:
    """The look back for which a task was made, kept for this transaction."""
    return session.scalar(select(LookBack).where(LookBack.task_id == task_id).with_for_update())


def place_of_look_back(session: Session, look: LookBack) -> RecurringPlace:
    """The place that is looked at."""
    return session.get_one(RecurringPlace, (look.district_code, look.list_id, look.n))


def counts_of(session: Session, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """How many places each list has."""
    rows = session.execute(
        select(RecurringPlace.list_id, func.count())
        .where(RecurringPlace.list_id.in_(ids))
        .group_by(RecurringPlace.list_id)
    )
    return {row[0]: row[1] for row in rows}
