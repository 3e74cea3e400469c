"""The register of tokens over HTTP: listed, made, renewed, revoked."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated

from fastapi import APIRouter, Body, Query
from fastapi.responses import Response
from pydantic import Field

from gridsvc.answers import Answer, Next
from gridsvc.api import clock
from gridsvc.api.dependencies import CurrentCaller, CurrentService, DbSession
from gridsvc.api.problems import problems
from gridsvc.api.rules import Sent, Text
from gridsvc.callers import Role
from gridsvc.errors import BadInput, Conflict, NotAllowed, NotAuthenticated, NotFound
from gridsvc.registry.access.register import (
    Issued,
    Life,
    make_token,
    readable_token,
    renew_token,
    revoke_token,
)
from gridsvc.registry.access.repository import TokenFilter, tokens_page

router = APIRouter(prefix="/v1/tokens", tags=["tokens"])

_PROBLEMS = (NotAuthenticated, NotAllowed, BadInput)


class TokenEntry(Answer):
    """What the register says of a token; the token itself is not kept."""

    id: uuid.UUID
    subject: str
    role: Role
    area: str
    body: str | None
    made_by: str | None = Field(description="Null for one that others made; known since its use.")
    made_at: dt.datetime | None
    expires_at: dt.datetime
    renewable_until: dt.datetime | None
    last_used_at: dt.datetime | None = Field(description="To the half minute.")
    revoked_at: dt.datetime | None


class TokenPage(Answer):
    """Tokens in the order of their making."""

    tokens: list[TokenEntry]
    next: Next


class TokenIssued(Answer):
    """A token, told once."""

    id: uuid.UUID
    token: str
    expires_at: dt.datetime
    renewable_until: dt.datetime

    @classmethod
    def issued(cls, made: Issued) -> TokenIssued:
        """The answer for a token that was just made or renewed."""
        return cls.of(made.entry, token=made.token)


class TokenIn(Sent):
    """Who shall hold a token."""

    role: Role
    area: Text = ""
    body: Text | None = None
    subject: Text | None = Field(default=None, min_length=1, max_length=100)
    hours: int | None = Field(default=None, ge=1, le=8760, description="Else the setting's.")


@router.get("", responses=problems(*_PROBLEMS))
def list_tokens(
    session: DbSession,
    caller: CurrentCaller,
    role: Role | None = None,
    area: Annotated[str, Query(description="Of areas whose code begins so.")] = "",
    body: str | None = None,
    live: Annotated[
        bool, Query(description="Only those that are neither expired nor revoked.")
    ] = False,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[uuid.UUID | None, Query(description="'next' of the previous page.")] = None,
) -> TokenPage:
    """The tokens of the caller's area: who, role, area, made by, last used, expires."""
    wanted = TokenFilter(
        prefixes=(caller.area, area),
        role=role,
        body=body,
        live_at=clock.utc_now() if live else None,
    )
    found = tokens_page(session, wanted, after=cursor, limit=limit)
    tokens = [TokenEntry.of(entry, revoked_at=revoked_at) for entry, revoked_at in found]
    return TokenPage(tokens=tokens, next=str(tokens[-1].id) if len(tokens) == limit else None)


@router.get("/{token_id}", responses=problems(*_PROBLEMS, NotFound))
def get_token(token_id: uuid.UUID, session: DbSession, caller: CurrentCaller) -> TokenEntry:
    """What the register says of the own token, or as an admin of one of the own area."""
    entry, revoked_at = readable_token(session, token_id, caller)
    return TokenEntry.of(entry, revoked_at=revoked_at)


@router.post("", status_code=201, responses=problems(*_PROBLEMS))
def post_token(
    given: Annotated[TokenIn, Body()],
    service: CurrentService,
    session: DbSession,
    caller: CurrentCaller,
) -> TokenIssued:
    """Make a token for an area inside the caller's own."""
    if not caller.covers(given.area):
        raise NotAllowed(
            f"An admin of {caller.area} makes tokens for areas inside it.", field="area"
        )
    wished = None if given.hours is None else dt.timedelta(hours=given.hours)
    made = make_token(
        session,
        service.tokens.key,
        role=given.role,
        area=given.area,
        body=given.body,
        subject=given.subject,
        life=Life.of(service.settings, wished),
        made_by=caller.subject,
        now=clock.utc_now(),
    )
    return TokenIssued.issued(made)


@router.post("/renewal", responses=problems(*_PROBLEMS, Conflict))
def post_renewal(service: CurrentService, session: DbSession, caller: CurrentCaller) -> TokenIssued:
    """The caller's own token with a later end, and the same id; the old one ends when it says."""
    valid_for = dt.timedelta(hours=service.settings.token_hours)
    made = renew_token(
        session, service.tokens.key, caller, valid_for=valid_for, now=clock.utc_now()
    )
    return TokenIssued.issued(made)


@router.delete(
    "/{token_id}",
    status_code=204,
    response_class=Response,
    responses=problems(*_PROBLEMS, NotFound, Conflict),
)
def delete_token(token_id: uuid.UUID, session: DbSession, caller: CurrentCaller) -> Response:
    """Revoke a token at once, with all of its renewals: the own one, or as an admin of its area."""
    revoke_token(session, token_id, by=caller, now=clock.utc_now())
    return Response(status_code=204)
