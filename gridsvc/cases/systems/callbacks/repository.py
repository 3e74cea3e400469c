"""The queries of callbacks."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from gridsvc.cases.intake.models import Report
from gridsvc.cases.systems.callbacks.models import Callback


def callbacks_of(session: Session, report: Report) -> list[Callback]:
    """Every callback about a report, in its order; the last one stands."""
    return list(
        session.scalars(
            select(Callback)
            .where(Callback.district_code == report.district_code, Callback.report_id == report.id)
            .order_by(Callback.n)
        )
    )


def erase_reasons(session: Session, report: Report, instead: str) -> None:
    """Put other words in the place of the reasons of a report's callbacks."""
    session.execute(
        update(Callback)
        .where(
            Callback.district_code == report.district_code,
            Callback.report_id == report.id,
            Callback.reason.is_not(None),
        )
        .values(reason=instead)
    )
