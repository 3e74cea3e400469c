"""The register of tokens, those that were taken back, and the audit log."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from gridsvc.db.base import Base


class Token(Base):
    """Who holds a token, made by whom, and until when.

    A renewed token keeps its id; ``expires_at`` is that of the newest. ``made_by``, ``made_at`` and
    ``renewable_until`` are None for one that others made with our key, or a city's own provider:
    it is known since it was used.
    """

    __tablename__ = "token"
    __table_args__ = (
        Index("ix_token_area", "area", "id"),
        CheckConstraint(
            "num_nulls(made_by, made_at, renewable_until) in (0, 3)",
            "made_whole",
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(20))
    area: Mapped[str] = mapped_column(String(12))
    body: Mapped[str | None] = mapped_column(String(18))
    made_by: Mapped[str | None] = mapped_column(String(100))
    made_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    renewable_until: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    last_used_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))


class AuditEntry(Base):
    """Who read personal data, or changed what the service rests on; each holds the one before.

    ``act`` is the method and path of the table of rights, or a command; ``subject`` what it was
    done to. ``role`` is *operator* for commands, which need no token.
    """

    __tablename__ = "audit_entry"

    n: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    who: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(20))
    act: Mapped[str] = mapped_column(String(200))
    subject: Mapped[str] = mapped_column(String(500))
    reason: Mapped[str] = mapped_column(String(1000))
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class RevokedToken(Base):
    """A revoked token's id; the row may go when the token has expired by itself."""

    __tablename__ = "revoked_token"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    revoked_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
