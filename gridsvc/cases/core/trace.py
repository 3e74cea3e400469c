"""Verifies traces: each entry holds the hash of the one before."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from gridsvc.cases.core import trace_repository as repository
from gridsvc.cases.core.act import hash_of
from gridsvc.cases.core.models import Case, TraceEntry
from gridsvc.cases.core.words import unchanged
from gridsvc.db.chain import BEGINNING

_CASES_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a trace is whole, how many entries it has, and the first one that is not."""

    intact: bool
    entries: int
    broken_at: int | None
    reason: str | None


def verify(session: Session, case: Case) -> Verification:
    """Check every number, every link and every hash of a case's trace, and its end."""
    return check_trace(case, repository.entries(session, case))


def traces_without_case(session: Session) -> Iterator[tuple[str, uuid.UUID, Verification]]:
    """What is found of entries whose case file is gone."""
    for district_code, case_id in repository.entries_without_case(session):
        yield district_code, case_id, Verification(False, 0, 1, "its case file is gone")


def traces(
    session: Session, progress: Callable[[int, int], None] | None = None
) -> Iterator[list[tuple[Case, list[TraceEntry]]]]:
    """All cases with their traces, in batches.

    ``progress`` is told how many cases are done, of how many.
    """
    total = repository.case_count(session)
    done = 0
    after: tuple[str, uuid.UUID] | None = None
    while batch := repository.cases_after(session, after, limit=_CASES_AT_ONCE):
        after = (batch[-1].district_code, batch[-1].id)
        first = (batch[0].district_code, batch[0].id)
        by_case: dict[tuple[str, uuid.UUID], list[TraceEntry]] = defaultdict(list)
        for entry in repository.entries_between(session, first, after):
            by_case[entry.district_code, entry.case_id].append(entry)
        yield [(case, by_case[case.district_code, case.id]) for case in batch]
        session.expunge_all()
        done += len(batch)
        if progress is not None:
            progress(done, max(total, done))


def check_trace(case: Case, entries: Sequence[TraceEntry]) -> Verification:
    """Whether every number, every link and every hash is right, and the end that of the case."""
    previous = BEGINNING
    for n, entry in enumerate(entries, 1):
        reason = None
        if entry.n != n:
            reason = f"entry {n} is missing"
        elif entry.previous_hash != previous:
            reason = "it does not follow from the entry before"
        elif entry.hash != hash_of(entry):
            reason = "its content was changed after it was written"
        elif not unchanged(entry.content, entry.words):
            reason = "its words were changed after they were written"
        if reason is not None:
            return Verification(False, len(entries), n, reason)
        previous = entry.hash
    if len(entries) != case.trace_entries or previous != case.trace_head:
        missing = len(entries) + 1
        return Verification(False, len(entries), missing, f"entry {missing} is missing")
    return Verification(True, len(entries), None, None)
