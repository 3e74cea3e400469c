"""Refuses bodies that are too large, too slow or compressed before they are read whole."""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gridsvc.api.problems import problem_response
from gridsvc.errors import TooLarge, TooSlow, UnsupportedMedia

#: Bodies of this media type may be of any length.
ARROW = "application/vnd.apache.arrow.stream"
_BODILESS = ("GET", "HEAD", "OPTIONS")
#: So fast a body must come once the first seconds are over.
_SLOWEST_BYTES_A_S = 10_000


class BodyLimit:
    """ASGI middleware: more than ``max_bytes`` of body is a 413, announced or not.

    Bodies of the media types in ``streamed`` are read piece by piece and may have
    ``max_stream_bytes``. What is not there after ``timeout_s`` and the time that its bytes may take
    is a 408; a compressed body, which says nothing of its true size, a 415.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_bytes: int,
        max_stream_bytes: int,
        streamed: frozenset[str],
        timeout_s: float,
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._max_stream_bytes = max_stream_bytes
        self._streamed = streamed
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting its body."""
        if scope["type"] != "http" or scope["method"] in _BODILESS:
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        encoding = headers.get(b"content-encoding", b"identity").decode("latin-1")
        if encoding.strip().lower() not in ("", "identity"):
            refused = UnsupportedMedia(
                f"The body is compressed ({encoding}); send it as it is, without Content-Encoding."
            )
            await problem_response(refused, scope)(scope, receive, send)
            return
        kind = headers.get(b"content-type", b"").partition(b";")[0].decode("latin-1")
        streamed = kind.strip().lower() in self._streamed
        of_caller = scope["asker"].share.allowance.body_bytes
        most = self._max_stream_bytes if streamed else min(self._max_bytes, of_caller)
        refusal = f"The body is larger than {most:,} bytes; send less, or import the file."
        announced = headers.get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > most:
            await problem_response(TooLarge(refusal), scope)(scope, receive, send)
            return
        seen, complete = 0, False
        begun = asyncio.get_running_loop().time()

        async def counted() -> Message:
            nonlocal seen, complete
            if complete:  # what comes now is that the client has gone, however late
                return await receive()
            try:
                async with asyncio.timeout_at(begun + self._timeout_s + seen / _SLOWEST_BYTES_A_S):
                    message = await receive()
            except TimeoutError:
                # FastAPI passes on no other exception from the reading of a body.
                raise HTTPException(
                    TooSlow.status,
                    f"Of the body only {seen:,} bytes have come; send it faster, or in parts.",
                    {"Connection": "close"},
                ) from None
            seen += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if seen > most:
                raise HTTPException(TooLarge.status, refusal, {"Connection": "close"})
            return message

        await self._app(scope, counted, send)
