"""The audit log over HTTP, for an admin of the whole city."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from gridsvc.answers import Answer
from gridsvc.api.dependencies import CurrentCaller, DbSession
from gridsvc.api.problems import problems
from gridsvc.callers import Caller
from gridsvc.errors import NotAllowed, NotAuthenticated
from gridsvc.registry.access.audit import entries_before, verify_audit

router = APIRouter(prefix="/v1/audit", tags=["tokens"])

_PROBLEMS = problems(NotAuthenticated, NotAllowed)


class AuditEntryRead(Answer):
    """What somebody read or did, chained to the entry before."""

    n: int
    at: dt.datetime
    who: str
    role: str
    act: str
    subject: str
    reason: str
    previous: str
    hash: str


class AuditPage(Answer):
    """The audit log, the newest entry first."""

    entries: list[AuditEntryRead]
    next: int | None = Field(description="The cursor of the next page; null on the last.")


class AuditWhole(Answer):
    """Whether the audit log is whole."""

    intact: bool
    entries: int
    broken_at: int | None
    reason: str | None


@router.get("", responses=_PROBLEMS)
def list_audit(
    session: DbSession,
    caller: CurrentCaller,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[int | None, Query(description="'next' of the previous page.")] = None,
) -> AuditPage:
    """Every read of personal data and every administrative act: who, when, to what."""
    _check_whole(caller)
    entries = [AuditEntryRead.of(it) for it in entries_before(session, cursor, limit=limit)]
    return AuditPage(entries=entries, next=entries[-1].n if len(entries) == limit else None)


@router.get("/verification", responses=_PROBLEMS)
def get_verification(session: DbSession, caller: CurrentCaller) -> AuditWhole:
    """Whether the log is whole: every number, every link, every hash."""
    _check_whole(caller)
    return AuditWhole.of(verify_audit(session))


def _check_whole(caller: Caller) -> None:
    if caller.area:
        raise NotAllowed("The audit log is for an admin of the whole city.")
