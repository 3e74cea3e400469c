"""The queries of the log."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import TextClause, exists, func, insert, select, text
from sqlalchemy.orm import Session

from gridsvc.cases.core.models import Case
from gridsvc.cases.log.checkpoint import Checkpoint
from gridsvc.cases.log.models import LogCheckpoint, LogLeaf, LogNode

#: What precedes the first entry of the first case.
FIRST_PLACE = ("", "00000000-0000-0000-0000-000000000000", 0)

_LOCK_KEY = 0x6C6F67  # "log"

# The window first, by the index of the time: with the limit in sight, PostgreSQL would rather go
# through all entries in the order that is asked for.
_NEW_ENTRIES = text("""
with t as materialized (
    select district_code, case_id, n, hash from trace where written_at > :since
)
select t.district_code, t.case_id, t.n, t.hash, coalesce(logged.last_entry, 0) as logged
from t left join lateral (
    select max(last_entry) as last_entry from log_leaf
    where chain = 'case/' || t.district_code || '/' || t.case_id
) logged on true
where t.n > coalesce(logged.last_entry, 0)
order by t.district_code, t.case_id, t.n limit :most
""")

# All there are, in the order of their key.
_ALL_ENTRIES = text("""
select t.district_code, t.case_id, t.n, t.hash, coalesce(logged.last_entry, 0) as logged
from trace t left join lateral (
    select max(last_entry) as last_entry from log_leaf
    where chain = 'case/' || t.district_code || '/' || t.case_id
) logged on true
where t.n > coalesce(logged.last_entry, 0) and (t.district_code, t.case_id, t.n)
    > (:district, :case, :n)
order by t.district_code, t.case_id, t.n limit :most
""")

_ADD_LEAVES = text("""
insert into log_leaf (n, chain, first_entry, last_entry, entry_hashes, hash)
select * from unnest(
    cast(:n as bigint[]), cast(:chain as text[]), cast(:first_entry as int[]),
    cast(:last_entry as int[]), cast(:entry_hashes as bytea[]), cast(:hash as bytea[])
)
""")

_ENTRIES = text("""
select hash from trace where district_code = :district and case_id = :case and n between :a and :b
order by n
""")

# Of other logins nothing is seen, not even how long they have been at it.
_OLDEST_TRANSACTION = text("""
select min(case when state is null then now() - interval '1 minute' else xact_start end)
from pg_stat_activity
where datname = current_database() and backend_type = 'client backend'
    and pid <> pg_backend_pid() and (state is null or xact_start is not null)
""")


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry that no leaf has, and how many of its case's entries have one."""

    district_code: str
    case_id: str
    n: int
    hash: bytes
    logged: int

    @property
    def case(self) -> tuple[str, str]:
        """The district and the id of its case."""
        return self.district_code, self.case_id


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf that is to be written."""

    n: int
    chain: str
    first_entry: int
    last_entry: int
    entry_hashes: bytes
    hash: bytes


def chain_of_case(district_code: str, case_id: object) -> str:
    """The name of a case's trace in the log."""
    return f"case/{district_code}/{case_id}"


#: The name of the audit log in the log.
AUDIT = "audit"


def last_entry_of(session: Session, chain: str) -> int:
    """The number of the last entry of a chain that was logged, 0 for none."""
    found = session.scalar(select(func.max(LogLeaf.last_entry)).where(LogLeaf.chain == chain))
    return found or 0


def lock(session: Session) -> None:
    """Wait until nobody else writes the log; until the transaction ends."""
    session.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})


def oldest_transaction(session: Session) -> dt.datetime | None:
    """When the oldest transaction began that is still running beside this one."""
    began: dt.datetime | None = session.scalar(_OLDEST_TRANSACTION)
    return began


def new_entries(session: Session, since: dt.datetime, *, limit: int) -> list[NewEntry]:
    """Entries written after ``since`` that no leaf has, in the order of cases."""
    return _read(session, _NEW_ENTRIES, {"since": since, "most": limit})


def all_entries(session: Session, after: NewEntry | None, *, limit: int) -> list[NewEntry]:
    """Entries that no leaf has, of any time, in the order of cases, behind ``after``."""
    place = FIRST_PLACE if after is None else (after.district_code, after.case_id, after.n)
    return _read(
        session, _ALL_ENTRIES, dict(zip(("district", "case", "n"), place, strict=True), most=limit)
    )


