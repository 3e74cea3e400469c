"""Writes the log in batches, beside whoever writes traces, and proves what is in it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

import structlog
from sqlalchemy.orm import Session, sessionmaker

from gridsvc.cases.log import merkle, repository
from gridsvc.cases.log.checkpoint import Checkpoint, public_key, sign
from gridsvc.cases.log.repository import Leaf, NewEntry
from gridsvc.db.base import transaction
from gridsvc.errors import BadInput, NotFound
from gridsvc.registry.access.audit import hashes_from

_log = structlog.get_logger(__name__)

_ENTRIES_AT_ONCE = 20_000
#: So far may the clocks of the hosts that write be apart.
CLOCKS_APART = dt.timedelta(seconds=10)
#: What came later than that, after all, is looked for now and then.
_LATECOMERS = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LogKey:
    """The name of a log, and the key of 32 bytes that signs its checkpoints."""

    origin: str
    secret: bytes

    @property
    def public(self) -> str:
        """What whoever checks a checkpoint needs of it."""
        return public_key(self.origin, self.secret)


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Where a leaf is in the tree of a checkpoint, and the hashes that prove it."""

    leaf: str
    leaf_index: int
    size: int
    path: list[str]


def write_log(
    sessions: sessionmaker[Session],
    key: LogKey,
    clock: Callable[[], dt.datetime],
    *,
    latecomers: bool = False,
    pause: dt.timedelta = dt.timedelta(0),
) -> str | None:
    """Log every entry that is not yet in the log; gives the note of the new checkpoint, if any.

    ``latecomers`` looks a day further back, for what a wrong clock dated before the last
    checkpoint. Within ``pause`` of the last one nothing is done. Raises Unavailable.
    """
    with transaction(sessions) as session:
        before = repository.newest_checkpoint(session)
        if before is not None and dt.timedelta(0) <= clock() - before.made_at < pause:
            return None
        began = min(clock(), repository.oldest_transaction(session) or clock())
        since = None
        if before is not None:
            # A clock that was set back writes entries before the last checkpoint.
            since = min(before.covers_until, began - CLOCKS_APART)
            since -= _LATECOMERS if latecomers else dt.timedelta(0)
    more, last = True, None
    while more:
        with transaction(sessions) as session:
            repository.lock(session)
            if since is None:
                entries = repository.all_entries(session, last, limit=_ENTRIES_AT_ONCE)
            else:
                entries = repository.new_entries(session, since, limit=_ENTRIES_AT_ONCE)
            appended = _append(session, entries)
            more = len(entries) == _ENTRIES_AT_ONCE and (since is None or appended > 0)
            last = entries[-1] if entries else None
    with transaction(sessions) as session:
        repository.lock(session)
        _append_audit(session)
        size = repository.size(session)
        newest = repository.newest_checkpoint(session)
        if size == (newest.size if newest else 0):
            return None
        made = Checkpoint(
            key.origin, size, merkle.root(_reader(session), size), clock(), began - CLOCKS_APART
        )
        note = sign(made, key.secret)
        repository.add_checkpoint(session, made, note)
        return note


def _append_audit(session: Session) -> None:
    """Append a leaf with the entries of the audit log that follow what is logged of it."""
    first = repository.last_entry_of(session, repository.AUDIT) + 1
    found = hashes_from(session, first, limit=_ENTRIES_AT_ONCE)
    if found:
        hashes = [hashed for _, hashed in found]
        _write_leaves(session, [(repository.AUDIT, first, hashes)])


def _append(session: Session, entries: Sequence[NewEntry]) -> int:
    """Append a leaf for each case: its entries that follow what is logged of it; gives how many."""
    runs = []
    for (district, case), group in groupby(entries, attrgetter("case")):
        found = list(group)
        first, last = found[0].logged + 1, found[-1].n
        hashes = [entry.hash for entry in found]
        if len(found) != last - first + 1:
            hashes = repository.entry_hashes(session, district, case, first, last)
        if len(hashes) != last - first + 1:
            _log.error("a trace has a gap and is not logged", district=district, case=case)
            continue
        runs.append((repository.chain_of_case(district, case), first, hashes))
    _write_leaves(session, runs)
    return len(runs)


def _write_leaves(session: Session, runs: Sequence[tuple[str, int, Sequence[bytes]]]) -> None:
    """Append a leaf for each run of entries: a chain, its first entry's number, their hashes."""
    if not runs:
        return
    before = n = repository.size(session)
    leaves = []
    for chain, first, hashes in runs:
        whole, last = b"".join(hashes), first + len(hashes) - 1
        hashed = merkle.leaf_hash(leaf_text(chain, first, whole).encode())
        leaves.append(Leaf(n, chain, first, last, whole, hashed))
        n += 1
    repository.add_leaves(session, leaves)
    read, level = _reader(session), merkle.LEVELS_APART
    while n >> level > before >> level:
        whole_nodes = merkle.new_nodes(read, level, before, n)
        repository.add_nodes(
            session, [{"level": level, "n": number, "hash": node} for number, node in whole_nodes]
        )
        level += merkle.LEVELS_APART


def leaf_text(chain: str, first_entry: int, entry_hashes: bytes) -> str:
    """What a leaf is the hash of: its chain, its first entry, then the hash of each entry."""
    lines = [entry_hashes[at : at + 32].hex() for at in range(0, len(entry_hashes), 32)]
    return "\n".join([chain, str(first_entry), *lines]) + "\n"


def prove_inclusion(session: Session, index: int, size: int) -> list[str]:
    """The hashes that prove a leaf, by its number from 0, in the tree of ``size`` leaves.

    Raises BadInput where there are not so many.
    """
    if not 0 <= index < size <= repository.size(session):
        raise BadInput(f"The log has no leaf {index} among its first {size}.", field="size")
    path = merkle.inclusion_path(_reader(session), index, size)
    return [node.hex() for node in path]


def prove_consistency(session: Session, first: int, second: int) -> list[str]:
    """The hashes that prove that the log only grew from ``first`` leaves to ``second``.

    Raises BadInput where there are not so many.
    """
    if not 0 < first <= second <= repository.size(session):
        raise BadInput(f"The log did not grow from {first} to {second} leaves.", field="second")
    path = merkle.consistency_path(_reader(session), first, second)
    return [node.hex() for node in path]


def prove_entry(session: Session, chain: str, n: int, size: int) -> Inclusion | None:
    """The proof that an entry of a chain is in the tree of ``size`` leaves; None if it is not."""
    leaf = repository.leaf_of(session, chain, n)
    if leaf is None or leaf.n >= size:
        return None
    told = leaf_text(leaf.chain, leaf.first_entry, leaf.entry_hashes)
    return Inclusion(told, leaf.n, size, prove_inclusion(session, leaf.n, size))


def newest_note(session: Session) -> str:
    """The newest signed checkpoint. Raises NotFound before the first."""
    found = repository.newest_checkpoint(session)
    if found is None:
        raise NotFound("The log has no checkpoint yet: nothing has been written in a trace.")
    return found.note


def _reader(session: Session) -> merkle.ReadNodes:
    return lambda level, start, stop: repository.nodes(session, level, start, stop)
