"""Mending an edition's faults: proposals, previews, new drafts, and the way back."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import Field

from gridsvc.answers import as_built
from gridsvc.api.dependencies import (
    CurrentCaller,
    CurrentOccasion,
    CurrentService,
    DbSession,
    IdempotencyKey,
    once,
    parse_as_of,
)
from gridsvc.api.problems import problems
from gridsvc.api.rules import Sent
from gridsvc.callers import Caller
from gridsvc.errors import (
    BadGeometry,
    BadInput,
    Conflict,
    CoverageBroken,
    IdempotencyMismatch,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    UnknownParameter,
)
from gridsvc.registry.editions.models import Edition
from gridsvc.registry.repairs.model import AppliedRepair
from gridsvc.registry.repairs.proposals import preview, proposals_of
from gridsvc.registry.repairs.schemas import FaultPage, PreviewAnswer, RepairsAnswer, RepairsMade
from gridsvc.registry.repairs.service import apply_repairs, list_repairs, undo_repairs

router = APIRouter(prefix="/v1/editions/{edition}/repairs", tags=["editions"])

EditionId = Annotated[str, Path(description="The id of an edition, in any state.")]
Limit = Annotated[int, Query(ge=1, le=100, description="Most faults on one page.")]

_READ = problems(
    NotAuthenticated, NotAllowed, UnknownParameter, BadInput, NotFound, Conflict, CoverageBroken
)
_WRITE = problems(
    NotAuthenticated,
    NotAllowed,
    BadInput,
    BadGeometry,
    NotFound,
    Conflict,
    CoverageBroken,
    IdempotencyMismatch,
)


class _NewDraft(Sent):
    why: str = Field(min_length=1, max_length=2000, description="Kept with the repair.")
    new_edition: str | None = Field(
        default=None, max_length=80, description="Id of the draft; else with .r1, .r2 ..."
    )
    effective_from: str | None = Field(
        default=None, description="Date of the draft, a day or a time; now when left out."
    )


class NewRepairs(_NewDraft):
    """Proposals to apply together."""

    proposals: list[str] = Field(min_length=1, max_length=1000)
    outside_parent: bool = Field(
        default=False, description="Let an area gain ground outside its own parent."
    )


class UndoneRepairs(_NewDraft):
    """Repairs to take back together."""

    repairs: list[str] = Field(min_length=1, max_length=1000)


@router.get(
    "",
    response_model=as_built(RepairsAnswer),
    responses=problems(NotAuthenticated, UnknownParameter, NotFound),
)
def history(edition: EditionId, session: DbSession, _: CurrentCaller) -> dict[str, Any]:
    """The repairs that made an edition, and those that were made of it: who, why, when, m²."""
    return {"repairs": [it.to_json() for it in list_repairs(session, edition)]}


@router.get("/proposals", response_model=as_built(FaultPage), responses=_READ)
def proposals(
    edition: EditionId,
    service: CurrentService,
    session: DbSession,
    _: CurrentCaller,
    fault: Annotated[str | None, Query(description="Only this fault, by its id.")] = None,
    limit: Limit = 20,
    cursor: Annotated[str | None, Query(description="'next' of the previous page.")] = None,
) -> dict[str, Any]:
    """The faults of an edition and the ways to repair each, with m² per area."""
    found, following = proposals_of(
        session, edition, plane=service.city.plane, fault_id=fault, after=cursor, limit=limit
    )
    return {"faults": [it.to_json() for it in found], "next": following}


@router.get("/preview", response_model=as_built(PreviewAnswer), responses=_READ)
def show_preview(
    edition: EditionId,
    service: CurrentService,
    session: DbSession,
    _: CurrentCaller,
    proposal: Annotated[list[str], Query(description="Repeat it for more than one.")],
) -> dict[str, Any]:
    """What some proposals would change together; ``geojson`` has the areas before and after."""
    shown = preview(session, edition, proposal, service.city.plane)
    return {**shown.to_json(), "geojson": shown.to_geojson()}


@router.post("", status_code=201, response_model=RepairsMade, responses=_WRITE)
def apply(
    edition: EditionId,
    new: NewRepairs,
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Make a new draft in which these faults are repaired; the edition itself stays."""

    def write() -> dict[str, Any]:
        made, repairs = apply_repairs(
            occasion.session,
            edition,
            new.proposals,
            plane=occasion.city.plane,
            by=occasion.caller.subject,
            why=new.why,
            at=occasion.now,
            new_id=new.new_edition,
            effective_from=parse_as_of(new.effective_from, occasion.city.calendar),
            outside_parent=new.outside_parent,
        )
        return _answer(occasion.caller, made, repairs)

    return once(occasion, key, ["repair", edition, new], write, status=201)


@router.post("/undo", status_code=201, response_model=RepairsMade, responses=_WRITE)
def undo(
    edition: EditionId,
    named: UndoneRepairs,
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Make a new draft without these repairs; its areas are as before, bit by bit."""

    def write() -> dict[str, Any]:
        made, repairs = undo_repairs(
            occasion.session,
            edition,
            named.repairs,
            by=occasion.caller.subject,
            why=named.why,
            at=occasion.now,
            new_id=named.new_edition,
            effective_from=parse_as_of(named.effective_from, occasion.city.calendar),
        )
        return _answer(occasion.caller, made, repairs)

    return once(occasion, key, ["undo repair", edition, named], write, status=201)


def _answer(caller: Caller, made: Edition, repairs: list[AppliedRepair]) -> dict[str, Any]:
    """The answer, if the caller may change all these areas; else nothing of it is kept."""
    for code in sorted({code for it in repairs for code, _, _ in it.changes}):
        if not caller.supervises(code[:6]):
            raise NotAllowed(
                f"A token of role {caller.role.value} for area '{caller.area}' may not change the"
                f" border of {code}; needed: district, city or admin, for that area."
            )
    return {
        "edition": made.id,
        "state": made.state,
        "repairs": [it.to_json() for it in repairs],
    }
