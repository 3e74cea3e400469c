"""Editions of boundaries: listed, with their history, and what parts one from another."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from sqlalchemy.orm import Session

from gridsvc.api.dependencies import (
    CurrentCaller,
    CurrentService,
    DbSession,
    PerhapsCaller,
    Service,
)
from gridsvc.api.problems import problems
from gridsvc.callers import Caller
from gridsvc.cases.intake.rerouting import rerouted, rerouting
from gridsvc.cases.intake.schemas import ReroutingAnswer
from gridsvc.errors import (
    BadInput,
    Conflict,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    UnknownParameter,
)
from gridsvc.registry.areas.lookup import edition_detail, editions_page, shown_edition
from gridsvc.registry.areas.schemas import EditionDetail, EditionPage
from gridsvc.registry.editions.schemas import ReroutedPageAnswer

router = APIRouter(prefix="/v1/editions", tags=["editions"])

Level = Literal["district", "street", "community", "unit_grid"]
EditionId = Annotated[str, Path(description="The id of an edition, in any state.")]
Cursor = Annotated[str | None, Query(description="'next' of the previous page.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="Most rows on one page.")]

_DIFF = problems(UnknownParameter, NotFound, BadInput, Conflict)
_DIFF_REPORTS = problems(
    NotAuthenticated, NotAllowed, UnknownParameter, NotFound, BadInput, Conflict
)


@router.get("", responses=problems(UnknownParameter, BadInput))
def editions(
    session: DbSession,
    caller: PerhapsCaller,
    level: Annotated[Level | None, Query(description="All levels when left out.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> EditionPage:
    """Editions by level and date: the ones in force, those before them, and to staff drafts."""
    return editions_page(session, drafts=_staff(caller), level=level, limit=limit, cursor=cursor)


@router.get(
    "/{edition}",
    response_model_exclude_unset=True,
    responses=problems(UnknownParameter, NotFound),
)
def one_edition(edition: EditionId, session: DbSession, caller: PerhapsCaller) -> EditionDetail:
    """One edition: what it holds, what its audit found, and what happened to it."""
    return edition_detail(session, edition, whole=_staff(caller))


@router.get("/{before}/diff/{after}", responses=_DIFF)
def diff(
    before: EditionId,
    after: EditionId,
    session: DbSession,
    service: CurrentService,
    caller: PerhapsCaller,
    limit: Annotated[int, Query(ge=1, le=10_000, description="Most moves of each list.")] = 1000,
) -> ReroutingAnswer:
    """Areas born, gone, renamed, changed; ground moved from whom to whom; and what that reroutes.

    ``reports``, ``parts`` and ``unit_grids`` count what is stored and would be answered otherwise.
    """
    _check_shown(session, caller, before, after)
    found = rerouting(session, service.atlases.index_dir, before, after)
    return found.answer(most_moves=limit)


@router.get(
    "/{before}/diff/{after}/reports",
    responses=_DIFF_REPORTS,
)
def diff_reports(
    before: EditionId,
    after: EditionId,
    session: DbSession,
    service: CurrentService,
    caller: CurrentCaller,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> ReroutedPageAnswer:
    """The reports of the caller's area that would be answered otherwise, by district and id."""
    return _page(session, service, before, after, "reports", limit, cursor, caller.area)


@router.get("/{before}/diff/{after}/{kind}", responses=_DIFF)
def diff_things(
    before: EditionId,
    after: EditionId,
    kind: Literal["parts", "unit_grids"],
    session: DbSession,
    service: CurrentService,
    caller: PerhapsCaller,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> ReroutedPageAnswer:
    """The parts or unit grids that would be answered otherwise, by district and code."""
    _check_shown(session, caller, before, after)
    return _page(session, service, before, after, kind, limit, cursor, "")


def _staff(caller: Caller | None) -> bool:
    return caller is not None and caller.staff


def _check_shown(session: Session, caller: Caller | None, *editions: str) -> None:
    """Refuse drafts to the public. Raises NotFound."""
    for edition in editions:
        shown_edition(session, edition, drafts=_staff(caller))


def _page(
    session: Session,
    service: Service,
    before: str,
    after: str,
    kind: str,
    limit: int,
    cursor: str | None,
    prefix: str,
) -> ReroutedPageAnswer:
    page = rerouted(
        session,
        service.atlases.index_dir,
        before,
        after,
        kind,
        limit=limit,
        cursor=cursor,
        prefix=prefix,
    )
    return ReroutedPageAnswer(kind=kind, things=page.things, next=page.next)
