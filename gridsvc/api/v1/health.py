"""Whether the process lives, and whether it can answer."""

from __future__ import annotations

import asyncio
from typing import Literal

from fastapi import APIRouter
from sqlalchemy import text

from gridsvc.answers import Answer
from gridsvc.api.dependencies import CurrentService, Service
from gridsvc.api.problems import problems
from gridsvc.db.base import transaction
from gridsvc.errors import NotFound, Unavailable

router = APIRouter(tags=["health"])


class Alive(Answer):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(Answer):
    """The process can answer, and by which editions."""

    status: Literal["ready"] = "ready"
    editions: list[str]


@router.get("/healthz")
def healthz() -> Alive:
    """The process answers."""
    return Alive()


@router.get("/readyz", responses=problems(Unavailable))
async def readyz(service: CurrentService) -> Ready:
    """The database answers the intake, and the boundaries are loaded."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(service.pools.writers, _ready, service)


def _ready(service: Service) -> Ready:
    with transaction(service.pools.intake) as session:
        session.execute(text("select 1"))
    try:
        atlas = service.atlases.get()
    except NotFound as error:
        raise Unavailable(f"No boundaries are loaded yet. {error.detail}") from error
    return Ready(editions=[edition.id for edition in atlas.editions])
