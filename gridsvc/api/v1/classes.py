"""Class lists: looked through by code, name and pinyin."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from gridsvc.api.dependencies import CurrentService, PublicSession
from gridsvc.api.problems import problems
from gridsvc.errors import BadInput
from gridsvc.registry.classes.schemas import ClassPage
from gridsvc.registry.classes.search import list_classes

router = APIRouter(prefix="/v1/classes", tags=["bodies"])


@router.get("", responses=problems(BadInput))
def get_classes(
    service: CurrentService,
    session: PublicSession,
    q: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=100,
            description="Of the code, the name, its pinyin or initials: 0601, 垃圾, laji, bllj.",
        ),
    ] = None,
    kind: Literal["part", "event"] | None = None,
    standard: Annotated[str | None, Query(description="The city's list when left out.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(description="'next' of the previous page.")] = None,
) -> ClassPage:
    """The classes of parts and events of a list, by kind and code."""
    listed = standard or service.city.standard
    return list_classes(session, listed, kind=kind, words=q, limit=limit, cursor=cursor)
