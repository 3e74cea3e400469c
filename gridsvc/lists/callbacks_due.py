"""The list of callbacks (回访) that are due: reporters of closed cases whom nobody has reached."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, func, select

from gridsvc.cases.core.models import Case
from gridsvc.cases.intake.models import Report, Reporter
from gridsvc.cases.systems.callbacks.models import Callback
from gridsvc.layers.model import ColumnType
from gridsvc.lists import of_case
from gridsvc.lists.model import Filter, Listing, Order, shown
from gridsvc.lists.reports import REPORT_AND_CASE

_OF_REPORT = and_(Callback.district_code == Report.district_code, Callback.report_id == Report.id)


def _of_callbacks(value: Any) -> Any:
    return select(value).select_from(Callback).where(_OF_REPORT)


_REACHED = _of_callbacks(Callback.n).where(Callback.contacted, Callback.valid)
_CAN_BE_CALLED = select(Reporter.report_id).where(
    Reporter.district_code == Report.district_code, Reporter.report_id == Report.id
)

CALLBACKS_DUE = Listing(
    name="callbacks-due",
    title_zh="待回访",
    title="Callbacks due",
    source=REPORT_AND_CASE,
    key=(Report.id.expression,),
    columns=(
        shown("report_id", ColumnType.UUID, "诉求", "report", Report.id),
        shown("receipt", ColumnType.TEXT, "回执号", "receipt", Report.receipt),
        shown("case_id", ColumnType.UUID, "案卷", "case", Case.id),
        *of_case.PLACE,
        *of_case.ABOUT,
        shown("channel", ColumnType.TEXT, "渠道", "channel", Report.channel),
        shown("created_at", ColumnType.TIME, "上报时间", "when it was reported", Report.created_at),
        shown("closed_at", ColumnType.TIME, "结案时间", "when the case was closed", Case.closed_at),
        *of_case.STANDING,
        shown(
            "attempts",
            ColumnType.INTEGER,
            "已回访次数",
            "callbacks that reached nobody",
            _of_callbacks(func.count()).scalar_subquery(),
        ),
        shown(
            "last_attempt_at",
            ColumnType.TIME,
            "最近回访时间",
            "the last of them",
            _of_callbacks(func.max(Callback.at)).scalar_subquery(),
        ),
    ),
    filters=(
        *(one for one in of_case.FILTERS if one.name not in ("step", "overdue")),
        of_case.BODY,
        Filter(
            "attempted",
            bool,
            "Where somebody has called and reached nobody, or where nobody has called.",
            lambda value, _: _of_callbacks(Callback.n).exists() == value,
        ),
        *of_case.between(Case.closed_at, "Closed"),
        of_case.in_box(Case.point),
    ),
    orders={
        "oldest": Order(Case.closed_at.expression),
        "newest": Order(Case.closed_at.expression, descending=True),
    },
    groups={name: of_case.GROUPS[name] for name in ("district", "street", "class", "lead")},
    reach=of_case.of_supervision,
    # Who was not reached for so long is not called any more, unless somebody asks for them.
    defaults={"from": "-90d"},
    always=(
        Case.state == "closed",
        Case.outcome.is_(None),
        Case.joined_into.is_(None),
        Report.withdrawn_at.is_(None),
        Report.erased_at.is_(None),
        _CAN_BE_CALLED.exists(),
        ~_REACHED.exists(),
    ),
)
