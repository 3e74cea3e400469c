"""Who read what is personal, and who changed what: entries in a chain, never changed."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator

from sqlalchemy import BigInteger, DateTime, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from gridsvc.callers import Caller
from gridsvc.db.base import Base

#: Precedes the first entry.
BEGINNING = "0" * 64
_LOCK = text("select pg_advisory_xact_lock(hashtext('gridsvc audit'))")


class AuditEntry(Base):
    """One act: who did what, to what or about whom, and why. ``hash`` covers all the others."""

    __tablename__ = "audit_entry"

    n: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    who: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(20))
    act: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str | None]
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


def note(
    session: Session,
    caller: Caller,
    act: str,
    subject: str,
    *,
    reason: str | None = None,
    now: dt.datetime,
) -> AuditEntry:
    """Keep that a caller did something, in their transaction; entries come one after the other."""
    session.execute(_LOCK)
    last = session.scalar(select(AuditEntry).order_by(AuditEntry.n.desc()).limit(1))
    entry = AuditEntry(
        n=1 if last is None else last.n + 1,
        at=now,
        who=caller.subject[:100],
        role=caller.role.value,
        act=act,
        subject=subject,
        reason=reason,
        previous=BEGINNING if last is None else last.hash,
    )
    entry.hash = _hash(entry)
    session.add(entry)
    session.flush()
    return entry


def broken_at(session: Session) -> int | None:
    """The number of the first entry that is missing, or was changed; None where all are whole."""
    previous = BEGINNING
    for n, entry in enumerate(_all(session), 1):
        if (entry.n, entry.previous, entry.hash) != (n, previous, _hash(entry)):
            return n
        previous = entry.hash
    return None


def _all(session: Session) -> Iterator[AuditEntry]:
    query = select(AuditEntry).order_by(AuditEntry.n).execution_options(yield_per=1_000)
    yield from session.scalars(query)


def _hash(entry: AuditEntry) -> str:
    moment = entry.at.astimezone(dt.UTC).isoformat(timespec="microseconds")
    told = [entry.n, moment, entry.who, entry.role, entry.act, entry.subject, entry.reason]
    form = json.dumps([*told, entry.previous], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(form.encode()).hexdigest()
