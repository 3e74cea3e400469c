"""The queries of the trace."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import exists, func, select, tuple_
from sqlalchemy.orm import Session

from gridsvc.cases.core.models import Case, TraceEntry


def entries(session: Session, case: Case) -> list[TraceEntry]:
    """Every entry of a case, in its order."""
    return list(
        session.scalars(
            select(TraceEntry)
            .where(TraceEntry.district_code == case.district_code, TraceEntry.case_id == case.id)
            .order_by(TraceEntry.n, TraceEntry.written_at)
        )
    )


def last_of(session: Session, case: Case, action: str) -> TraceEntry | None:
    """The newest entry of an action in a case."""
    return session.scalar(
        select(TraceEntry)
        .where(
            TraceEntry.district_code == case.district_code,
            TraceEntry.case_id == case.id,
            TraceEntry.action == action,
        )
        .order_by(TraceEntry.n.desc())
        .limit(1)
    )


def all_of(session: Session, case: Case, action: str) -> Sequence[TraceEntry]:
    """The entries of an action in a case, in their order."""
    return session.scalars(
        select(TraceEntry)
        .where(
            TraceEntry.district_code == case.district_code,
            TraceEntry.case_id == case.id,
            TraceEntry.action == action,
        )
        .order_by(TraceEntry.n)
    ).all()


def case_count(session: Session) -> int:
    """How many cases there are."""
    return session.scalar(select(func.count()).select_from(Case)) or 0


def cases_after(
    session: Session, after: tuple[str, uuid.UUID] | None, *, limit: int
) -> Sequence[Case]:
    """Cases in the order of district and id, from behind ``after``."""
    query = select(Case).order_by(Case.district_code, Case.id).limit(limit)
    if after is not None:
        query = query.where(tuple_(Case.district_code, Case.id) > after)
    return session.scalars(query).all()


def entries_between(
    session: Session, first: tuple[str, uuid.UUID], last: tuple[str, uuid.UUID]
) -> Sequence[TraceEntry]:
    """The entries of the cases from ``first`` to ``last``, both included, case by case."""
    key = tuple_(TraceEntry.district_code, TraceEntry.case_id)
    return session.scalars(
        select(TraceEntry)
        .where(key >= first, key <= last)
        .order_by(TraceEntry.district_code, TraceEntry.case_id, TraceEntry.n, TraceEntry.written_at)
    ).all()


def entries_without_case(session: Session) -> Sequence[tuple[str, uuid.UUID]]:
    """The cases that have entries and no case file."""
    of_case = (
        Case.district_code == TraceEntry.district_code,
        Case.id == TraceEntry.case_id,
    )
    rows = session.execute(
        select(TraceEntry.district_code, TraceEntry.case_id)
        .where(~exists().where(*of_case))
        .distinct()
    )
    return [(district, case_id) for district, case_id in rows]
