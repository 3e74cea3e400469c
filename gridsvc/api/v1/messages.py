"""What bodies are told: their inbox, and the same as it happens (server-sent events)."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from gridsvc.answers import as_built
from gridsvc.api import clock
from gridsvc.api.dependencies import CurrentCaller, CurrentService, DbSession, Service
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.callers import Caller
from gridsvc.cases.core.messages.model import Place
from gridsvc.cases.core.messages.models import Message
from gridsvc.cases.core.messages.repository import due_messages
from gridsvc.cases.core.schemas import Inbox, MessageAnswer
from gridsvc.db.base import transaction
from gridsvc.errors import BadInput, NotAllowed, Unavailable
from gridsvc.registry.bodies.service import body_or_refuse

router = APIRouter(prefix="/v1/bodies", tags=["messages"])

_READING = (*TOKEN_PROBLEMS, BadInput)
_POLL_S = 1.0
_PING_S = 15.0
_PAGE = 500
#: A message may be written down later than one that fell due after it. So far back a stream
#: looks again; what it has sent already it knows by its id.
_LOOK_BACK = dt.timedelta(seconds=60)
_REMEMBERED = 10_000
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
    responses={**problems(*_READING), 200: {"content": {"text/event-stream": {}}}},
)
async def get_events(
    body: str,
    service: CurrentService,
    session: DbSession,
    caller: CurrentCaller,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """A body's messages as they fall due (server-sent events), each with its stable id.

    With ``Last-Event-ID`` the stream goes on behind that message, and may repeat those of the
    minute before it; without one it begins now.
    """
    await run_in_threadpool(_may_read, session, caller, body)
    if last_event_id is None:
        start = Place(clock.utc_now() - _LOOK_BACK, _FIRST)
        seen = await run_in_threadpool(_told_before, session, body, start)
    else:
        last = Place.from_text(last_event_id)
        start, seen = Place(last.due_at - _LOOK_BACK, _FIRST), [last.id]
    return StreamingResponse(
        _events(service, body, start, seen),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _events(
    service: Service, body: str, start: Place, seen: list[uuid.UUID]
) -> AsyncIterator[bytes]:
    sent: OrderedDict[uuid.UUID, None] = OrderedDict.fromkeys(seen)
    quiet_s = 0.0
    yield b": the messages of " + body.encode() + b"\n\n"
    while True:  # until the client goes, which ends this generator
        found = await run_in_threadpool(_read, service, body, start)
        fresh = [(place, told) for place, told in found if place.id not in sent]
        for place, told in fresh:
            sent[place.id] = None
            yield _event(place, told)
        while len(sent) > _REMEMBERED:
            sent.popitem(last=False)
        if len(found) == _PAGE:
            start = found[-1][0]
            continue
        if found:
            start = max(start, Place(found[-1][0].due_at - _LOOK_BACK, _FIRST))
        quiet_s = 0.0 if fresh else quiet_s + _POLL_S
        if quiet_s >= _PING_S:
            quiet_s = 0.0
            yield b": still here\n\n"
        await asyncio.sleep(_POLL_S)


def _told_before(session: Session, body: str, start: Place) -> list[uuid.UUID]:
    """What stood in the inbox before a stream began, as far back as the stream looks."""
    told: list[uuid.UUID] = []
    while page := due_messages(session, body, after=start, limit=_PAGE, now=clock.utc_now()):
        told += [message.id for message in page]
        start = _place(page[-1])
    return told


def _read(service: Service, body: str, after: Place) -> list[tuple[Place, MessageAnswer]]:
    """The next messages; none while the database does not answer, so that the stream waits."""
    try:
        with transaction(service.sessions) as session:
            found = due_messages(session, body, after=after, limit=_PAGE, now=clock.utc_now())
            return [(_place(message), MessageAnswer.of(message)) for message in found]
    except Unavailable:
        return []


def _event(place: Place, told: MessageAnswer) -> bytes:
    lines = (f"id: {place.to_text()}", f"event: {told.topic}")
    return "\n".join(lines).encode() + b"\ndata: " + orjson.dumps(told.model_dump()) + b"\n\n"


def _place(message: Message) -> Place:
    return Place(message.due_at, message.id)


def _may_read(session: Session, caller: Caller, body: str) -> None:
    known = body_or_refuse(session, body, field="body")
    if not caller.acts_for(known.code, known.area_code):
        raise NotAllowed(f"Only {known.name} and its supervision may read what it is told.")
