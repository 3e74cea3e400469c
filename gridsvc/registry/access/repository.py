"""The queries of revoked tokens."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy.orm import Session

from gridsvc.db.base import Prepared
from gridsvc.registry.access.models import RevokedToken

_REVOKED = Prepared("revoked", "select 1 from revoked_token where id = :id", {"id": "uuid"})


def is_revoked(session: Session, token_id: uuid.UUID) -> bool:
    """Whether this token was taken back."""
    return bool(_REVOKED.ask(session, {"id": str(token_id)}))


def add_revoked(
    session: Session, token_id: uuid.UUID, now: dt.datetime, expires_at: dt.datetime
) -> None:
    """Remember that this token was taken back."""
    session.add(RevokedToken(id=token_id, revoked_at=now, expires_at=expires_at))
