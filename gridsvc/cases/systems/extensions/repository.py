"""The queries of extensions that were asked for."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from gridsvc.cases.core.models import Case
from gridsvc.cases.systems.extensions.models import ExtensionAsked


def extensions_of(session: Session, case: Case) -> list[ExtensionAsked]:
    """Every extension that was asked for in a case, in its order."""
    return list(
        session.scalars(
            select(ExtensionAsked)
            .where(
                ExtensionAsked.district_code == case.district_code,
                ExtensionAsked.case_id == case.id,
            )
            .order_by(ExtensionAsked.n)
        )
    )


def waiting_extensions(
    session: Session, district: str, *, now: dt.datetime, most: int
) -> list[ExtensionAsked]:
    """What command of a district has not decided and still can, the most urgent first."""
    query = (
        select(ExtensionAsked)
        .join(
            Case,
            (Case.district_code == ExtensionAsked.district_code)
            & (Case.id == ExtensionAsked.case_id),
        )
        .where(
            ExtensionAsked.district_code == district,
            ExtensionAsked.granted.is_(None),
            ExtensionAsked.limit_at > now,
            Case.state == "open",
            Case.limit_at == ExtensionAsked.limit_at,
        )
        .order_by(ExtensionAsked.limit_at, ExtensionAsked.case_id)
        .limit(most)
    )
    return list(session.scalars(query))
