"""Work that nobody waits for any more is ended: the client is looked for while it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from fastapi import HTTPException, Request
from fastapi.concurrency import run_in_threadpool

from gridsvc.workers import ClientGone

T = TypeVar("T")

_LOOK_EVERY_S = 0.1


async def until_gone(request: Request, work: Callable[[], T], end: Callable[[], object]) -> T:
    """What ``work`` gives, in a thread; ``end`` is called once when the client leaves before."""
    task = asyncio.ensure_future(run_in_threadpool(work))
    told = False
    while not (await asyncio.wait({task}, timeout=_LOOK_EVERY_S))[0]:
        if not told and await request.is_disconnected():
            told = True
            await run_in_threadpool(end)
    try:
        return task.result()
    except ClientGone:
        raise HTTPException(400, "The client has left") from None
