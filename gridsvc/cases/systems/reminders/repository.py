"""The queries of reminders and of supervision's work."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    DateTime,
    and_,
    cast,
    column,
    false,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from gridsvc.cases.core.events import WhichLimit
from gridsvc.cases.core.models import Case, StatedTime
from gridsvc.cases.systems.reminders.models import LimitNotice
from gridsvc.cases.systems.whistles import CalledBody, Whistle

_LIMITS = {WhichLimit.STEP: Case.limit_at, WhichLimit.OVERALL: Case.overall_at}
#: By when a body that a whistle called must act, and since when it has.
_OF_CALLED = {
    WhichLimit.REPORT_IN: (CalledBody.report_in_by, CalledBody.reported_in_at),
    WhichLimit.DONE: (CalledBody.done_by, CalledBody.done_at),
}


@dataclass(frozen=True, slots=True)
class Due:
    """A limit of a case; ``body`` is the called body whose own it is, else empty."""

    case_id: uuid.UUID
    body: str
    limit_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """Which limits are looked for: up to ``by``, of which ``notice`` was not given yet.

    ``each_called`` are the steps (procedure, version, step) at which every called body has a clock
    of its own; ``case_id`` is the one case that is looked at, None for all.
    """

    which: WhichLimit
    notice: str
    by: dt.datetime
    now: dt.datetime
    each_called: Sequence[tuple[str, int, str]]
    case_id: uuid.UUID | None = None


def unnoticed(session: Session, asked: Asked, *, most: int) -> list[Due]:
    """Limits in open cases of which nothing was said yet, the earliest first.

    A suspended case waits; one that was answered has kept its overall limit or not.
    """
    query: Any
    if asked.which in _OF_CALLED:
        query, body, limit_at = _of_whistles(asked.which)
    elif asked.which is WhichLimit.PART:
        query, body, limit_at = _of_parts(asked)
    else:
        limit_at = _LIMITS[asked.which]
        body = literal("")
        query = select(Case.id, body, limit_at).where(Case.state == "open")
    if asked.which is WhichLimit.OVERALL:
        query = query.where(Case.answered_at.is_(None))
    if asked.case_id is not None:
        query = query.where(Case.id == asked.case_id)
    said = select(LimitNotice.case_id).where(
        LimitNotice.district_code == Case.district_code,
        LimitNotice.case_id == Case.id,
        LimitNotice.which == asked.which.value,
        LimitNotice.body_code == body,
        LimitNotice.limit_at == limit_at,
        LimitNotice.notice == asked.notice,
    )
    runs = or_(Case.suspended_until.is_(None), Case.suspended_until <= asked.now)
    query = query.where(limit_at <= asked.by, ~said.exists(), runs)
    return [Due(*row) for row in session.execute(query.order_by(limit_at).limit(most))]


def _of_whistles(which: WhichLimit) -> tuple[Any, Any, Any]:
    limit_at, acted_at = _OF_CALLED[which]
    query = (
        select(Case.id, CalledBody.body_code, limit_at)
        .join_from(
            CalledBody,
            Whistle,
            and_(
                Whistle.district_code == CalledBody.district_code,
                Whistle.id == CalledBody.whistle_id,
            ),
        )
        .join(Case, and_(Case.district_code == Whistle.district_code, Case.id == Whistle.case_id))
        .where(
            acted_at.is_(None),
            CalledBody.exit.is_(None),
            Whistle.state == "open",
            Case.state == "open",
        )
    )
    return query, CalledBody.body_code, limit_at


def _of_parts(asked: Asked) -> tuple[Any, Any, Any]:
    """Of the bodies that a step called; the earliest that runs is the step's own limit."""
    called = func.jsonb_array_elements(Case.progress["called"]).table_valued(
        column("value", JSONB), name="called"
    )
    each = called.c.value
    body = each["body"].astext
    limit_at = cast(each["limit_at"].astext, DateTime(timezone=True))
    here = tuple_(Case.procedure, Case.procedure_version, Case.step)
    query = (
        select(Case.id, body, limit_at)
        .select_from(Case)
        .join(called, true())
        .where(
            Case.state == "open",
            Case.limit_at <= asked.by,
            here.in_(list(asked.each_called)) if asked.each_called else false(),
            limit_at > Case.limit_at,
            ~Case.progress["taken_by"].has_key(body),
        )
    )
    return query, body, limit_at


def late_cases(session: Session, district: str, *, now: dt.datetime, most: int) -> list[Case]:
    """The open cases of a district whose limit has passed, the latest first."""
    query = select(Case).where(_late(district, now)).order_by(Case.limit_at, Case.id).limit(most)
    return list(session.scalars(query))


def count_late(session: Session, district: str, *, now: dt.datetime) -> dict[str, int]:
    """How many open cases of a district are late, by the body that leads them."""
    query = select(Case.lead_body, func.count()).where(_late(district, now))
    rows = session.execute(query.group_by(Case.lead_body).order_by(Case.lead_body))
    return {row[0]: row[1] for row in rows}


def _late(district: str, now: dt.datetime) -> ColumnElement[bool]:
    return and_(
        Case.district_code == district,
        Case.state == "open",
        Case.limit_at <= now,
        or_(Case.suspended_until.is_(None), Case.suspended_until <= now),
    )


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
