"""The list of tasks (任务): checks on the spot, patrols and revisits, each for one person."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import ColumnElement, and_, func, not_, outerjoin, true

from gridsvc.callers import Caller
from gridsvc.cases.core.models import Case
from gridsvc.cases.systems.tasks.kinds import TaskKind
from gridsvc.cases.systems.tasks.models import Task
from gridsvc.layers.model import ColumnType
from gridsvc.lists import of_case
from gridsvc.lists.model import NOW, Filter, Listing, Order, shown

_WAITING = Task.state.in_(("open", "taken"))


def _overdue(now: Any) -> ColumnElement[bool]:
    return and_(_WAITING, Task.limit_at <= now)


def _inside(area: str) -> ColumnElement[bool]:
    """Whether a task lies in an area of some digits."""
    inside = Task.area_code.startswith(area, autoescape=True)
    return and_(Task.district_code == area[:6], inside) if len(area) >= 6 else inside


def _reach(caller: Caller) -> list[ColumnElement[bool]]:
    """Tasks of the area of a token, as ``/v1/tasks`` has it."""
    return [_inside(caller.area) if caller.area else true()]


TASKS = Listing(
    name="tasks",
    title_zh="任务",
    title="Tasks",
    source=outerjoin(
        Task, Case, and_(Case.district_code == Task.district_code, Case.id == Task.case_id)
    ),
    key=(Task.id.expression,),
    columns=(
        shown("id", ColumnType.UUID, "编号", "id", Task.id),
        shown("kind", ColumnType.TEXT, "任务种类", "kind of task", Task.kind),
        shown("district_code", ColumnType.TEXT, "区", "district", Task.district_code),
        shown("area_code", ColumnType.TEXT, "区域代码", "area", Task.area_code),
        shown("unit_grid", ColumnType.TEXT, "单元网格", "unit grid", Task.unit_grid),
        shown("case_id", ColumnType.UUID, "案卷", "case that waits for it", Task.case_id),
        *of_case.ABOUT,
        shown("state", ColumnType.TEXT, "状态", "open, taken, done or withdrawn", Task.state),
        shown("made_at", ColumnType.TIME, "派发时间", "when it was made", Task.made_at),
        shown("limit_at", ColumnType.TIME, "时限", "until when it is to be done", Task.limit_at),
        shown(
            "overdue",
            ColumnType.BOOLEAN,
            "超时",
            "whether the limit passed undone",
            _overdue(NOW),
        ),
        shown("taken_at", ColumnType.TIME, "接单时间", "when it was taken", Task.taken_at),
        shown("staff_code", ColumnType.TEXT, "人员代码", "who took it", Task.staff_code),
        shown("done_at", ColumnType.TIME, "完成时间", "when it was done", Task.done_at),
        shown("late", ColumnType.BOOLEAN, "逾期完成", "done after the limit", Task.late),
        shown("far", ColumnType.BOOLEAN, "偏离现场", "done too far from its place", Task.far),
        shown("found", ColumnType.TEXT, "核实结论", "verdict of a check", Task.found),
        shown("note", ColumnType.TEXT, "任务说明", "what is to be done", Task.note, for_staff=True),
        shown("report", ColumnType.TEXT, "所见情况", "what was seen", Task.report, for_staff=True),
        shown("lon", ColumnType.NUMBER, "经度", "longitude, WGS84", func.st_x(Task.point)),
        shown("lat", ColumnType.NUMBER, "纬度", "latitude, WGS84", func.st_y(Task.point)),
    ),
    filters=(
        Filter(
            "area",
            Annotated[str, Field(pattern=r"^(\d{6}|\d{9}|\d{12})$")],
            "In this district, street or community; 6, 9 or 12 digits.",
            lambda value, _: _inside(value),
        ),
        Filter("kind", TaskKind, "Of this kind.", lambda value, _: Task.kind == value.value),
        Filter(
            "state",
            Literal["open", "taken", "done", "withdrawn"],
            "That stand so.",
            lambda value, _: Task.state == value,
        ),
        Filter(
            "overdue",
            bool,
            "Not done, though the limit has passed; or not done, and in time.",
            lambda value, frame: (
                _overdue(frame.now) if value else and_(_WAITING, not_(_overdue(frame.now)))
            ),
        ),
        Filter(
            "staff",
            Annotated[str, Field(max_length=20)],
            "Taken by whoever has this code in the register.",
            lambda value, _: Task.staff_code == value,
        ),
        next(one for one in of_case.FILTERS if one.name == "class"),
        *of_case.between(Task.made_at, "Made"),
        of_case.in_box(Task.point),
    ),
    orders={
        "oldest": Order(Task.made_at.expression),
        "newest": Order(Task.made_at.expression, descending=True),
        "limit": Order(Task.limit_at.expression),
    },
    groups={
        "district": Task.district_code.expression,
        "street": func.left(Task.area_code, 9),
        "kind": Task.kind.expression,
        "state": Task.state.expression,
        "staff": Task.staff_code.expression,
    },
    reach=_reach,
)
