"""Whether the process lives, and whether it can answer."""

from __future__ import annotations

import asyncio
import shutil
from typing import Literal

from fastapi import APIRouter
from sqlalchemy import text

from gridsvc.answers import Answer
from gridsvc.api.dependencies import CurrentService, Service
from gridsvc.api.problems import problems
from gridsvc.db.base import transaction
from gridsvc.errors import NotFound, StorageFull, Unavailable
from gridsvc.settings import Settings

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


@router.get("/readyz", responses=problems(Unavailable, StorageFull))
async def readyz(service: CurrentService) -> Ready:
    """The database answers the intake, there is room on its disk, and the boundaries are loaded."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(service.pools.writers, _ready, service)


def _ready(service: Service) -> Ready:
    _check_room(service.settings)
    with transaction(service.pools.intake) as session:
        session.execute(text("select 1"))
    try:
        atlas = service.atlases.get()
    except NotFound as error:
        raise Unavailable(f"No boundaries are loaded yet. {error.detail}") from error
    return Ready(editions=[edition.id for edition in atlas.editions])


def _check_room(settings: Settings) -> None:
    """Raises Unavailable where what the service keeps is gone, StorageFull where room is short."""
    for folder in (settings.var_dir, settings.var_dir / "pg"):
        try:
            free = shutil.disk_usage(folder).free
        except FileNotFoundError:
            if folder == settings.var_dir:
                raise Unavailable(
                    "The folder in which the service keeps its keys and indexes is gone; restore"
                    " it, then restart the service."
                ) from None
            continue  # a database of the user's own
        if free < settings.min_free_bytes:
            raise StorageFull(
                f"A disk of the service has {free:,} bytes left, fewer than"
                f" {settings.min_free_bytes:,}; make room."
            )
