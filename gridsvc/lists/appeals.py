"""The list of appeals (申诉) of bodies."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy import and_, case, join

from gridsvc.cases.core.models import Case
from gridsvc.cases.systems.appeals.models import Appeal
from gridsvc.layers.model import ColumnType
from gridsvc.lists import of_case
from gridsvc.lists.model import Filter, Listing, Order, shown

_STATE = case(
    (Appeal.accepted.is_(None), "undecided"),
    (Appeal.accepted.is_(True), "accepted"),
    else_="rejected",
)
_ACCEPTED = {"accepted": True, "rejected": False, "undecided": None}

APPEALS = Listing(
    name="appeals",
    title_zh="申诉",
    title="Appeals",
    source=join(
        Appeal, Case, and_(Case.district_code == Appeal.district_code, Case.id == Appeal.case_id)
    ),
    key=(Appeal.district_code.expression, Appeal.case_id.expression, Appeal.body_code.expression),
    columns=(
        shown("case_id", ColumnType.UUID, "案卷", "case", Appeal.case_id),
        *of_case.PLACE,
        shown("body_code", ColumnType.TEXT, "申诉单位代码", "body that appeals", Appeal.body_code),
        shown("body", ColumnType.TEXT, "申诉单位", "its name", of_case.body_name(Appeal.body_code)),
        shown("reason", ColumnType.TEXT, "申诉理由", "reason", Appeal.reason, for_staff=True),
        shown("state", ColumnType.TEXT, "状态", "undecided, accepted or rejected", _STATE),
        shown("appealed_at", ColumnType.TIME, "申诉时间", "when it appealed", Appeal.appealed_at),
        shown("decided_at", ColumnType.TIME, "裁定时间", "when it was decided", Appeal.decided_at),
        *of_case.ABOUT,
        *of_case.STANDING,
        shown("closed_at", ColumnType.TIME, "结案时间", "when the case was closed", Case.closed_at),
        *of_case.position(Case.point),
    ),
    filters=(
        *(one for one in of_case.FILTERS if one.name != "overdue"),
        Filter(
            "body",
            Annotated[str, Field(max_length=18)],
            "Of this body.",
            lambda value, _: Appeal.body_code == value,
        ),
        Filter(
            "state",
            Literal["undecided", "accepted", "rejected"],
            "Not decided yet, or decided so.",
            lambda value, _: Appeal.accepted.is_(_ACCEPTED[value]),
        ),
        *of_case.between(Appeal.appealed_at, "Made"),
        of_case.in_box(Case.point),
        of_case.TEXT,
    ),
    orders={
        "oldest": Order(Appeal.appealed_at.expression),
        "newest": Order(Appeal.appealed_at.expression, descending=True),
    },
    groups={**of_case.GROUPS, "state": _STATE, "body": Appeal.body_code.expression},
    reach=of_case.reach,
)
