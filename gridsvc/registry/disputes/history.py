"""Writes the history of a dispute: entries are only ever added."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.registry.disputes import repository
from gridsvc.registry.disputes.model import Actor
from gridsvc.registry.disputes.models import Dispute, DisputeEntry

__all__ = ["record"]


def record(
    session: Session,
    dispute: Dispute,
    action: str,
    *,
    actor: Actor,
    why: str,
    content: dict[str, Any],
    now: dt.datetime,
) -> None:
    """Add an entry with the state that the dispute has now; the dispute is locked or new."""
    session.flush()
    session.add(
        DisputeEntry(
            district_code=dispute.district_code,
            dispute_id=dispute.id,
            n=repository.next_entry_number(session, dispute),
            at=now,
            actor=actor.subject,
            role=actor.role,
            area=actor.area,
            action=action,
            state=dispute.state,
            why=why,
            content=content,
        )
    )
    dispute.changed_at = now
    session.flush()
