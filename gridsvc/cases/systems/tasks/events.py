"""What happens to tasks, as frozen events: systems hear them in the same transaction."""

from __future__ import annotations

from dataclasses import dataclass

from gridsvc.cases.systems.tasks.models import Task


@dataclass(frozen=True, slots=True)
class TaskDone:
    """Somebody has done a task; of a patrol, and of what belongs to no case, without an act."""

    task: Task


@dataclass(frozen=True, slots=True)
class TaskLimitPassed:
    """A task of a case was not done when its limit passed."""

    task: Task
