"""The queries of revoked tokens."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from gridsvc.registry.access.models import RevokedToken

__all__ = ["add_revoked", "is_revoked"]


def is_revoked(session: Session, token_id: uuid.UUID) -> bool:
    """Whether this token was taken back."""
    return session.scalar(select(RevokedToken.id).where(RevokedToken.id == token_id)) is not None


def add_revoked(
    session: Session, token_id: uuid.UUID, now: dt.datetime, expires_at: dt.datetime
) -> None:
    """Remember that this token was taken back."""
    session.add(RevokedToken(id=token_id, revoked_at=now, expires_at=expires_at))
