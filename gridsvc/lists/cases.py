"""The list of cases (案卷)."""

from __future__ import annotations

from gridsvc.cases.core.models import Case
from gridsvc.layers.model import ColumnType
from gridsvc.lists import of_case
from gridsvc.lists.model import Listing, Order, shown

CASES = Listing(
    name="cases",
    title_zh="案卷",
    title="Cases",
    source=Case.__table__,
    key=(Case.id.expression,),
    columns=(
        shown("id", ColumnType.UUID, "编号", "id", Case.id),
        *of_case.PLACE,
        shown(
            "participant_district",
            ColumnType.TEXT,
            "参与区",
            "district that takes part",
            Case.participant_district,
        ),
        shown("procedure", ColumnType.TEXT, "流程", "procedure", Case.procedure),
        *of_case.STANDING,
        shown("state", ColumnType.TEXT, "状态", "state", Case.state),
        shown("outcome", ColumnType.TEXT, "结果", "how it ended unfiled", Case.outcome),
        *of_case.ABOUT,
        shown("part_code", ColumnType.TEXT, "部件编码", "part", Case.part_code),
        shown("grade", ColumnType.TEXT, "等级", "grade of its limits", Case.grade),
        shown("opened_at", ColumnType.TIME, "立案时间", "when it was opened", Case.opened_at),
        shown("limit_at", ColumnType.TIME, "环节时限", "limit of the step", Case.limit_at),
        shown("overall_limit_at", ColumnType.TIME, "总时限", "overall limit", Case.overall_at),
        of_case.OVERDUE,
        shown(
            "suspended_until", ColumnType.TIME, "挂账至", "suspended until", Case.suspended_until
        ),
        shown("closed_at", ColumnType.TIME, "结案时间", "when it was closed", Case.closed_at),
        *of_case.position(Case.point),
    ),
    filters=(
        *of_case.FILTERS,
        of_case.BODY,
        of_case.STATE,
        *of_case.between(Case.opened_at, "Opened"),
        of_case.in_box(Case.point),
        of_case.TEXT,
    ),
    orders={
        "oldest": Order(Case.opened_at.expression),
        "newest": Order(Case.opened_at.expression, descending=True),
        "limit": Order(Case.limit_at.expression, nullable=True, needs={"state": "open"}),
    },
    groups={**of_case.GROUPS, "state": Case.state.expression},
    reach=of_case.reach,
)
