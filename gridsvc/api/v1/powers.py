"""Who may do what where: powers (权责清单) and their delegations to streets (赋权清单)."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Query

from gridsvc.api import clock
from gridsvc.api.dependencies import CurrentService, PublicSession
from gridsvc.api.problems import problems
from gridsvc.errors import BadInput
from gridsvc.registry.powers.model import PowerKind
from gridsvc.registry.powers.repository import PowerFilter, powers_page
from gridsvc.registry.powers.schemas import PowerAnswer, PowerPage

router = APIRouter(prefix="/v1/powers", tags=["powers"])


@router.get("", responses=problems(BadInput))
def list_powers(
    service: CurrentService,
    session: PublicSession,
    street: Annotated[
        str | None, Query(pattern=r"^\d{9}$", description="Who may do it in this street.")
    ] = None,
    day: Annotated[
        dt.date | None, Query(description="A day of the city; today when left out.")
    ] = None,
    q: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=100,
            description="The beginning of a code, a piece of a name or of a legal basis.",
        ),
    ] = None,
    body: Annotated[str | None, Query(description="The code of the holder.")] = None,
    kind: PowerKind | None = None,
    delegated: Annotated[
        bool | None, Query(description="Whether it is delegated: to the street, or to any.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(description="'next' of the previous page.")] = None,
) -> PowerPage:
    """Powers that hold on a day, and who may use them in a street."""
    on = day or service.city.day(clock.utc_now())
    wanted = PowerFilter(on, street, q, body, kind, delegated)
    found = powers_page(
        session, wanted, after=None if cursor is None else _place(cursor), limit=limit
    )
    last = f"{found[-1].area}:{found[-1].code}" if len(found) == limit else None
    told = [PowerAnswer.told(one, at_street=street is not None) for one in found]
    return PowerPage(day=on, street=street, powers=told, next=last)


def _place(cursor: str) -> tuple[str, str]:
    area, mark, code = cursor.partition(":")
    if not mark:
        raise BadInput("'cursor' is not `next` of a page.", field="cursor")
    return area, code
