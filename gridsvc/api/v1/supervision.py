"""What waits for the supervision of a district."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from gridsvc.api.dependencies import CurrentOccasion
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.cases.systems.reminders.inbox import inbox
from gridsvc.cases.systems.reminders.schemas import SupervisionInbox

router = APIRouter(prefix="/v1/supervision", tags=["cases"])


@router.get(
    "/{district}/inbox", response_model=SupervisionInbox, responses=problems(*TOKEN_PROBLEMS)
)
def get_inbox(
    district: str,
    occasion: CurrentOccasion,
    limit: Annotated[int, Query(ge=1, le=500, description="Of each kind at most.")] = 100,
) -> dict[str, Any]:
    """Work to file, dispatch and verify; refusals, appeals, stated times, and reminders."""
    return inbox(
        occasion.session, occasion.city, occasion.caller, district, now=occasion.now, most=limit
    )
