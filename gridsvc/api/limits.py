"""Refuses bodies that are too large before they are read whole."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gridsvc.api.problems import problem_response
from gridsvc.errors import TooLarge

_BODILESS = ("GET", "HEAD", "OPTIONS")


class BodyLimit:
    """ASGI middleware: more than ``max_bytes`` of body is a 413, announced or not.

    Bodies of the media types in ``streamed`` are read piece by piece and may have
    ``max_stream_bytes``.
    """

    def __init__(
        self, app: ASGIApp, max_bytes: int, max_stream_bytes: int, streamed: frozenset[str]
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._max_stream_bytes = max_stream_bytes
        self._streamed = streamed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting its body."""
        if scope["type"] != "http" or scope["method"] in _BODILESS:
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        kind = headers.get(b"content-type", b"").partition(b";")[0].decode("latin-1")
        most = self._max_stream_bytes if kind in self._streamed else self._max_bytes
        refusal = f"The body is larger than {most:,} bytes; send less, or import the file."
        announced = headers.get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > most:
            await problem_response(TooLarge(refusal), scope)(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                # FastAPI passes on no other exception from the reading of a body.
                raise HTTPException(TooLarge.status, refusal)
            return message

        await self._app(scope, counted, send)
