"""What every answer has: its name, safe headers, a HEAD for each GET, compression of text."""

from __future__ import annotations

import time

from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gridsvc.api.watching import HEADER, IN_FLIGHT, Names, observe_request

#: Answers that are too small and too often asked for.
_SMALL = ("/v1/locate", "/v1/reports")
_SMALLEST_BYTES = 1_000
#: What is packed already, or is numbers that pack badly: an Arrow stream took four times as long.
_PACKED = (
    *DEFAULT_EXCLUDED_CONTENT_TYPES,
    "application/vnd.apache.arrow.stream",
    "application/geopackage+sqlite3",
    "application/octet-stream",
)
#: Beyond this a level costs more time than it saves bytes.
_LEVEL = 2

#: For answers that say nothing else; a page has a policy of its own.
_DEFAULTS = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_PUBLIC = (*_DEFAULTS, (b"cache-control", b"no-cache"))
_PRIVATE = (*_DEFAULTS, (b"cache-control", b"no-store"))


class Answering:
    """ASGI middleware, outermost: names and counts requests, and adds what every answer has.

    HEAD is a GET without its body. What was asked with a token, or changed something, no cache
    keeps unless the route says so. An answer that never began counts as 500.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressing = GZipMiddleware(
            app, _SMALLEST_BYTES, _LEVEL, exclude_content_types=_PACKED
        )
        self._names = Names()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and its answer with what is missing in it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"]
        public, compressed = method in ("GET", "HEAD"), False
        for header, value in scope["headers"]:
            if header == b"authorization":
                public = False
            elif header == b"accept-encoding":
                compressed = b"gzip" in value and scope["path"] not in _SMALL
        defaults = _PUBLIC if public else _PRIVATE
        named, status = (HEADER, self._names.of(scope).encode()), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status, headers = message["status"], message["headers"]
                said = {header for header, _ in headers}
                headers += [one for one in defaults if one[0] not in said]
                headers.append(named)
            await send(message)

        app = self._compressing if compressed else self._app
        IN_FLIGHT.inc()
        begun = time.perf_counter()
        try:
            if method == "HEAD":
                await app({**scope, "method": "GET"}, receive, _without_body(sending))
            else:
                await app(scope, receive, sending)
        finally:
            IN_FLIGHT.dec()
            observe_request(scope, status, time.perf_counter() - begun)


def _without_body(send: Send) -> Send:
    """Send the head and end there: the server then tells a stream that nobody listens."""
    ended = False

    async def sending(message: Message) -> None:
        nonlocal ended
        if message["type"] == "http.response.start":
            await send(message)
        elif not ended:
            ended = True
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return sending
