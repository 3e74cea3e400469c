"""Whether the process lives, and whether it can answer."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy import text

from gridsvc.api.dependencies import CurrentService, DbSession
from gridsvc.api.problems import problems
from gridsvc.errors import NotFound, Unavailable

__all__ = ["router"]

router = APIRouter(tags=["health"])


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", responses=problems(Unavailable))
def readyz(service: CurrentService, session: DbSession) -> dict[str, object]:
    """The database answers and the boundaries are loaded."""
    session.execute(text("select 1"))
    try:
        atlas = service.atlases.get()
    except NotFound as error:
        raise Unavailable(f"No boundaries are loaded yet. {error.detail}") from error
    return {"status": "ready", "editions": [edition.id for edition in atlas.editions]}
