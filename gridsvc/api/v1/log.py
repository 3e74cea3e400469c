"""The log of all traces: its signed checkpoints, and proofs of what is in it."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse

from gridsvc.api import clock
from gridsvc.api.dependencies import CurrentService, DbSession, PerhapsCaller
from gridsvc.api.problems import problems
from gridsvc.cases.core.act import hashed_columns
from gridsvc.cases.core.service import readable_case
from gridsvc.cases.intake.reports import find_report
from gridsvc.cases.log import repository
from gridsvc.cases.log.models import LogCheckpoint
from gridsvc.cases.log.receipts import filing_of
from gridsvc.cases.log.schemas import (
    CheckpointAnswer,
    CheckpointPage,
    ConsistencyAnswer,
    EntryProved,
    InclusionAnswer,
    LeafProved,
    LogAnswer,
    ReceiptProof,
)
from gridsvc.cases.log.service import (
    newest_note,
    prove_consistency,
    prove_entry,
    prove_inclusion,
)
from gridsvc.errors import BadInput, NotAllowed, NotAuthenticated, NotFound

router = APIRouter(prefix="/v1", tags=["log"])

_Leaves = Annotated[int, Query(ge=1, le=2**62)]
#: Beside writing it: until the next one is read.
_MARGIN = dt.timedelta(seconds=2)


@router.get("/log")
def get_log(service: CurrentService, session: DbSession) -> LogAnswer:
    """The log of all traces: its name, the key that signs it, its newest checkpoint."""
    newest = repository.newest_checkpoint(session)
    return LogAnswer(
        origin=service.log_key.origin,
        public_key=service.log_key.public,
        every_s=service.settings.log_every_s,
        checkpoint=None if newest is None else _answer(newest),
    )


@router.get(
    "/log/checkpoint", response_class=PlainTextResponse, responses=problems(NotFound, BadInput)
)
def get_checkpoint(session: DbSession) -> str:
    """The newest checkpoint alone, as text: a signed note, to be kept outside."""
    return newest_note(session)


@router.get("/log/checkpoints", responses=problems(BadInput))
def get_checkpoints(
    session: DbSession,
    after: Annotated[int, Query(ge=0, le=2**62, description="Of more leaves than these.")] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> CheckpointPage:
    """Every checkpoint that was signed, the smallest first."""
    found = repository.checkpoints_after(session, after, limit=limit)
    return CheckpointPage(
        checkpoints=[_answer(checkpoint) for checkpoint in found],
        next=found[-1].size if len(found) == limit else None,
    )


@router.get("/log/consistency", responses=problems(BadInput))
def get_consistency(session: DbSession, first: _Leaves, second: _Leaves) -> ConsistencyAnswer:
    """The proof that the log of ``second`` leaves begins with that of ``first``."""
    path = prove_consistency(session, first, second)
    return ConsistencyAnswer(first=first, second=second, path=path)


@router.get("/log/inclusion", responses=problems(BadInput))
def get_inclusion(
    session: DbSession, leaf: Annotated[int, Query(ge=0, le=2**62)], size: _Leaves
) -> InclusionAnswer:
    """The proof that a leaf, counted from 0, is in the log of ``size`` leaves."""
    path = prove_inclusion(session, leaf, size)
    (leaf_hash,) = repository.nodes(session, 0, leaf, leaf + 1)
    return InclusionAnswer(leaf_index=leaf, leaf_hash=leaf_hash.hex(), size=size, path=path)


@router.get("/reports/{name}/proof", responses=problems(NotFound, BadInput, NotAuthenticated))
def get_proof(
    name: str,
    service: CurrentService,
    session: DbSession,
    caller: PerhapsCaller,
) -> ReceiptProof:
    """The proof that a report's entry is in the log; while it is too young, when it will be.

    With a token that may read the case, or filed the report, what the entry says too.
    """
    report = find_report(session, name)
    case, entry = filing_of(session, report)
    columns = None
    if caller is not None:
        with suppress(NotAllowed):
            if caller.subject != report.reporter_subject:
                readable_case(session, service.city, caller, case.id)
            columns = hashed_columns(entry)
    told = EntryProved(case_id=case.id, n=entry.n, hash=entry.hash, columns=columns)
    newest = repository.newest_checkpoint(session)
    chain = repository.chain_of_case(case.district_code, case.id)
    found = None if newest is None else prove_entry(session, chain, entry.n, newest.size)
    if newest is None or found is None:
        wait = dt.timedelta(seconds=service.settings.log_every_s) + _MARGIN
        due = max(entry.written_at + wait, clock.utc_now() + _MARGIN)
        return ReceiptProof(
            receipt=report.receipt, entry=told, logged=False, due_at=due, proof=None
        )
    proof = LeafProved(
        index=found.leaf_index,
        text=found.leaf,
        path=found.path,
        size=found.size,
        checkpoint=newest.note,
        public_key=service.log_key.public,
    )
    return ReceiptProof(receipt=report.receipt, entry=told, logged=True, due_at=None, proof=proof)


def _answer(checkpoint: LogCheckpoint) -> CheckpointAnswer:
    return CheckpointAnswer(
        size=checkpoint.size,
        made_at=checkpoint.made_at,
        covers_until=checkpoint.covers_until,
        note=checkpoint.note,
    )
