"""The queries of the trace."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import exists, func, select, tuple_
from sqlalchemy.orm import Session

from gridsvc.cases.core.models import CaseFile
from gridsvc.cases.core.trace.models import TraceEntry

__all__ = ["case_of", "entries", "last_of"]


def case_of(session: Session, district_code: str, case_id: uuid.UUID) -> CaseFile:
    """The case whose trace it is, also one that is not written yet."""
    for added in session.new:
        if isinstance(added, CaseFile) and (added.district_code, added.id) == (
            district_code,
            case_id,
        ):
            return added
    return session.get_one(CaseFile, (district_code, case_id))


def entries(session: Session, district_code: str, case_id: uuid.UUID) -> list[TraceEntry]:
    """Every entry of a case, in its order."""
    return list(
        session.scalars(
            select(TraceEntry)
            .where(TraceEntry.district_code == district_code, TraceEntry.case_id == case_id)
            .order_by(TraceEntry.n, TraceEntry.written_at)
        )
    )


def last_of(
    session: Session, district_code: str, case_id: uuid.UUID, action: str
) -> TraceEntry | None:
    """The newest entry of an action in a case."""
    return session.scalar(
        select(TraceEntry)
        .where(
            TraceEntry.district_code == district_code,
            TraceEntry.case_id == case_id,
            TraceEntry.action == action,
        )
        .order_by(TraceEntry.n.desc())
        .limit(1)
    )


def case_count(session: Session) -> int:
    """How many cases there are."""
    return session.scalar(select(func.count()).select_from(CaseFile)) or 0


def cases_after(
    session: Session, after: tuple[str, uuid.UUID] | None, *, limit: int
) -> Sequence[CaseFile]:
    """Cases in the order of district and id, from behind ``after``."""
    query = select(CaseFile).order_by(CaseFile.district_code, CaseFile.id).limit(limit)
    if after is not None:
        query = query.where(tuple_(CaseFile.district_code, CaseFile.id) > after)
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
        CaseFile.district_code == TraceEntry.district_code,
        CaseFile.id == TraceEntry.case_id,
    )
    rows = session.execute(
        select(TraceEntry.district_code, TraceEntry.case_id)
        .where(~exists().where(*of_case))
        .distinct()
    )
    return [(district, case_id) for district, case_id in rows]
