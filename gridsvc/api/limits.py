"""Refuses bodies that are too large before they are read whole."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gridsvc.api.problems import problem_response
from gridsvc.errors import TooLarge

__all__ = ["BodyLimit"]


_BODILESS = ("GET", "HEAD", "OPTIONS")


class BodyLimit:
    """ASGI middleware: more than ``max_bytes`` of body is a 413, announced or not."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting its body."""
        if scope["type"] != "http" or scope["method"] in _BODILESS:
            await self._app(scope, receive, send)
            return
        refusal = (
            f"The body is larger than {self._max_bytes:,} bytes; send less, or import the file."
        )
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > self._max_bytes:
            await problem_response(TooLarge(refusal))(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._max_bytes:
                # FastAPI passes on no other exception from the reading of a body.
                raise HTTPException(TooLarge.status, refusal)
            return message

        await self._app(scope, counted, send)
