"""Tasks (任务): what somebody on the ground shall check, walk or look at again, and by when."""

from gridsvc.cases.systems.tasks.events import TaskLimitPassed
from gridsvc.cases.systems.tasks.repository import count_late, found_at

__all__ = ["TaskLimitPassed", "count_late", "found_at"]
