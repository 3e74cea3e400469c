"""Tokens that were taken back before they expired."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import DateTime
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class RevokedToken(Base):
    """A revoked token's id; the row may go when the token has expired by itself."""

    __tablename__ = "revoked_token"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    revoked_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