def _read(session: Session, query: TextClause, given: dict[str, Any]) -> list[NewEntry]:
    return [
        NewEntry(district, str(case), n, bytes.fromhex(entry_hash), logged)
        for district, case, n, entry_hash, logged in session.execute(query, given)
    ]


def entry_hashes(
    session: Session, district_code: str, case_id: str, first: int, last: int
) -> list[bytes]:
    """The hashes of some entries of a case that follow each other."""
    given = {"district": district_code, "case": case_id, "a": first, "b": last}
    return [bytes.fromhex(found) for found in session.scalars(_ENTRIES, given)]


def size(session: Session) -> int:
    """The number of leaves."""
    last = session.scalar(select(func.max(LogLeaf.n)))
    return 0 if last is None else last + 1


def add_leaves(session: Session, leaves: Sequence[Leaf]) -> None:
    """Write leaves; the database refuses a number that is taken."""
    columns = ("n", "chain", "first_entry", "last_entry", "entry_hashes", "hash")
    given = {name: [getattr(leaf, name) for leaf in leaves] for name in columns}
    session.execute(_ADD_LEAVES, given)


def add_nodes(session: Session, nodes: Sequence[dict[str, Any]]) -> None:
    """Write nodes of the tree."""
    session.execute(insert(LogNode), nodes)


def nodes(session: Session, level: int, start: int, stop: int) -> list[bytes]:
    """The stored hashes of a level from ``start`` to before ``stop``; level 0 are the leaves."""
    if level == 0:
        query = select(LogLeaf.hash).where(LogLeaf.n >= start, LogLeaf.n < stop).order_by(LogLeaf.n)
    else:
        query = (
            select(LogNode.hash)
            .where(LogNode.level == level, LogNode.n >= start, LogNode.n < stop)
            .order_by(LogNode.n)
        )
    return [bytes(found) for found in session.scalars(query)]


def add_checkpoint(session: Session, made: Checkpoint, note: str) -> None:
    """Keep a checkpoint with its signed note."""
    session.add(
        LogCheckpoint(
            size=made.size, made_at=made.made_at, covers_until=made.covers_until, note=note
        )
    )


def newest_checkpoint(session: Session) -> LogCheckpoint | None:
    """The checkpoint of the most leaves."""
    return session.scalar(select(LogCheckpoint).order_by(LogCheckpoint.size.desc()).limit(1))


def checkpoints_after(session: Session, size: int, *, limit: int) -> Sequence[LogCheckpoint]:
    """Checkpoints of more than ``size`` leaves, the smallest first."""
    query = select(LogCheckpoint).where(LogCheckpoint.size > size)
    return session.scalars(query.order_by(LogCheckpoint.size).limit(limit)).all()


def leaf_of(session: Session, chain: str, entry: int) -> LogLeaf | None:
    """The leaf that has an entry of a chain; None while it has not been logged."""
    return session.scalar(
        select(LogLeaf)
        .where(LogLeaf.chain == chain, LogLeaf.last_entry >= entry, LogLeaf.first_entry <= entry)
        .order_by(LogLeaf.last_entry)
        .limit(1)
    )


def leaves_from(session: Session, start: int, *, limit: int) -> Sequence[LogLeaf]:
    """Leaves in their order, from number ``start`` on."""
    query = select(LogLeaf).where(LogLeaf.n >= start).order_by(LogLeaf.n).limit(limit)
    return session.scalars(query).all()


def leaves_of(session: Session, chains: Sequence[str]) -> Sequence[LogLeaf]:
    """The leaves of some chains, in their order."""
    return session.scalars(
        select(LogLeaf).where(LogLeaf.chain.in_(chains)).order_by(LogLeaf.n)
    ).all()


def chains_without_case(session: Session) -> Sequence[str]:
    """The chains in the log whose case file is gone."""
    chain = func.concat("case/", Case.district_code, "/", Case.id)
    return session.scalars(
        select(LogLeaf.chain)
        .where(LogLeaf.chain.like("case/%"), ~exists().where(chain == LogLeaf.chain))
        .distinct()
        .order_by(LogLeaf.chain)
    ).all()
