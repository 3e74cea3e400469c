"""The queries of leaders' notes and visits."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, case, cast, func, or_, select, tuple_
from sqlalchemy.orm import Session

from gridsvc.cases.core.models import Case
from gridsvc.cases.systems.leader_notes.models import LeaderNote

_WAITS = ("written", "answered", "done")


@dataclass(frozen=True, slots=True)
class LeaderCounts:
    """What one leader wrote in one month, and what became of it.

    ``unanswered_late`` have no answer though it is due, ``late`` were done late or are late still.
    """

    month: str
    leader: str
    notes: int
    visits: int
    withdrawn: int
    answered: int
    within: int
    waiting_for_answer: int
    done: int
    in_time: int
    late: int
    again: int
    ended: int


def leader_of(district: str) -> str:
    """To whom it is told what the leader of a district shall know: the name of an inbox."""
    return f"{district}-leader"


def notes_of(session: Session, case_: Case) -> list[LeaderNote]:
    """Every note on a case, in its order."""
    query = select(LeaderNote).where(
        LeaderNote.district_code == case_.district_code, LeaderNote.case_id == case_.id
    )
    return list(session.scalars(query.order_by(LeaderNote.n)))


def waiting_notes(session: Session, district: str, *, most: int) -> list[LeaderNote]:
    """The notes of a district that have not come to their end, the most urgent first."""
    query = select(LeaderNote).where(
        LeaderNote.district_code == district, LeaderNote.state.in_(_WAITS)
    )
    urgent = (LeaderNote.limit_at, LeaderNote.case_id, LeaderNote.n)
    return list(session.scalars(query.order_by(*urgent).limit(most)))


def notes_under(
    session: Session,
    prefix: str,
    *,
    staff: Collection[tuple[str, str]] | None,
    states: Collection[str],
    after: tuple[dt.datetime, uuid.UUID, int] | None,
    limit: int,
) -> list[LeaderNote]:
    """Notes on cases of an area, or for people (district and code), in the order of writing."""
    who = tuple_(LeaderNote.district_code, LeaderNote.staff_code)
    query = select(LeaderNote).where(_under(prefix) if staff is None else who.in_(list(staff)))
    if states:
        query = query.where(LeaderNote.state.in_(list(states)))
    order = (LeaderNote.written_at, LeaderNote.case_id, LeaderNote.n)
    if after is not None:
        query = query.where(tuple_(*order) > after)
    return list(session.scalars(query.order_by(*order).limit(limit)))


def unsaid(
    session: Session, *, now: dt.datetime, unanswered: dt.datetime, most: int
) -> list[tuple[str, uuid.UUID, int]]:
    """Notes whose limit has passed, or that were written before ``unanswered`` and still wait.

    Of each it was not said yet. Gives district, case and number.
    """
    passed = and_(
        LeaderNote.state.in_(("written", "answered")),
        LeaderNote.passed_at.is_(None),
        LeaderNote.limit_at < now,
    )
    silent = and_(
        LeaderNote.state == "written",
        LeaderNote.unanswered_at.is_(None),
        LeaderNote.written_at < unanswered,
    )
    query = select(LeaderNote.district_code, LeaderNote.case_id, LeaderNote.n)
    rows = session.execute(query.where(or_(passed, silent)).limit(most))
    return [(row[0], row[1], row[2]) for row in rows]


def counted(
    session: Session,
    prefix: str,
    since: dt.datetime,
    until: dt.datetime,
    *,
    zone: str,
    within: dt.timedelta,
    now: dt.datetime,
) -> list[LeaderCounts]:
    """Notes written from a moment on until before another, by month (of the zone) and leader."""
    month = func.to_char(func.timezone(zone, LeaderNote.written_at), "YYYY-MM")
    live = LeaderNote.state != "withdrawn"
    answered = LeaderNote.answered_at.is_not(None)
    in_time = LeaderNote.answered_at <= LeaderNote.written_at + within
    open_late = and_(LeaderNote.state.in_(("written", "answered")), LeaderNote.limit_at < now)
    waits = and_(LeaderNote.state == "written", LeaderNote.written_at + within >= now)

    def number(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count().filter(condition)

    query: Any = (
        select(
            cast(month, Text),
            LeaderNote.leader,
            number(and_(live, LeaderNote.kind == "note")),
            number(and_(live, LeaderNote.kind == "visit")),
            number(~live),
            number(and_(live, answered)),
            number(and_(live, in_time)),
            number(waits),
            number(and_(live, LeaderNote.done_at.is_not(None))),
            number(and_(live, LeaderNote.late.is_(False))),
            number(and_(live, or_(LeaderNote.late.is_(True), open_late))),
            func.coalesce(func.sum(case((live, LeaderNote.again), else_=0)), 0),
            number(LeaderNote.state == "ended"),
        )
        .where(_under(prefix), LeaderNote.written_at >= since, LeaderNote.written_at < until)
        .group_by(month, LeaderNote.leader)
        .order_by(month, LeaderNote.leader)
    )
    return [LeaderCounts(*row) for row in session.execute(query)]


def _under(prefix: str) -> ColumnElement[bool]:
    district = (
        LeaderNote.district_code == prefix[:6]
        if len(prefix) >= 6
        else LeaderNote.district_code.startswith(prefix, autoescape=True)
    )
    return and_(district, LeaderNote.area_code.startswith(prefix, autoescape=True))
