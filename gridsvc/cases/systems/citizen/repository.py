"""The queries of citizens' own reports."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from gridsvc.cases.core.models import Case
from gridsvc.cases.intake.models import Report


def filed_by(
    session: Session, subject: str, *, after: Report | None, limit: int
) -> Sequence[Report]:
    """The reports that tokens of a subject filed, the newest first, from behind ``after``."""
    query = select(Report).where(Report.reporter_subject == subject)
    if after is not None:
        query = query.where(tuple_(Report.created_at, Report.id) < (after.created_at, after.id))
    newest = query.order_by(Report.created_at.desc(), Report.id.desc())
    return session.scalars(newest.limit(limit)).all()


def reopened_as(session: Session, case_id: uuid.UUID) -> uuid.UUID | None:
    """The open case that goes on with a closed one already."""
    return session.scalar(
        select(Case.id).where(Case.reopened_from == case_id, Case.state == "open").limit(1)
    )
