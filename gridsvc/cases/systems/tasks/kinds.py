"""What kinds of tasks there are: for whom, and how long they have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gridsvc.city.calendar import Clock, Limit
from gridsvc.city.table import Table
from gridsvc.errors import BadFile
from gridsvc.registry.staff.model import StaffRole
from gridsvc.tables import table

_LONGEST_HOURS = 8_784


class TaskKind(StrEnum):
    """What is to be done."""

    #: 现场核实: a step of a case waits for what is found.
    CHECK = "check_on_the_spot"
    #: 巡查: an area is walked.
    PATROL = "patrol"
    #: 回头看: whether what was done has lasted.
    REVISIT = "revisit"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of task: its names, its limit, and the roles of staff to which it goes."""

    kind: TaskKind
    title: str
    title_zh: str
    limit: Limit
    roles: tuple[StaffRole, ...]


def read_kinds(path: Path) -> Mapping[TaskKind, Kind]:
    """The kinds of a CSV, each once. Raises BadFile with file, line and reason."""
    found: dict[TaskKind, Kind] = {}
    columns = ["kind", "title", "title_zh", "hours", "clock", "roles"]
    for row in table(path, columns, key=["kind"]):
        try:
            kind, limit = TaskKind(row["kind"]), Limit(float(row["hours"]), Clock(row["clock"]))
            roles = tuple(StaffRole(role) for role in row["roles"].split())
        except ValueError as error:
            raise BadFile(
                f"{row.where}: {error}; the kinds are {', '.join(TaskKind)}, the clocks"
                f" {', '.join(Clock)}, the roles {', '.join(StaffRole)}."
            ) from None
        if not roles or not 0 < limit.hours <= _LONGEST_HOURS:
            raise BadFile(
                f"{row.where}: a kind has a role, and above 0 and at most {_LONGEST_HOURS} hours."
            )
        found[kind] = Kind(kind, row["title"], row["title_zh"], limit, roles)
    if lacking := [kind.value for kind in TaskKind if kind not in found]:
        raise BadFile(f"{path.name}, line 1: the kind '{lacking[0]}' is missing.")
    return found


#: A city's own ``tasks.csv``, else the shipped one.
TASKS = Table(Path(__file__).parent, lambda find: read_kinds(find("tasks.csv")))
