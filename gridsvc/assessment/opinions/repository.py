"""The queries of opinions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gridsvc.assessment.opinions.models import YearlyOpinion
from gridsvc.cases.systems.whistles.models import CalledBody, Whistle


def has_called(
    session: Session, street: str, body: str, start: dt.datetime, end: dt.datetime
) -> bool:
    """Whether a street has blown a whistle for a body in a span of time."""
    called = exists().where(
        CalledBody.district_code == Whistle.district_code,
        CalledBody.whistle_id == Whistle.id,
        CalledBody.body_code == body,
    )
    query = select(
        exists().where(
            Whistle.caller_body == street,
            Whistle.blown_at >= start,
            Whistle.blown_at < end,
            called,
        )
    )
    return bool(session.scalar(query))


def keep(session: Session, opinion: YearlyOpinion) -> bool:
    """Write an opinion; False where the street has given one, which stands."""
    given = {column.name: getattr(opinion, column.name) for column in YearlyOpinion.__table__.c}
    written = session.execute(
        insert(YearlyOpinion)
        .values(given)
        .on_conflict_do_nothing()
        .returning(YearlyOpinion.street_code)
    )
    return written.first() is not None


def opinions_under(session: Session, area: str, year: int) -> Sequence[YearlyOpinion]:
    """What the streets of an area say of a year, by body and street."""
    query = select(YearlyOpinion).where(
        YearlyOpinion.street_code.startswith(area, autoescape=True), YearlyOpinion.year == year
    )
    return session.scalars(query.order_by(YearlyOpinion.body_code, YearlyOpinion.street_code)).all()
