"""Which unit grid or part bears a code."""

from __future__ import annotations

from fastapi import APIRouter

from gridsvc.api.dependencies import DbSession
from gridsvc.api.problems import problems
from gridsvc.errors import BadCode, NotFound, UnknownParameter
from gridsvc.registry.codes.schemas import CodeMatches
from gridsvc.registry.codes.service import look_up

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["codes"])

_RESPONSES = problems(BadCode, NotFound, UnknownParameter)


@router.get("/codes/{code}", responses=_RESPONSES)
def get_code(code: str, session: DbSession) -> CodeMatches:
    """The unit grids and parts that bear an 8-digit code or a national id, in every district."""
    return look_up(session, code)


@router.get("/districts/{district}/codes/{code}", responses=_RESPONSES)
def get_district_code(district: str, code: str, session: DbSession) -> CodeMatches:
    """The unit grid or part that bears the code in one district."""
    return look_up(session, code, district)
