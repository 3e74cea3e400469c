"""The queries of banned demands, and of those that were sent."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from gridsvc.registry.banned_demands.models import BannedDemand, Demand


def items_of(session: Session, district: str) -> list[BannedDemand]:
    """A district's list, by number."""
    query = select(BannedDemand).where(BannedDemand.district_code == district)
    return list(session.scalars(query.order_by(BannedDemand.number)))


def replace_items(session: Session, district: str, rows: Sequence[dict[str, object]]) -> None:
    """Let rows be a district's list."""
    session.execute(delete(BannedDemand).where(BannedDemand.district_code == district))
    session.execute(insert(BannedDemand), list(rows))


def demands_under(session: Session, prefix: str, *, after: uuid.UUID, limit: int) -> list[Demand]:
    """What was sent to the communities of a district or of less, the first first, behind an id."""
    query = select(Demand).where(
        Demand.district_code == prefix[:6],
        Demand.community_code.startswith(prefix, autoescape=True),
        Demand.id > after,
    )
    return list(session.scalars(query.order_by(Demand.id).limit(limit)))
