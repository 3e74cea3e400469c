"""Tasks as the interface gives them."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Literal

from pydantic import Field

from gridsvc.answers import Answer, Next, Point
from gridsvc.cases.systems.tasks.kinds import TaskKind


class TaskVerdict(Answer):
    """What a check may find."""

    verdict: str
    title: str
    title_zh: str


class TaskShared(Answer):
    """What a list of tasks and a case say alike: where, what for, who has it, what was found."""

    id: uuid.UUID
    kind: TaskKind
    title: str
    title_zh: str
    district_code: str
    area_code: str
    unit_grid: str | None
    point: Point | None = Field(description="Null for a patrol.")
    case_id: uuid.UUID | None = Field(description="Null for a patrol.")
    class_code: str | None = Field(description="Of the case.")
    step: str | None = Field(description="The step that waits for a check.")
    verdicts: list[TaskVerdict] = Field(description="What a check may find; else empty.")
    note: str
    offered: list[str] = Field(description="Codes of those who were on duty nearest.")
    made_by: str
    made_at: dt.datetime
    limit_at: dt.datetime
    state: Literal["open", "taken", "done", "withdrawn"]
    taken_at: dt.datetime | None
    staff_code: str | None = Field(description="Who took it, as the register knows them.")
    done_at: dt.datetime | None
    found: str | None = Field(description="The verdict of a check.")
    report: str | None = Field(description="What was seen.")
    metres_off: float | None = Field(description="From the place of the case.")
    far: bool | None = Field(description="Whether that was too far away.")
    late: bool | None = Field(description="Null until it is done.")


class TaskAnswer(TaskShared):
    """A task as it stands now."""

    overdue: bool = Field(description="Whether the limit has passed undone.")


class TaskPage(Answer):
    """Tasks, in the order in which they were made."""

    tasks: list[TaskAnswer]
    next: Next


class TasksShown(Answer):
    """The tasks of a case."""

    tasks: list[TaskShared]
