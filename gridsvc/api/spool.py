"""Answers that are written down whole before their first byte is sent.

What makes them (a transaction, a thread) is free again however slowly they are read, and a fault
at their end is still a clean refusal.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from typing import IO

import anyio
from anyio import to_thread
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from gridsvc.errors import QueryTooBroad
from gridsvc.settings import Settings

_PIECE_BYTES = 1 << 18
_IN_MEMORY_BYTES = 1 << 20


async def spooled(
    limiter: anyio.CapacityLimiter,
    write: Callable[[IO[bytes]], None],
    *,
    media_type: str,
    headers: Mapping[str, str] | None = None,
) -> StreamingResponse:
    """The answer that ``write`` writes, in one of the threads of ``limiter``.

    Raises what ``write`` does.
    """
    spool: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115 - by _Spooled
    try:
        await to_thread.run_sync(write, spool, limiter=limiter)
        length = {"Content-Length": str(spool.tell())}
    except BaseException:
        spool.close()
        raise
    return _Spooled(spool, media_type, {**(headers or {}), **length})


def bounded(settings: Settings, instead: str) -> Callable[[int], None]:
    """Refuses what has grown too large, told its bytes, or takes too long from now on.

    ``instead`` says what to ask for. What it gives raises QueryTooBroad.
    """
    ends = time.monotonic() + settings.export_timeout_s

    def check(size_bytes: int) -> None:
        if size_bytes > settings.export_max_bytes:
            most = f"{settings.export_max_bytes:,} bytes"
        elif time.monotonic() > ends:
            most = f"{settings.export_timeout_s:g} seconds"
        else:
            return
        raise QueryTooBroad(f"The export takes more than {most}; {instead}.")

    return check


class _Spooled(StreamingResponse):
    """Closes its file whether it was read to its end, or its reader has gone."""

    def __init__(self, spool: IO[bytes], media_type: str, headers: Mapping[str, str]) -> None:
        super().__init__(_pieces(spool), media_type=media_type, headers=headers)
        self._spool = spool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._spool:
            await super().__call__(scope, receive, send)


def _pieces(spool: IO[bytes]) -> Iterator[bytes]:
    spool.seek(0)
    while piece := spool.read(_PIECE_BYTES):
        yield piece
