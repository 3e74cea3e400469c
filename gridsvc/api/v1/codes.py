"""Which unit grid or part bears a code."""

from __future__ import annotations

from fastapi import APIRouter

from gridsvc.api.dependencies import (
    CurrentService,
    PerhapsCaller,
    PublicSession,
    Then,
    parts_whole,
)
from gridsvc.api.problems import problems
from gridsvc.errors import BadCode, NotFound, UnknownParameter
from gridsvc.registry.codes.schemas import CodeMatches
from gridsvc.registry.codes.service import look_up

router = APIRouter(prefix="/v1", tags=["codes"])

_RESPONSES = problems(BadCode, NotFound, UnknownParameter)


@router.get("/codes/{code}", response_model_exclude_unset=True, responses=_RESPONSES)
def get_code(
    code: str,
    service: CurrentService,
    session: PublicSession,
    then: Then,
    caller: PerhapsCaller,
) -> CodeMatches:
    """The unit grids and parts that bear an 8-digit code or a national id, in every district.

    Their areas are those that they were registered in; with ``as_of``, those of that day, and
    cells have the polygon and the state that they had then.
    """
    return look_up(session, code, then=then, whole=parts_whole(service, caller))


@router.get(
    "/districts/{district}/codes/{code}", response_model_exclude_unset=True, responses=_RESPONSES
)
def get_district_code(
    district: str,
    code: str,
    service: CurrentService,
    session: PublicSession,
    then: Then,
    caller: PerhapsCaller,
) -> CodeMatches:
    """The unit grid or part that bears the code in one district; ``as_of`` as in every district."""
    whole = parts_whole(service, caller)
    return look_up(session, code, district, then=then, whole=whole)
