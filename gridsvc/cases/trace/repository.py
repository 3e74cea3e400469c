"""The queries of the trace."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from gridsvc.cases.trace.models import TraceEntry

__all__ = ["entries", "last_entry"]


def last_entry(session: Session, district_code: str, case_id: uuid.UUID) -> TraceEntry | None:
    """The newest entry of a case."""
    return session.scalar(
        select(TraceEntry)
        .where(TraceEntry.district_code == district_code, TraceEntry.case_id == case_id)
        .order_by(TraceEntry.n.desc())
        .limit(1)
    )


def entries(session: Session, district_code: str, case_id: uuid.UUID) -> list[TraceEntry]:
    """Every entry of a case, in its order."""
    return list(
        session.scalars(
            select(TraceEntry)
            .where(TraceEntry.district_code == district_code, TraceEntry.case_id == case_id)
            .order_by(TraceEntry.n, TraceEntry.written_at)
        )
    )
