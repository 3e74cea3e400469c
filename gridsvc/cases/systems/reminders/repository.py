"""The queries of reminders and of supervision's work."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, false, func, or_, select, tuple_
from sqlalchemy.orm import Session

from gridsvc.cases.core.events import WhichLimit
from gridsvc.cases.core.models import Case, StatedTime
from gridsvc.cases.systems.reminders.models import LimitNotice

_LIMITS = {WhichLimit.STEP: Case.limit_at, WhichLimit.OVERALL: Case.overall_at}


def unnoticed(
    session: Session,
    which: WhichLimit,
    notice: str,
    *,
    by: dt.datetime,
    now: dt.datetime,
    most: int,
) -> list[uuid.UUID]:
    """Open cases with a limit up to ``by`` of which nothing was said yet, the earliest first.

    A suspended case waits; one that was answered has kept its overall limit or not.
    """
    limit_at = _LIMITS[which]
    said = select(LimitNotice.case_id).where(
        LimitNotice.district_code == Case.district_code,
        LimitNotice.case_id == Case.id,
        LimitNotice.which == which.value,
        LimitNotice.limit_at == limit_at,
        LimitNotice.notice == notice,
    )
    runs = [Case.state == "open", limit_at <= by, ~said.exists()]
    runs.append(or_(Case.suspended_until.is_(None), Case.suspended_until <= now))
    if which is WhichLimit.OVERALL:
        runs.append(Case.answered_at.is_(None))
    return list(session.scalars(select(Case.id).where(*runs).order_by(limit_at).limit(most)))


def cases_at(
    session: Session, district: str, steps: Sequence[tuple[str, int, str]], *, most: int
) -> list[Case]:
    """The open cases of a district at these steps (procedure, version, step), most urgent first."""
    query = (
        select(Case)
        .where(_open_at(district, steps))
        .order_by(Case.limit_at.nulls_last(), Case.id)
        .limit(most)
    )
    return list(session.scalars(query))


def count_at(
    session: Session, district: str, steps: Sequence[tuple[str, int, str]]
) -> list[tuple[str, bool, int]]:
    """How many open cases stand at each of these steps: (step, whether sent back, number)."""
    returned = _returned()
    query = select(Case.step, returned, func.count()).where(_open_at(district, steps))
    return [
        (step, sent_back, number)
        for step, sent_back, number in session.execute(query.group_by(Case.step, returned))
    ]


def undecided_times(session: Session, district: str, *, most: int) -> list[StatedTime]:
    """The stated times of a district that supervision has not decided, the oldest first."""
    query = (
        select(StatedTime)
        .where(StatedTime.district_code == district, StatedTime.accepted.is_(None))
        .order_by(StatedTime.received_at, StatedTime.case_id, StatedTime.n)
        .limit(most)
    )
    return list(session.scalars(query))


def _open_at(district: str, steps: Sequence[tuple[str, int, str]]) -> ColumnElement[bool]:
    here = tuple_(Case.procedure, Case.procedure_version, Case.step)
    at = here.in_(list(steps)) if steps else false()
    return and_(Case.district_code == district, Case.state == "open", at)


def _returned() -> ColumnElement[bool]:
    return func.coalesce(Case.progress["returned"].astext == "true", false())
