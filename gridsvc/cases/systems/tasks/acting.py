"""What people do with tasks: made, taken by exactly one, given back, done, withdrawn."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.cases.core.act import Act, Occasion
from gridsvc.cases.core.repository import lock_case
from gridsvc.cases.core.service import readable_case
from gridsvc.cases.systems.tasks import repository
from gridsvc.cases.systems.tasks.events import TaskDone
from gridsvc.cases.systems.tasks.hearing import new_task, where_is
from gridsvc.cases.systems.tasks.kinds import TASKS, TaskKind
from gridsvc.cases.systems.tasks.models import Task
from gridsvc.cases.systems.tasks.repository import Beat
from gridsvc.city import City
from gridsvc.city.procedures.model import Step
from gridsvc.errors import BadInput, NotAllowed, NotFound, StepRefused
from gridsvc.registry.staff.model import Place, StaffRole, Where
from gridsvc.registry.staff.models import StaffMember
from gridsvc.registry.staff.repository import member_on, members_of_subject, places_of
from gridsvc.spatial.ellipsoid import distance_m

#: What another look finds: that what was done has lasted, or that it is as it was.
LOOKED_AGAIN = ("lasted", "again")


@dataclass(frozen=True, slots=True)
class Seen:
    """What somebody found: the verdict of a check, words, and where they stood (WGS84 degrees)."""

    found: str | None
    note: str
    place: tuple[float, float] | None


def beats_of(session: Session, city: City, caller: Caller, now: dt.datetime) -> list[Beat]:
    """Where the caller's tasks come from: as the register says, else the area of a grid worker."""
    members = members_of_subject(session, caller.subject, city.day(now))
    served = places_of(session, members)
    rules = city.table(TASKS).values()
    return [
        Beat(member.district_code, place, kinds)
        for member in members
        for place in served[member.id]
        if (kinds := tuple(one.kind.value for one in rules if member.role in one.roles))
    ]


def inbox(occasion: Occasion, *, after: uuid.UUID | None, limit: int) -> list[Task]:
    """What the caller has taken or may take, in the order in which it was made."""
    session, caller = occasion.session, occasion.caller
    beats = beats_of(session, occasion.city, caller, occasion.now)
    if not beats and caller.role is Role.GRID_WORKER:
        rules = occasion.city.table(TASKS).values()
        kinds = tuple(one.kind.value for one in rules if StaffRole.GRID_WORKER in one.roles)
        beats = [Beat(caller.area[:6], Place("area", caller.area, caller.area), kinds)]
    return repository.inbox(session, caller.subject, beats, after=after, limit=limit)


def visible_task(session: Session, caller: Caller, task_id: uuid.UUID) -> Task:
    """A task, for whoever works where it is. Raises NotFound, NotAllowed."""
    task = repository.task_by_id(session, task_id)
    if task is None:
        raise NotFound(f"There is no task {task_id}.")
    _check_covers(caller, task.area_code)
    return task


def make_patrol(
    occasion: Occasion, where: Where, *, note: str, limit_at: dt.datetime | None
) -> Task:
    """Let somebody walk an area or a unit grid. Raises NotAllowed, BadInput."""
    if not occasion.caller.covers(where.area):
        raise NotAllowed(
            f"The token is for '{occasion.caller.area}'; it makes no tasks in {where.area}."
        )
    return _ordered(occasion, new_task(occasion, TaskKind.PATROL, where, case=None), note, limit_at)


def make_revisit(
    occasion: Occasion, case_id: uuid.UUID, *, note: str, limit_at: dt.datetime | None
) -> Task:
    """Let somebody look whether what was done in a case has lasted.

    Raises NotFound, NotAllowed, BadInput.
    """
    session = occasion.session
    readable_case(session, occasion.city, occasion.caller, case_id)
    act = occasion.on(lock_case(session, case_id))
    where = where_is(session, act, act.case)
    _check_covers(occasion.caller, where.area)
    task = _ordered(act, new_task(act, TaskKind.REVISIT, where, case=act.case), note, limit_at)
    act.record("task_made", {"task_id": str(task.id), "kind": task.kind, "note": note})
    return task


def take(occasion: Occasion, task_id: uuid.UUID, *, staff: str | None) -> Task:
    """The caller takes an open task, or an office gives it to one of its ``staff`` (a code).

    Exactly one takes it: who comes second is told who was first. Raises NotFound, NotAllowed,
    StepRefused, BadInput.
    """
    task, act = _locked(occasion, task_id)
    if task.state != "open":
        raise StepRefused(_why_not(task))
    member = _taker(occasion, task, staff)
    task.state, task.taken_at = "taken", occasion.now
    task.taken_by, task.staff_code = occasion.caller.subject, None
    if member is not None:
        # Whoever has no token is known by the district and their code.
        task.taken_by = member.subject or f"{member.district_code} {member.code}"
        task.staff_code = member.code
    _record(act, task, "task_taken", {"staff": task.staff_code})
    return task


def give_back(occasion: Occasion, task_id: uuid.UUID, *, reason: str) -> Task:
    """Whoever has taken a task cannot do it: it is open again; its limit stays.

    Raises NotFound, NotAllowed, StepRefused.
    """
    task, act = _locked(occasion, task_id)
    _check_holds(occasion.caller, task)
    task.state, task.taken_at, task.taken_by, task.staff_code = "open", None, None, None
    _record(act, task, "task_given_back", {"reason": reason})
    return task


