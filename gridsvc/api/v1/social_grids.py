"""Social grids: the tree of areas with grids of both levels and their workers."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from gridsvc.answers import as_built
from gridsvc.api import clock
from gridsvc.api.dependencies import PublicSession
from gridsvc.api.problems import problems
from gridsvc.errors import BadInput
from gridsvc.registry.social_grids.schemas import SocialNode
from gridsvc.registry.social_grids.service import social_tree

router = APIRouter(prefix="/v1", tags=["areas"])


@router.get("/social-grids", response_model=as_built(SocialNode), responses=problems(BadInput))
def get_social_grids(
    session: PublicSession,
    area: Annotated[
        str, Query(pattern=r"^(\d{6}|\d{9}|\d{12})?$", description="A district, street, community.")
    ] = "",
    depth: Annotated[int, Query(ge=0, le=5, description="Levels below the area.")] = 1,
) -> dict[str, Any]:
    """Areas and social grids under an area; the totals of every node are those of its children."""
    return social_tree(session, area, now=clock.utc_now()).to_json(depth)
