"""What bodies are told: their inbox, and the same as it happens (server-sent events)."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials
from sqlalchemy.orm import Session
from starlette.types import Receive, Scope, Send

from gridsvc.answers import as_built
from gridsvc.api import clock
from gridsvc.api.dependencies import (
    CurrentCaller,
    CurrentService,
    DbSession,
    Service,
    bearer,
    let_in,
)
from gridsvc.api.listening import LOOK_BACK, Event, Listener
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.callers import Caller
from gridsvc.cases.core.messages.model import Place
from gridsvc.cases.core.messages.models import Message
from gridsvc.cases.core.messages.repository import due_messages
from gridsvc.cases.core.schemas import Inbox, MessageAnswer
from gridsvc.db.base import transaction
from gridsvc.errors import BadInput, NotAllowed, TooMany
from gridsvc.registry.access import audit
from gridsvc.registry.bodies.service import body_or_refuse

router = APIRouter(prefix="/v1/bodies", tags=["messages"])

_READING = (*TOKEN_PROBLEMS, BadInput)
_PING_S = 15.0
_PAGE = 500
_FIRST = uuid.UUID(int=0)


@router.get("/{body}/inbox", response_model=as_built(Inbox), responses=problems(*_READING))
def get_inbox(
    body: str,
    session: DbSession,
    caller: CurrentCaller,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(description="'next' of the previous page.")] = None,
) -> dict[str, Any]:
    """What a body has been told, in the order in which it fell due."""
    _may_read(session, caller, body)
    after = None if cursor is None else Place.from_text(cursor)
    messages = due_messages(session, body, after=after, limit=limit, now=clock.utc_now())
    return {
        "messages": [MessageAnswer.of(message) for message in messages],
        "next": _place(messages[-1]).to_text() if len(messages) == limit else None,
    }


@router.get(
    "/{body}/events",
    responses={**problems(*_READING, TooMany), 200: {"content": {"text/event-stream": {}}}},
)
async def get_events(
    body: str,
    request: Request,
    service: CurrentService,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """A body's messages as they fall due (server-sent events), each with its stable id.

    With ``Last-Event-ID`` the stream goes on behind that message, and may repeat those of the
    minute before it; without one it begins now. It ends with its token.
    """
    let = partial(_let_listen, request.scope, service, credentials, body)
    await to_thread.run_sync(let, limiter=service.pools.listening)
    last = None if last_event_id is None else Place.from_text(last_event_id)
    listener = service.listening.open(body, credentials.credentials if credentials else "")
    return _Stream(service, listener, last)


def _let_listen(
    scope: Scope, service: Service, credentials: HTTPAuthorizationCredentials | None, body: str
) -> None:
    """In one turn: many who come at once would hold connections while they wait for a thread."""
    with transaction(service.sessions) as session:
        _may_read(session, let_in(scope, service, session, credentials), body)
        audit.write_noted(session)


class _Stream(StreamingResponse):
    """Listens until the client goes, the token ends, or too much waits for it."""

    def __init__(self, service: Service, listener: Listener, last: Place | None) -> None:
        super().__init__(
            _events(service, listener, last),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
        self._service, self._listener = service, listener

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._service.listening.close(self._listener)


async def _events(service: Service, listener: Listener, last: Place | None) -> AsyncIterator[bytes]:
    now = clock.utc_now()
    sent = {} if last is None else {last.id: None}
    start = Place((now if last is None else last.due_at) - LOOK_BACK, _FIRST)
    first = b": the messages of " + listener.body.encode() + b"\n\n"
    limiter = service.pools.listening
    while found := await to_thread.run_sync(
        partial(_read, service, listener.body, start), limiter=limiter
    ):
        if last is not None:
            yield first + b"".join(one.content for one in found if one.id not in sent)
            first = b""
        sent |= dict.fromkeys(one.id for one in found)
        start = found[-1].place
    yield first
    while True:
        try:
            async with asyncio.timeout(_PING_S):
                event = await listener.waiting.get()
        except TimeoutError:
            yield b": still here\n\n"
            continue
        if event is None:
            yield b": the stream has ended\n\n"
            return
        if event.id not in sent:
            yield event.content


def _read(service: Service, body: str, after: Place) -> list[Event]:
    """A page of what a body was told."""
    with transaction(service.sessions) as session:
        found = due_messages(session, body, after=after, limit=_PAGE, now=clock.utc_now())
        return [Event.of(message) for message in found]


def _place(message: Message) -> Place:
    return Place(message.due_at, message.id)


def _may_read(session: Session, caller: Caller, body: str) -> None:
    known = body_or_refuse(session, body, field="body")
    if not caller.acts_for(known.code, known.area_code):
        raise NotAllowed(f"Only {known.name} and its supervision may read what it is told.")
