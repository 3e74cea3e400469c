"""Connections that nobody can hold for nothing: bounds of their number, of heads, and of waiting.

Uvicorn bounds none of them: it keeps headers of any length, waits for ever for the end of a head
and for a client that does not read its answer, and ends no connection that says nothing at all.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gridsvc.api.problems import problem_response
from gridsvc.errors import GridsvcError, HeadTooLarge, TooSlow
from gridsvc.settings import Settings

_LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Most connections, all and from one address; most bytes of a head, and the times to wait.

    ``head_s`` is the time until a head is complete, ``unread_s`` the time in which a client that is
    being answered must read something.
    """

    at_once: int
    at_once_of_address: int
    head_bytes: int
    head_s: float
    unread_s: float

    @classmethod
    def of(cls, settings: Settings) -> ConnectionLimits:
        """The limits that the settings say."""
        return cls(
            settings.max_connections,
            settings.max_connections_of_address,
            settings.max_head_bytes,
            settings.head_timeout_s,
            settings.unread_timeout_s,
        )


class BoundedConfig(Config):
    """Settings of a server whose connections are bounded."""

    def __init__(self, app: Any, *, limits: ConnectionLimits, **more: Any) -> None:
        # Which address in a header is believed, gridsvc.api.quotas decides alone.
        super().__init__(app, http=_Bounded, ws="none", proxy_headers=False, **more)
        self.limits = limits


class _Gathering:
    """A transport that sends the head of an answer together with what follows it at once.

    Uvicorn writes them one by one, and each costs a call of the system and wakes the client.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop, self._head = transport, loop, b""
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        """Send, or keep the beginning of an answer until the next write or turn of the loop."""
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(b"HTTP/1.1 "):
            self._head = data
            self._loop.call_soon(self._send_head)
            return
        self._transport.write(data)

    def close(self) -> None:
        """Close once all is sent."""
        self._send_head()
        self._transport.close()

    def _send_head(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class _Bounded(HttpToolsProtocol):
    """One connection."""

    config: BoundedConfig

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, unless there are too many."""
        super().connection_made(transport)
        self.transport = _Gathering(transport, self.loop)  # type: ignore[assignment] # as uvicorn uses it
        limits, now = self.config.limits, self.loop.time()
        self._head_since: float | None = None
        self._head_bytes = 0
        self._heard_at = now
        self._unread, self._unread_since = 0, now
        self._watch: asyncio.TimerHandle = self.loop.call_later(_LOOK_EVERY_S, self._look)
        host = self.client and self.client[0]
        others: Any = self.connections
        of_address = [one for one in others if one.client and one.client[0] == host]
        if len(self.connections) > limits.at_once or len(of_address) > limits.at_once_of_address:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching."""
        self._watch.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Pass on what came, unless it is more head than anybody needs."""
        if self.transport.is_closing():
            return
        self._heard_at = self.loop.time()
        self._arriving = len(data)
        super().data_received(data)
        if self._head_since is not None:
            self._head_bytes += len(data)
            if self._head_bytes > self.config.limits.head_bytes:
                self._refuse(_too_large(self.config.limits))

    def on_message_begin(self) -> None:
        """A head begins."""
        self._head_since, self._head_bytes = self._heard_at, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A head ends; one that came in few large pieces is measured here."""
        self._head_since = None
        limits = self.config.limits
        if self._head_bytes + self._arriving > limits.head_bytes:
            size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
            if size > limits.head_bytes:
                refusal = problem_response(_too_large(limits), dict(self.scope))
                refusal.headers["Connection"] = "close"
                self.app = refusal
        super().on_headers_complete()

    def _look(self) -> None:
        """End the connection if it waits for nothing, or for a client that does nothing."""
        limits, now = self.config.limits, self.loop.time()
        self._watch = self.loop.call_later(_LOOK_EVERY_S, self._look)
        unread = self.transport.get_write_buffer_size()
        if not unread or unread != self._unread:
            self._unread, self._unread_since = unread, now
        if unread and now - self._unread_since > limits.unread_s:
            self.transport.abort()
            return
        if self._head_since is not None and now - self._head_since > limits.head_s:
            self._refuse(TooSlow(f"The headers were not complete in {limits.head_s:g} seconds."))
        answered = self.cycle is None or self.cycle.response_complete
        idle = answered and self.timeout_keep_alive_task is None
        if idle and self._head_since is None and now - self._heard_at > limits.head_s:
            self.transport.close()

    def _refuse(self, error: GridsvcError) -> None:
        """Answer in words and end."""
        answer = problem_response(error, {"type": "http", "headers": self.headers or []})
        head = b"".join(b"%s: %s\r\n" % pair for pair in answer.raw_headers)
        status = b"HTTP/1.1 %d %s\r\n" % (error.status, error.title.encode())
        self.transport.write(status + head + b"connection: close\r\n\r\n" + bytes(answer.body))
        self.transport.close()


def _too_large(limits: ConnectionLimits) -> HeadTooLarge:
    return HeadTooLarge(
        f"The address and the headers are larger than {limits.head_bytes:,} bytes; send less."
    )
