"""Tasks as those who work with them see them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from geoalchemy2.shape import to_shape
from shapely.geometry import mapping
from sqlalchemy.orm import Session

from gridsvc.cases.core.act import procedure_of
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.repository import cases_by_id
from gridsvc.cases.systems.tasks.kinds import TASKS, TaskKind
from gridsvc.cases.systems.tasks.models import Task
from gridsvc.cases.systems.tasks.repository import tasks_of
from gridsvc.cases.systems.tasks.schemas import TaskAnswer, TaskShared, TaskVerdict
from gridsvc.city import City


def tasks_json(
    session: Session, city: City, tasks: Sequence[Task], now: dt.datetime
) -> list[TaskAnswer]:
    """Tasks as they stand now, with what their cases say of them."""
    cases = cases_by_id(session, [one.case_id for one in tasks if one.case_id is not None])
    return [
        TaskAnswer.of(
            task,
            **_of_case(city, task, None if task.case_id is None else cases[task.case_id]),
            overdue=task.state in ("open", "taken") and now >= task.limit_at,
        )
        for task in tasks
    ]


def shown_in_case(session: Session, city: City, case: Case) -> dict[str, Any]:
    """The tasks of a case."""
    shown = [TaskShared.of(one, **_of_case(city, one, case)) for one in tasks_of(session, case)]
    return {"tasks": shown}


def _of_case(city: City, task: Task, case: Case | None) -> dict[str, Any]:
    """What the kind and the case of a task say of it."""
    kind = city.table(TASKS)[TaskKind(task.kind)]
    step = None
    if case is not None and task.step is not None:
        step = procedure_of(city, case).step(task.step)
    return {
        "title": kind.title,
        "title_zh": kind.title_zh,
        "point": None if task.point is None else mapping(to_shape(task.point)),
        "class_code": None if case is None else case.class_code,
        "verdicts": [
            TaskVerdict(verdict=one.name, title=one.title, title_zh=one.title_zh)
            for one in (() if step is None else step.verdicts)
        ],
    }
