"""Tasks: sent to who is on duty, taken by one, done."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query
from fastapi.responses import JSONResponse
from pydantic import Field

from gridsvc.answers import as_built
from gridsvc.api.dependencies import CurrentOccasion, IdempotencyKey, once
from gridsvc.api.problems import TOKEN_PROBLEMS, problems
from gridsvc.api.rules import Sent, Text
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.systems.tasks import acting, repository
from gridsvc.cases.systems.tasks.kinds import TaskKind
from gridsvc.cases.systems.tasks.models import Task
from gridsvc.cases.systems.tasks.schemas import TaskAnswer, TaskPage
from gridsvc.cases.systems.tasks.view import tasks_json
from gridsvc.errors import (
    BadCoordinate,
    BadInput,
    IdempotencyMismatch,
    NotAllowed,
    StepRefused,
    UnknownCrs,
)
from gridsvc.registry.staff.model import Where
from gridsvc.registry.staff.repository import known_places
from gridsvc.spatial.crs import check_lon_lat, to_wgs84

router = APIRouter(prefix="/v1/tasks", tags=["tasks"])

_READING = (*TOKEN_PROBLEMS, BadInput)
_WRITING = (*_READING, StepRefused, IdempotencyMismatch)
_Cursor = Annotated[uuid.UUID | None, Query(description="'next' of the previous page.")]
_Limit = Annotated[int, Query(ge=1, le=500)]


class NewTask(Sent):
    """A patrol of an area or a unit grid, or another look at the place of a case."""

    kind: Literal[TaskKind.PATROL, TaskKind.REVISIT]
    area: Text | None = Field(
        default=None, pattern=r"^(\d{6}|\d{9}|\d{12})$", description="Of a patrol."
    )
    unit_grid: Text | None = Field(default=None, description="Of a patrol, inside the area.")
    case_id: uuid.UUID | None = Field(default=None, description="Of a revisit.")
    note: Text = Field(min_length=1, max_length=10_000, description="What shall be done.")
    limit_at: dt.datetime | None = Field(
        default=None, description="RFC 3339; by the kind when left out."
    )


class Taken(Sent):
    """To whom a task is given."""

    staff: Text | None = Field(
        default=None, description="Their code in the register; the caller when left out."
    )


class TaskReason(Sent):
    """Why."""

    reason: Text = Field(min_length=1, max_length=10_000)


class Done(Sent):
    """What was found."""

    found: Text | None = Field(default=None, description="The verdict of a check.")
    note: Text = Field(min_length=1, max_length=10_000, description="What was seen.")
    lon: float | None = Field(default=None, description="Where they stood.")
    lat: float | None = None
    crs: Text = "wgs84"


@router.get("", response_model=as_built(TaskPage), responses=problems(*_READING))
def list_tasks(
    occasion: CurrentOccasion,
    area: Annotated[
        str | None, Query(pattern=r"^(\d{2}|\d{4}|\d{6}|\d{9}|\d{12})$", description="Its code.")
    ] = None,
    state: Annotated[Literal["open", "taken", "done", "withdrawn"] | None, Query()] = None,
    kind: Annotated[TaskKind | None, Query()] = None,
    overdue: Annotated[bool, Query(description="Only those whose limit passed undone.")] = False,
    limit: _Limit = 100,
    cursor: _Cursor = None,
) -> TaskPage:
    """The tasks of the own area, or of an area inside it, in the order in which they were made."""
    own = occasion.caller.area
    if area is not None and not area.startswith(own):
        raise NotAllowed(f"The token is for {own}; it does not cover the tasks of {area}.")
    found = repository.tasks_under(
        occasion.session,
        own if area is None else area,
        state=state,
        kind=None if kind is None else kind.value,
        late_at=occasion.now if overdue else None,
        after=cursor,
        limit=limit,
    )
    return _page(occasion, found, limit)


@router.get("/mine", response_model=as_built(TaskPage), responses=problems(*_READING))
def list_mine(occasion: CurrentOccasion, limit: _Limit = 100, cursor: _Cursor = None) -> TaskPage:
    """The caller's task inbox: what they have taken, and what they may take where they serve."""
    return _page(occasion, acting.inbox(occasion, after=cursor, limit=limit), limit)


@router.get("/{task_id}", response_model=as_built(TaskAnswer), responses=problems(*TOKEN_PROBLEMS))
def get_task(task_id: uuid.UUID, occasion: CurrentOccasion) -> TaskAnswer:
    """One task."""
    return _told(occasion, acting.visible_task(occasion.session, occasion.caller, task_id))


