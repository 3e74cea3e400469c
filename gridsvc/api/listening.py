"""Streams of events: one look into the store for all of them, and each ends with its token.

However many listen, a process asks once a second which messages have fallen due, and reads each
message once.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

import orjson
import structlog
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.orm import Session, sessionmaker

from gridsvc.api import clock
from gridsvc.cases.core.messages.model import Place
from gridsvc.cases.core.messages.models import Message
from gridsvc.cases.core.messages.repository import due_since, messages_by_id
from gridsvc.cases.core.schemas import MessageAnswer
from gridsvc.db.base import transaction
from gridsvc.errors import NotAuthenticated, TooMany, Unavailable
from gridsvc.registry.access.service import Tokens

_log = structlog.get_logger(__name__)

_POLL_S = 1.0
_TOKENS_EVERY_S = 5.0
#: A message may be written down later than one that fell due after it. So far back a stream
#: looks again; what it has sent already it knows by its id.
LOOK_BACK = dt.timedelta(seconds=60)
_REMEMBERED = 100_000
_WAITING = 1_000


@dataclass(frozen=True, slots=True)
class Event:
    """A message as it is sent."""

    id: uuid.UUID
    place: Place
    content: bytes

    @classmethod
    def of(cls, message: Message) -> Event:
        """The event that tells of a message."""
        place = Place(message.due_at, message.id)
        told = orjson.dumps(MessageAnswer.of(message).model_dump())
        lines = (f"id: {place.to_text()}", f"event: {message.topic}")
        content = "\n".join(lines).encode() + b"\ndata: " + told + b"\n\n"
        return cls(message.id, place, content)


@dataclass(eq=False, slots=True)
class Listener:
    """One stream: the events that wait for it; what stands before None is its last."""

    body: str
    token: str
    waiting: asyncio.Queue[Event | None] = field(
        default_factory=lambda: asyncio.Queue(_WAITING + 1)
    )

    def tell(self, event: Event) -> None:
        """Let an event wait; a stream that is not read for so long ends, and may come again."""
        if self.waiting.qsize() < _WAITING:
            self.waiting.put_nowait(event)
        else:
            self.end()

    def end(self) -> None:
        """End the stream behind what waits for it already."""
        if not self.waiting.full():
            self.waiting.put_nowait(None)


class Listening:
    """The streams of a process."""

    def __init__(self, sessions: sessionmaker[Session], tokens: Tokens, most: int) -> None:
        self._sessions = sessions
        self._tokens = tokens
        self._most = most
        self._listeners: dict[Listener, None] = {}
        self._told: OrderedDict[uuid.UUID, None] = OrderedDict()
        self._watch: asyncio.Task[None] | None = None

    def open(self, body: str, token: str) -> Listener:
        """Listen to what a body is told from now on. Raises TooMany."""
        if len(self._listeners) >= self._most:
            raise TooMany(
                f"The service keeps {self._most:,} event streams open already; read the inbox, or"
                " try again later.",
                retry_after_s=30,
            )
        listener = Listener(body, token)
        self._listeners[listener] = None
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._keep_watching())
        return listener

    def close(self, listener: Listener) -> None:
        """Listen no more."""
        self._listeners.pop(listener, None)

    async def _keep_watching(self) -> None:
        since, tokens_at = clock.utc_now(), clock.utc_now()
        while self._listeners:
            now = clock.utc_now()
            try:
                for event, body in await run_in_threadpool(
                    self._fresh, {one.body for one in self._listeners}, since - LOOK_BACK, now
                ):
                    for listener in self._listeners:
                        if listener.body == body:
                            listener.tell(event)
                since = now
                if (now - tokens_at).total_seconds() >= _TOKENS_EVERY_S:
                    tokens_at = now
                    tokens = {one.token for one in self._listeners}
                    ended = await run_in_threadpool(self._ended, tokens)
                    for listener in self._listeners:
                        if listener.token in ended:
                            listener.end()
            except Unavailable as error:  # the streams wait for the database
                _log.warning("streams of events wait", reason=error.detail)
            await asyncio.sleep(_POLL_S)

    def _fresh(
        self, bodies: Iterable[str], since: dt.datetime, now: dt.datetime
    ) -> list[tuple[Event, str]]:
        """What has fallen due for some bodies and was not told before, and whom it is for."""
        with transaction(self._sessions) as session:
            due = due_since(session, bodies, since=since, now=now)
            fresh = [one for one in due if one not in self._told]
            told = [(Event.of(one), one.receiver) for one in messages_by_id(session, fresh)]
        self._told.update(dict.fromkeys(fresh))
        while len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        return told

    def _ended(self, tokens: Iterable[str]) -> set[str]:
        """Which tokens have expired or were taken back."""
        ended = set()
        with transaction(self._sessions) as session:
            for token in tokens:
                try:
                    self._tokens.read(session, token)
                except NotAuthenticated:
                    ended.add(token)
        return ended
