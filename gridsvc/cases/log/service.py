"""Writes the log in batches, beside whoever writes traces, and proves what is in it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import structlog
from sqlalchemy.orm import Session, sessionmaker

from gridsvc.cases.log import merkle, repository
from gridsvc.cases.log.checkpoint import Checkpoint, public_key, sign
from gridsvc.cases.log.models import LogLeaf
from gridsvc.cases.log.repository import NewEntry
from gridsvc.db.engine import transaction
from gridsvc.errors import BadInput, NotFound

_log = structlog.get_logger(__name__)

_ENTRIES_AT_ONCE = 20_000
#: So far may the clocks of the hosts that write be apart.
CLOCKS_APART = dt.timedelta(seconds=10)
#: What came later than that, after all, is looked for now and then.
_LATECOMERS = dt.timedelta(days=1)
_BEGINNING = dt.datetime(1, 1, 2, tzinfo=dt.UTC)


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
        since = _BEGINNING
        if before is not None:
            # A clock that was set back writes entries before the last checkpoint.
            since = min(before.covers_until, began - CLOCKS_APART)
            since -= _LATECOMERS if latecomers else dt.timedelta(0)
    after: tuple[str, str, int] | None = repository.FIRST_PLACE
    while after is not None:
        with transaction(sessions) as session:
            repository.lock(session)
            entries = repository.new_entries(session, since, after, limit=_ENTRIES_AT_ONCE)
            _append(session, entries)
            after = entries[-1].place if len(entries) == _ENTRIES_AT_ONCE else None
    with transaction(sessions) as session:
        repository.lock(session)
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


def _append(session: Session, entries: Sequence[NewEntry]) -> None:
    """Append a leaf for each case: its entries that follow what is logged of it."""
    before = n = repository.size(session)
    leaves = []
    for (district, case), group in groupby(entries, lambda entry: entry.place[:2]):
        found = list(group)
        first, last = found[0].logged + 1, found[-1].n
        hashes = [entry.hash for entry in found]
        if len(found) != last - first + 1:
            hashes = repository.entry_hashes(session, district, case, first, last)
        if len(hashes) != last - first + 1:
            _log.error("a trace has a gap and is not logged", district=district, case=case)
            continue
        chain = repository.chain_of_case(district, case)
        leaf = LogLeaf(
            n=n,
            chain=chain,
            first_entry=first,
            last_entry=last,
            entry_hashes=b"".join(hashes),
        )
        leaves.append(
            {
                "n": n,
                "chain": chain,
                "first_entry": first,
                "last_entry": last,
                "entry_hashes": leaf.entry_hashes,
                "hash": merkle.leaf_hash(leaf_text(leaf).encode()),
            }
        )
        n += 1
    if not leaves:
        return
    repository.add_leaves(session, leaves)
    read, level = _reader(session), merkle.LEVELS_APART
    while n >> level > before >> level:
        whole = merkle.new_nodes(read, level, before, n)
        repository.add_nodes(
            session, [{"level": level, "n": number, "hash": node} for number, node in whole]
        )
        level += merkle.LEVELS_APART


def leaf_text(leaf: LogLeaf) -> str:
    """What a leaf is the hash of: its chain, its first entry, then the hash of each entry."""
    hashes = leaf.entry_hashes
    lines = [hashes[at : at + 32].hex() for at in range(0, len(hashes), 32)]
    return "\n".join([leaf.chain, str(leaf.first_entry), *lines]) + "\n"


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
    return Inclusion(leaf_text(leaf), leaf.n, size, prove_inclusion(session, leaf.n, size))


def newest_note(session: Session) -> str:
    """The newest signed checkpoint. Raises NotFound before the first."""
    found = repository.newest_checkpoint(session)
    if found is None:
        raise NotFound("The log has no checkpoint yet: nothing has been written in a trace.")
    return found.note


def _reader(session: Session) -> merkle.ReadNodes:
    return lambda level, start, stop: repository.nodes(session, level, start, stop)
