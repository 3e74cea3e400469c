"""Limits of tasks that pass: each is an event, once."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.cases.core.act import SERVICE, Occasion
from gridsvc.cases.core.repository import lock_case
from gridsvc.cases.systems.tasks import repository
from gridsvc.cases.systems.tasks.events import TaskLimitPassed
from gridsvc.cases.systems.tasks.hearing import body_of_place
from gridsvc.city import City

_SELF = Caller(SERVICE, Role.ADMIN, "", None, uuid.UUID(int=0))
_BATCH = 200


def notice_task_limits(session: Session, city: City, *, now: dt.datetime) -> int:
    """Mark tasks whose limit has passed undone; tell the body of the place and supervision.

    Gives their number. Two that run at once wait for each other's tasks.
    """
    occasion, noticed = Occasion(session, city, _SELF, now), 0
    for task_id in repository.passed(session, now=now, most=_BATCH):
        task = repository.task_by_id(session, task_id)
        if task is None:
            continue
        act = None if task.case_id is None else occasion.on(lock_case(session, task.case_id))
        session.refresh(task, with_for_update=True)
        # Somebody may have done it, or noticed it, while this waited.
        if task.state not in ("open", "taken") or task.passed_at is not None:
            continue
        task.passed_at = now
        noticed += 1
        if act is None:
            continue
        content = {
            "task_id": str(task.id),
            "kind": task.kind,
            "limit_at": task.limit_at.isoformat(),
            "staff": task.staff_code,
        }
        act.record("task_late", content, actor=SERVICE)
        act.tell([body_of_place(session, act.case), task.district_code], "task_late", content)
        act.emit(TaskLimitPassed(task))
    return noticed
