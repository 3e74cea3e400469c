"""Whether the process lives, and whether it can answer."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from sqlalchemy import text

from gridsvc.answers import Answer
from gridsvc.api.dependencies import CurrentService, DbSession
from gridsvc.api.problems import problems
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
def readyz(service: CurrentService, session: DbSession) -> Ready:
    """The database answers and the boundaries are loaded."""
    session.execute(text("select 1"))
    try:
        atlas = service.atlases.get()
    except NotFound as error:
        raise Unavailable(f"No boundaries are loaded yet. {error.detail}") from error
    return Ready(editions=[edition.id for edition in atlas.editions])
