"""Tasks (任务): what somebody on the ground shall check, walk or look at again, and by when."""

from gridsvc.cases.systems.tasks.events import TaskDone, TaskLimitPassed
from gridsvc.cases.systems.tasks.hearing import new_task
from gridsvc.cases.systems.tasks.kinds import TaskKind
from gridsvc.cases.systems.tasks.repository import count_late, found_at

__all__ = ["TaskDone", "TaskKind", "TaskLimitPassed", "count_late", "found_at", "new_task"]