def finish(occasion: Occasion, task_id: uuid.UUID, seen: Seen) -> Task:
    """Whoever has taken a task has done it: a check with its verdict, which supervision is told.

    Raises NotFound, NotAllowed, StepRefused, BadInput for a verdict that the step does not have.
    """
    task, act = _locked(occasion, task_id)
    _check_holds(occasion.caller, task)
    step = None if act is None or task.step is None else act.procedure.step(task.step)
    task.found = _verdict(task, step, seen.found)
    task.state, task.done_at, task.report = "done", occasion.now, seen.note
    task.late = occasion.now > task.limit_at
    if seen.place is not None and task.point is not None:
        at = to_shape(task.point)
        task.metres_off = round(distance_m(at.x, at.y, *seen.place), 1)
        task.far = task.metres_off > occasion.city.settings.report_in_radius_m
    content = {
        "found": task.found,
        "note": seen.note,
        "late": task.late,
        "metres_off": task.metres_off,
        "far": task.far,
    }
    _record(act, task, "task_done", content)
    (act or occasion).emit(TaskDone(task))
    if act is not None:
        told = {name: content[name] for name in ("found", "late", "metres_off", "far")}
        about = {"task_id": str(task.id), "task": task.kind, "step": task.step, **told}
        act.tell([task.district_code], "task_done", about)
    return task


def withdraw(occasion: Occasion, task_id: uuid.UUID, *, reason: str) -> Task:
    """Nobody shall do a task any more; for supervision.

    Raises NotFound, NotAllowed, StepRefused.
    """
    task, act = _locked(occasion, task_id)
    if not occasion.caller.supervises(task.district_code):
        raise NotAllowed(f"Only the supervision of {task.district_code} withdraws a task.")
    if task.state not in ("open", "taken"):
        raise StepRefused(_why_not(task))
    task.state = "withdrawn"
    _record(act, task, "task_withdrawn", {"reason": reason})
    return task


def _ordered(occasion: Occasion, task: Task, note: str, limit_at: dt.datetime | None) -> Task:
    task.note = note
    if limit_at is not None:
        if limit_at.tzinfo is None:
            raise BadInput("'limit_at' has no time zone; add 'Z' or an offset.", field="limit_at")
        if limit_at <= occasion.now:
            raise BadInput("'limit_at' has passed; name a later time.", field="limit_at")
        task.limit_at = limit_at.astimezone(dt.UTC)
    occasion.session.flush()
    return task


def _locked(occasion: Occasion, task_id: uuid.UUID) -> tuple[Task, Act | None]:
    """A task of the caller's area, its case first, so that both always wait in one order."""
    session = occasion.session
    task = visible_task(session, occasion.caller, task_id)
    act = None if task.case_id is None else occasion.on(lock_case(session, task.case_id))
    session.refresh(task, with_for_update=True)
    return task, act


def _check_covers(caller: Caller, area: str) -> None:
    if not (caller.covers(area) or caller.area.startswith(area)):
        raise NotAllowed(f"The task is in {area}; a token for '{caller.area}' does not cover that.")


def _why_not(task: Task) -> str:
    match task.state:
        case "taken":
            when = "" if task.taken_at is None else task.taken_at.isoformat()
            return f"The task was taken by {task.staff_code or task.taken_by} at {when}."
        case "open":
            return "Nobody has taken the task; take it first."
        case "done":
            return f"The task was done by {task.staff_code or task.taken_by}."
        case _:
            return "The task was withdrawn; nobody has to do it."


def _check_holds(caller: Caller, task: Task) -> None:
    """The one who has taken a task acts in it, or their office for them."""
    if task.state != "taken":
        raise StepRefused(_why_not(task))
    office = caller.role is not Role.GRID_WORKER and caller.covers(task.area_code)
    if caller.subject != task.taken_by and not office:
        raise StepRefused(_why_not(task))


def _taker(occasion: Occasion, task: Task, staff: str | None) -> StaffMember | None:
    """Who takes a task: the caller, as the register knows them, or the one who is named."""
    session, caller, day = occasion.session, occasion.caller, occasion.city.day(occasion.now)
    if staff is None:
        members = members_of_subject(session, caller.subject, day)
        own = next((one for one in members if one.district_code == task.district_code), None)
        if own is None and caller.role is not Role.GRID_WORKER:
            raise BadInput(
                "Say in 'staff' to whom the task is given, by their code.", field="staff"
            )
        return own
    found = member_on(session, task.district_code, staff, day)
    if found is None:
        raise NotFound(f"Nobody with the code '{staff[:40]}' serves in {task.district_code} now.")
    if caller.role is Role.GRID_WORKER and found.subject != caller.subject:
        raise NotAllowed("A grid worker takes tasks for nobody else; leave 'staff' out.")
    return found


def _verdict(task: Task, step: Step | None, given: str | None) -> str | None:
    """The verdict of a check, or of another look; None for tasks that have none."""
    if task.kind == TaskKind.REVISIT.value:
        if given not in (None, *LOOKED_AGAIN):
            raise BadInput(
                f"'found' is one of {', '.join(LOOKED_AGAIN)}, or left out.", field="found"
            )
        return given
    if step is None:
        if given is not None:
            raise BadInput("Only a check has a verdict; leave 'found' out.", field="found")
        return None
    verdict = step.verdict(given)
    if verdict is None:
        names = ", ".join(f"{one.name} ({one.title_zh})" for one in step.verdicts)
        raise BadInput(f"'found' is one of the verdicts {names}.", field="found")
    return verdict.name


def _record(act: Act | None, task: Task, action: str, content: Mapping[str, object]) -> None:
    """Enter it in the trace of the task's case, where it has one."""
    if act is not None:
        act.record(action, {"task_id": str(task.id), "kind": task.kind, **content})
