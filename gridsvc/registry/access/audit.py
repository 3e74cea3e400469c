"""The audit log: every read of personal data and every administrative act, in one chain.

Entries are written last in their transaction, since of two that add to the chain one waits for the
other's commit; what was refused, or failed, is not in it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import inspect, select, text
from sqlalchemy.orm import Session

from gridsvc.db.chain import BEGINNING, chained_hash
from gridsvc.registry.access.models import AuditEntry

_PENDING = "gridsvc audit"
_LOCK = "select pg_advisory_xact_lock(hashtext('gridsvc audit'))"
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Done:
    """What somebody does in a transaction: with which role, what, to what, and why."""

    at: dt.datetime
    who: str
    role: str
    act: str
    subject: str
    reason: str = ""


def note(session: Session, done: Done) -> None:
    """Have it entered at the end of this transaction, by :func:`write_noted`."""
    session.info.setdefault(_PENDING, []).append(done)


def write_noted(session: Session) -> None:
    """Enter what was noted; nothing may be waited for between this and the commit."""
    noted: list[Done] = session.info.pop(_PENDING, [])
    if not noted:
        return
    session.flush()
    session.execute(text(_LOCK))
    last = session.scalar(select(AuditEntry).order_by(AuditEntry.n.desc()).limit(1))
    first, previous = (1, BEGINNING) if last is None else (last.n + 1, last.hash)
    for n, done in enumerate(noted, first):
        entry = AuditEntry(
            n=n,
            at=done.at,
            who=done.who[:100],
            role=done.role,
            act=done.act[:200],
            subject=done.subject[:500],
            reason=done.reason[:1000],
            previous=previous,
            hash="",
        )
        previous = entry.hash = entry_hash(entry)
        session.add(entry)
    session.flush()


def entries_before(session: Session, n: int | None, *, limit: int) -> list[AuditEntry]:
    """The newest entries, from before number ``n`` on."""
    query = select(AuditEntry).order_by(AuditEntry.n.desc()).limit(limit)
    return list(session.scalars(query if n is None else query.where(AuditEntry.n < n)))


def hashes_from(session: Session, n: int, *, limit: int) -> list[tuple[dt.datetime, bytes]]:
    """When entries from number ``n`` on were made, and their hashes, in their order."""
    query = select(AuditEntry.at, AuditEntry.hash).where(AuditEntry.n >= n)
    rows = session.execute(query.order_by(AuditEntry.n).limit(limit))
    return [(at, bytes.fromhex(found)) for at, found in rows]


@dataclass(frozen=True, slots=True)
class AuditVerified:
    """Whether the log is whole, how many entries it has, and the first one that is not."""

    intact: bool
    entries: int
    broken_at: int | None
    reason: str | None


def verify_audit(session: Session) -> AuditVerified:
    """Check every number, every link and every hash of the log."""
    previous, n = BEGINNING, 0
    for n, entry in enumerate(_all(session), 1):
        reason = None
        if entry.n != n:
            reason = f"entry {n} is missing"
        elif entry.previous != previous:
            reason = "it does not follow from the entry before"
        elif entry.hash != entry_hash(entry):
            reason = "its content was changed after it was written"
        if reason is not None:
            return AuditVerified(False, n, n, reason)
        previous = entry.hash
    return AuditVerified(True, n, None, None)


def _all(session: Session) -> Iterator[AuditEntry]:
    return iter(
        session.scalars(
            select(AuditEntry).order_by(AuditEntry.n).execution_options(yield_per=_AT_ONCE)
        )
    )


def entry_hash(entry: AuditEntry) -> str:
    """The hash of an entry's columns, that of the entry before among them."""
    columns: dict[str, Any] = {
        column.key: getattr(entry, column.key)
        for column in inspect(AuditEntry).column_attrs
        if column.key != "hash"
    }
    return chained_hash(columns)
