"""What waits for the supervision and for the leader of a district."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from gridsvc.api.dependencies import CurrentOccasion
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.cases.systems.reminders.inbox import inbox, leader_inbox
from gridsvc.cases.systems.reminders.schemas import LeaderInbox, SupervisionInbox

router = APIRouter(prefix="/v1", tags=["cases"])


@router.get(
    "/supervision/{district}/inbox",
    response_model=SupervisionInbox,
    responses=problems(*TOKEN_PROBLEMS),
)
def get_inbox(
    district: str,
    occasion: CurrentOccasion,
    limit: Annotated[int, Query(ge=1, le=500, description="Of each kind at most.")] = 100,
) -> dict[str, Any]:
    """Work to file, dispatch, verify; refusals, appeals, extensions, stated times; reminders."""
    return inbox(
        occasion.session, occasion.city, occasion.caller, district, now=occasion.now, most=limit
    )


@router.get(
    "/leaders/{district}/inbox",
    response_model=LeaderInbox,
    responses=problems(*TOKEN_PROBLEMS),
)
def get_leader_inbox(
    district: str,
    occasion: CurrentOccasion,
    limit: Annotated[int, Query(ge=1, le=500, description="Of each kind at most.")] = 100,
) -> dict[str, Any]:
    """What is late in the district, by whom, and the reminders for its leader."""
    return leader_inbox(occasion.session, occasion.caller, district, now=occasion.now, most=limit)
