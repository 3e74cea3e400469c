"""The queries of the trace."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from gridsvc.cases.files.models import CaseFile
from gridsvc.cases.trace.models import TraceEntry

__all__ = ["case_of", "entries"]


def case_of(session: Session, district_code: str, case_id: uuid.UUID) -> CaseFile:
    """The case whose trace it is."""
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
