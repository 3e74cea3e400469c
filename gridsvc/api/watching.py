"""Every request by its id and its measure: what logs and metrics know of it.

The id is the caller's ``X-Request-ID`` where that is a plain word, else one of ours. It stands in
the answer, in each line of the log, in the messages that the request wrote, and in the log of the
worker that delivers them.
"""

from __future__ import annotations

import itertools
import re
import secrets
import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gridsvc.api.metrics import IN_FLIGHT, observe_request
from gridsvc.callers import REQUEST_ID

_HEADER = b"x-request-id"
_PLAIN = re.compile(r"[A-Za-z0-9._:-]{1,64}")


class Watched:
    """ASGI middleware, outermost: gives each request its id and counts how it ended."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._process = secrets.token_hex(6)
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; an answer that never began counts as 500."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = self._id_of(scope)
        REQUEST_ID.set(request_id)
        status = 500

        async def begun(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        IN_FLIGHT.inc()
        start = time.perf_counter()
        try:
            await self._app(scope, receive, begun)
        finally:
            IN_FLIGHT.dec()
            observe_request(scope, status, time.perf_counter() - start)

    def _id_of(self, scope: Scope) -> str:
        given: str = dict(scope["headers"]).get(_HEADER, b"").decode("latin-1")
        if _PLAIN.fullmatch(given):
            return given
        return f"{self._process}-{next(self._numbers):x}"
