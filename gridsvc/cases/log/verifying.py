"""Holds the traces to the log, and the log to checkpoints that somebody kept."""

from __future__ import annotations

import datetime as dt
import math
import uuid
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

from sqlalchemy.orm import Session

from gridsvc.cases.core.models import TraceEntry
from gridsvc.cases.core.trace import Verification, check_trace, traces, traces_without_case
from gridsvc.cases.log import merkle, repository
from gridsvc.cases.log.checkpoint import Checkpoint
from gridsvc.cases.log.models import LogLeaf
from gridsvc.cases.log.repository import chain_of_case
from gridsvc.cases.log.service import leaf_text
from gridsvc.registry.access.audit import hashes_from, verify_audit

_LEAVES_AT_ONCE = 20_000


def log_faults(session: Session, checkpoints: Sequence[Checkpoint]) -> Iterator[str]:
    """What of the log is not as the checkpoints say."""
    waiting = sorted(checkpoints, key=lambda checkpoint: checkpoint.size)
    growing = merkle.GrowingRoot()
    while waiting:
        leaves = repository.leaves_from(session, growing.size, limit=_LEAVES_AT_ONCE)
        for leaf in leaves:
            if leaf.n != growing.size:
                yield f"leaf {growing.size} of the log is missing"
                return
            told = leaf_text(leaf.chain, leaf.first_entry, leaf.entry_hashes)
            growing.append(merkle.leaf_hash(told.encode()))
            while waiting and waiting[0].size == growing.size:
                checkpoint = waiting.pop(0)
                if growing.root() != checkpoint.root:
                    yield (
                        f"the log is not the one of {checkpoint.made_at.isoformat()}: one of its"
                        f" first {checkpoint.size} leaves was changed"
                    )
        session.expunge_all()
        if not leaves:
            break
    for checkpoint in waiting:
        yield f"the log has {growing.size} leaves of the {checkpoint.size} that it had"


def verify_against(
    session: Session,
    checkpoints: Sequence[Checkpoint],
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[tuple[str, uuid.UUID, Verification]]:
    """Check the traces of all cases: each chain, and each entry against the log.

    An entry that says it was written before one of the checkpoints, which does not have it, was
    inserted. Gives each case and what was found; one whose case file is gone is broken from its
    first entry on. ``progress`` is told how many cases are done, of how many.
    """
    covered = _Covered(checkpoints)
    for batch in traces(session, progress):
        names = [chain_of_case(case.district_code, case.id) for case, _ in batch]
        leaves: dict[str, list[LogLeaf]] = defaultdict(list)
        for leaf in repository.leaves_of(session, names):
            leaves[leaf.chain].append(leaf)
        for name, (case, entries) in zip(names, batch, strict=True):
            found = check_trace(case, entries)
            if found.intact:
                found = _held_to_log(entries, leaves[name], covered)
            yield case.district_code, case.id, found
    yield from traces_without_case(session)
    for chain in repository.chains_without_case(session):
        _, district_code, case_id = chain.split("/")
        gone = Verification(False, 0, 1, "the log has it, and it is gone with its case file")
        yield district_code, uuid.UUID(case_id), gone


def audit_faults(session: Session, checkpoints: Sequence[Checkpoint]) -> Iterator[str]:
    """What of the audit log is not whole, or not as it was logged."""
    found = verify_audit(session)
    if not found.intact:
        yield f"entry {found.broken_at} of the audit log: {found.reason}"
        return
    covered, after = _Covered(checkpoints), 1
    for leaf in repository.leaves_of(session, [repository.AUDIT]):
        count = leaf.last_entry - leaf.first_entry + 1
        entries = hashes_from(session, leaf.first_entry, limit=count)
        if b"".join(hashed for _, hashed in entries) != leaf.entry_hashes:
            yield (
                f"entries {leaf.first_entry} to {leaf.last_entry} of the audit log are not those"
                " that were logged"
            )
            return
        after = leaf.last_entry + 1
        yield from _inserted(entries, leaf.first_entry, covered.until(leaf.n))
    tail = hashes_from(session, after, limit=_LEAVES_AT_ONCE)
    yield from _inserted(tail, after, covered.until(math.inf))


def _inserted(
    entries: Sequence[tuple[dt.datetime, bytes]], first: int, until: dt.datetime | None
) -> Iterator[str]:
    for n, (at, _) in enumerate(entries, first):
        if until is not None and at <= until:
            yield (
                f"entry {n} of the audit log says it was written before a checkpoint, which does"
                " not have it"
            )


class _Covered:
    """Until when what was written must be among the leaves before a given one."""

    def __init__(self, checkpoints: Sequence[Checkpoint]) -> None:
        by_size = sorted(checkpoints, key=lambda checkpoint: checkpoint.size)
        self._sizes = [checkpoint.size for checkpoint in by_size]
        self._until = list(accumulate((one.covers_until for one in by_size), max))

    def until(self, leaf: float) -> dt.datetime | None:
        """By the checkpoints that have no leaf of this number."""
        found = bisect_right(self._sizes, leaf)
        return self._until[found - 1] if found else None


def _held_to_log(
    entries: Sequence[TraceEntry], leaves: Sequence[LogLeaf], covered: _Covered
) -> Verification:
    """What is found of a trace whose chain is whole: whether it is the one that was logged."""
    leaf_of: dict[int, int] = {}
    for leaf in leaves:
        for at in range(0, len(leaf.entry_hashes), 32):
            n = leaf.first_entry + at // 32
            if n > len(entries):
                return Verification(False, len(entries), n, f"entry {n} was logged and is missing")
            if bytes.fromhex(entries[n - 1].hash) != leaf.entry_hashes[at : at + 32]:
                return Verification(False, len(entries), n, "it is not the entry that was logged")
            leaf_of[n] = leaf.n
    for entry in entries:
        until = covered.until(leaf_of.get(entry.n, math.inf))
        if until is not None and entry.written_at <= until:
            reason = "it says it was written before a checkpoint, which does not have it"
            return Verification(False, len(entries), entry.n, reason)
    return Verification(True, len(entries), None, None)
