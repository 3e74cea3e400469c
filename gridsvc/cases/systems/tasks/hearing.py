"""What tasks do when something happens in their case: made, ended, moved, erased."""

from __future__ import annotations

import datetime as dt

from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.cases.core.act import SERVICE, Act, Occasion
from gridsvc.cases.core.events import CaseClosed, StepDue
from gridsvc.cases.core.models import Case
from gridsvc.cases.intake.model import PinMoved
from gridsvc.cases.intake.personal import ERASED, ReportErased
from gridsvc.cases.systems.tasks import repository
from gridsvc.cases.systems.tasks.kinds import TASKS, Kind, TaskKind
from gridsvc.cases.systems.tasks.models import Task
from gridsvc.city.calendar import deadline
from gridsvc.city.procedures.model import Step
from gridsvc.db.base import uuid7
from gridsvc.registry.bodies.repository import bodies_by_code, grid_code_at
from gridsvc.registry.staff.duty import nearest
from gridsvc.registry.staff.model import Where


def follow_step(act: Act, event: StepDue) -> None:
    """A case has come to a step: checks for others are over, and one for it begins where it asks.

    A check that is asked for again takes the place of one that nobody has done.
    """
    if act.case.trace_entries > 1:  # else it was only opened
        end_checks(act)
    if event.step.on_spot:
        _give_check(act, event.step)


def close_with_case(act: Act, _: CaseClosed) -> None:
    """Nobody has to check a closed case."""
    end_checks(act)


def move_with_case(act: Act, event: PinMoved) -> None:
    """A check goes to where the case is now, to whoever is on duty there."""
    if not event.case_moved or not end_checks(act):
        return
    step = act.procedure.step(act.case.step)
    if step is not None and step.on_spot:
        _give_check(act, step)


def forget_words(act: Act, _: ReportErased) -> None:
    """What was seen on the spot is erased with the report; the verdict stays."""
    for task in repository.tasks_of(act.session, act.case):
        task.note = ERASED if task.note else ""
        task.report = task.report and ERASED


def end_checks(act: Act) -> bool:
    """Withdraw the checks of a locked case that nobody has done; whether there were any."""
    waiting = [
        task
        for task in repository.waiting_of(act.session, act.case)
        if task.kind == TaskKind.CHECK.value
    ]
    for task in waiting:
        task.state = "withdrawn"
    return bool(waiting)


def _give_check(act: Act, step: Step) -> None:
    """Whoever is on duty in the cell shall check what a step decides on; the body is told.

    That is the body of the community, the office of its street where there is none. The check ends
    no later than the step.
    """
    case, place = act.case, to_shape(act.case.point)
    task = new_task(act, TaskKind.CHECK, where_is(act.session, act, case), case=case)
    task.step = step.name
    if case.limit_at is not None:
        task.limit_at = min(task.limit_at, case.limit_at)
    content = {
        "task": task.kind,
        "task_id": str(task.id),
        "step": step.name,
        "title_zh": step.title_zh,
        "verdicts": [one.name for one in step.verdicts],
        "unit_grid": task.unit_grid,
        "offered": task.offered,
        "class_code": case.class_code,
        "point": [place.x, place.y],
        "limit_at": task.limit_at.isoformat(),
    }
    act.tell([body_of_place(act.session, case)], "task", content)


def body_of_place(session: Session, case: Case) -> str:
    """The body of a case's community, the office of its street where there is none, or its lead."""
    codes = [code for code in (case.community_code, case.street_code) if code is not None]
    known = bodies_by_code(session, codes)
    return next((code for code in codes if code in known), case.lead_body)


def where_is(session: Session, occasion: Occasion, case: Case) -> Where:
    """The narrowest area and the unit grid of a case."""
    place, day = to_shape(case.point), occasion.city.day(occasion.now)
    area = case.community_code or case.street_code or case.district_code
    # A street whose code says another district is not a place of this one's register.
    area = area if area.startswith(case.district_code) else case.district_code
    return Where(area, grid_code_at(session, case.district_code, place.x, place.y, day))


def new_task(occasion: Occasion, kind: TaskKind, where: Where, *, case: Case | None) -> Task:
    """A task that is open to whoever is on duty nearest, with the limit of its kind."""
    city, now = occasion.city, occasion.now
    rule: Kind = city.table(TASKS)[kind]
    by_itself = kind is TaskKind.CHECK
    span = dt.timedelta(hours=rule.limit.hours)
    offered = nearest(occasion.session, city, where, now, rule.roles)
    task = Task(
        district_code=where.area[:6],
        id=uuid7(),
        kind=kind.value,
        case_id=None if case is None else case.id,
        step=None,
        area_code=where.area,
        unit_grid=where.unit_grid,
        point=None if case is None else case.point,
        note="",
        offered=[one.code for one in offered],
        made_by=SERVICE if by_itself else occasion.caller.subject,
        made_at=now,
        limit_at=deadline(now, span, rule.limit.clock, city.calendar),
        state="open",
        taken_at=None,
        taken_by=None,
        staff_code=None,
        done_at=None,
        found=None,
        report=None,
        metres_off=None,
        far=None,
        late=None,
        passed_at=None,
    )
    occasion.session.add(task)
    return task
