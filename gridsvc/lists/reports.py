"""The list of reports, with the case of each."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from sqlalchemy import and_, join

from gridsvc.cases.core.models import Case
from gridsvc.cases.intake.models import Report
from gridsvc.layers.model import ColumnType
from gridsvc.lists import of_case
from gridsvc.lists.model import Filter, Listing, Order, shown

#: A report and its case, which a neighbouring district may lead.
REPORT_AND_CASE = join(
    Report,
    Case,
    and_(Case.district_code == Report.case_district, Case.id == Report.case_id),
)

REPORTS = Listing(
    name="reports",
    title_zh="诉求",
    title="Reports",
    source=REPORT_AND_CASE,
    key=(Report.id.expression,),
    columns=(
        shown("id", ColumnType.UUID, "编号", "id", Report.id),
        shown("receipt", ColumnType.TEXT, "回执号", "receipt", Report.receipt),
        *of_case.PLACE,
        shown("channel", ColumnType.TEXT, "渠道", "channel", Report.channel),
        *of_case.ABOUT,
        shown("created_at", ColumnType.TIME, "上报时间", "when it was reported", Report.created_at),
        shown(
            "recorded_at",
            ColumnType.TIME,
            "补录时间",
            "when staff wrote it down later",
            Report.recorded_at,
        ),
        shown("case_id", ColumnType.UUID, "案卷", "case", Case.id),
        shown("state", ColumnType.TEXT, "状态", "state of the case", Case.state),
        *of_case.STANDING,
        of_case.OVERDUE,
        shown("joined", ColumnType.BOOLEAN, "并案", "joined a case of others", Report.joined),
        shown(
            "needs_confirmation",
            ColumnType.BOOLEAN,
            "待确认",
            "its side of a border is not confirmed",
            Report.needs_confirmation,
        ),
        shown("part_code", ColumnType.TEXT, "部件编码", "part", Report.part_code),
        shown(
            "withdrawn_at",
            ColumnType.TIME,
            "撤回时间",
            "when it was withdrawn",
            Report.withdrawn_at,
        ),
        shown(
            "description",
            ColumnType.TEXT,
            "问题描述",
            "what the reporter wrote",
            Report.description,
            for_staff=True,
        ),
        shown(
            "place_text",
            ColumnType.TEXT,
            "地址",
            "address in the reporter's words",
            Report.place_text,
            for_staff=True,
        ),
        *of_case.position(Report.point),
    ),
    filters=(
        *of_case.FILTERS,
        of_case.BODY,
        of_case.STATE,
        *of_case.between(Report.created_at, "Reported"),
        of_case.in_box(Report.point),
        Filter(
            "channel",
            Annotated[str, Field(max_length=20)],
            "That came in by this channel.",
            lambda value, _: Report.channel == value,
        ),
        Filter(
            "text",
            Annotated[str, Field(max_length=100)],
            "Words that it contains, all of them, each of two letters or more.",
            lambda value, _: of_case.said(value),
            words=True,
        ),
    ),
    orders={
        "oldest": Order(Report.created_at.expression),
        "newest": Order(Report.created_at.expression, descending=True),
    },
    groups={
        **of_case.GROUPS,
        "state": Case.state.expression,
        "channel": Report.channel.expression,
    },
    reach=of_case.reach,
)