@router.post("", status_code=201, response_model=TaskAnswer, responses=problems(*_WRITING))
def post_task(
    given: Annotated[NewTask, Body()], occasion: CurrentOccasion, key: IdempotencyKey = None
) -> JSONResponse:
    """Send somebody on a patrol, or to look again at what was done."""

    def make() -> Task:
        more: dict[str, Any] = {"note": given.note, "limit_at": given.limit_at}
        if given.kind is TaskKind.REVISIT:
            if given.case_id is None or given.area or given.unit_grid:
                raise BadInput("A revisit is of a case: send 'case_id' alone.", field="case_id")
            return acting.make_revisit(occasion, given.case_id, **more)
        if given.area is None or given.case_id is not None:
            raise BadInput("A patrol is of an area: send 'area', not 'case_id'.", field="area")
        where = Where(given.area, given.unit_grid)
        _check_there(occasion, where)
        return acting.make_patrol(occasion, where, **more)

    return _written(occasion, key, ["task", given], make, status=201)


@router.post("/{task_id}/take", response_model=TaskAnswer, responses=problems(*_WRITING))
def post_take(
    task_id: uuid.UUID,
    occasion: CurrentOccasion,
    given: Annotated[Taken | None, Body()] = None,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Take a task, or give it to somebody; whoever comes second is refused."""
    staff = None if given is None else given.staff
    request = ["task taken", str(task_id), staff]
    return _written(occasion, key, request, lambda: acting.take(occasion, task_id, staff=staff))


@router.post("/{task_id}/give-back", response_model=TaskAnswer, responses=problems(*_WRITING))
def post_give_back(
    task_id: uuid.UUID,
    given: Annotated[TaskReason, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """A task that was taken is open again."""
    request = ["task given back", str(task_id), given]
    return _written(
        occasion, key, request, lambda: acting.give_back(occasion, task_id, reason=given.reason)
    )


@router.post(
    "/{task_id}/done",
    response_model=TaskAnswer,
    responses=problems(*_WRITING, BadCoordinate, UnknownCrs),
)
def post_done(
    task_id: uuid.UUID,
    given: Annotated[Done, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """A task is done; what a check found goes to supervision."""

    def finish() -> Task:
        place = None
        if given.lon is not None and given.lat is not None:
            place = to_wgs84(*check_lon_lat(given.lon, given.lat, given.crs, field=""), given.crs)
        seen = acting.Seen(given.found, given.note, place)
        return acting.finish(occasion, task_id, seen)

    return _written(occasion, key, ["task done", str(task_id), given], finish)


@router.post("/{task_id}/withdraw", response_model=TaskAnswer, responses=problems(*_WRITING))
def post_withdrawal(
    task_id: uuid.UUID,
    given: Annotated[TaskReason, Body()],
    occasion: CurrentOccasion,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Nobody shall do a task any more."""
    request = ["task withdrawn", str(task_id), given]
    return _written(
        occasion, key, request, lambda: acting.withdraw(occasion, task_id, reason=given.reason)
    )


def _check_there(occasion: Occasion, where: Where) -> None:
    """The area, and the unit grid in it, must be there. Raises BadInput."""
    codes = [code for code in (where.area, where.unit_grid) if code is not None]
    known = known_places(occasion.session, where.area[:6], codes)
    if not any(one.kind == "area" for one in known.get(where.area, [])):
        raise BadInput(f"No edition has the area {where.area}.", field="area")
    cells = [one for one in known.get(where.unit_grid or "", []) if one.kind == "unit_grid"]
    if where.unit_grid is not None and not any(
        one.area_code.startswith(where.area) for one in cells
    ):
        raise BadInput(
            f"{where.area} has no unit grid '{where.unit_grid[:40]}'.", field="unit_grid"
        )


def _page(occasion: Occasion, found: list[Task], limit: int) -> TaskPage:
    told = tasks_json(occasion.session, occasion.city, found, occasion.now)
    return TaskPage(tasks=told, next=str(found[-1].id) if len(found) == limit else None)


def _told(occasion: Occasion, task: Task) -> TaskAnswer:
    return tasks_json(occasion.session, occasion.city, [task], occasion.now)[0]


def _written(
    occasion: Occasion, key: str | None, request: Any, act: Callable[[], Task], *, status: int = 200
) -> JSONResponse:
    """Do something with a task, once; gives it as it then stands."""

    def write() -> TaskAnswer:
        task = act()
        occasion.session.flush()
        return _told(occasion, task)

    return once(occasion, key, request, write, status=status)
