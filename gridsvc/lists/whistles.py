"""The list of whistles (哨), with how many of the called bodies have come."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import ColumnElement, Uuid, and_, any_, func, join, not_, or_, select

from gridsvc.cases.core.models import Case
from gridsvc.cases.systems.whistles import CalledBody, Whistle
from gridsvc.layers.model import ColumnType
from gridsvc.lists import of_case
from gridsvc.lists.model import NOW, Filter, Frame, Listing, Order, shown

_OF_WHISTLE = and_(
    CalledBody.district_code == Whistle.district_code, CalledBody.whistle_id == Whistle.id
)


def _number(*conditions: ColumnElement[bool]) -> Any:
    return (
        select(func.count())
        .select_from(CalledBody)
        .where(_OF_WHISTLE, *conditions)
        .scalar_subquery()
    )


def _late(now: Any) -> ColumnElement[bool]:
    """Whether a whistle waits for a body whose limit to accept, come or finish has passed."""
    awaited = [
        and_(CalledBody.accepted_at.is_(None), CalledBody.accept_by <= now),
        and_(CalledBody.reported_in_at.is_(None), CalledBody.report_in_by <= now),
        and_(CalledBody.done_at.is_(None), CalledBody.done_by <= now),
    ]
    late = select(CalledBody.body_code).where(_OF_WHISTLE, CalledBody.exit.is_(None), or_(*awaited))
    return and_(Whistle.state == "open", late.exists())


def _overdue(value: bool, frame: Frame) -> ColumnElement[bool]:
    late = _late(frame.now)
    return late if value else and_(Whistle.state == "open", not_(late))


def _concerns(body: str) -> ColumnElement[bool]:
    called = select(CalledBody.whistle_id).where(CalledBody.body_code == body).scalar_subquery()
    return or_(Whistle.caller_body == body, Whistle.id == any_(func.array(called, type_=Uuid())))


WHISTLES = Listing(
    name="whistles",
    title_zh="哨",
    title="Whistles",
    source=join(
        Whistle,
        Case,
        and_(Case.district_code == Whistle.district_code, Case.id == Whistle.case_id),
    ),
    key=(Whistle.id.expression,),
    columns=(
        shown("id", ColumnType.UUID, "编号", "id", Whistle.id),
        shown("case_id", ColumnType.UUID, "案卷", "case", Whistle.case_id),
        *of_case.PLACE,
        shown(
            "participant_district",
            ColumnType.TEXT,
            "参与区",
            "district that takes part",
            Whistle.participant_district,
        ),
        shown("whistle_kind", ColumnType.TEXT, "哨类", "kind", Whistle.kind),
        shown("level", ColumnType.INTEGER, "级别", "level", Whistle.level),
        shown("joint", ColumnType.BOOLEAN, "跨区", "whether it is a joint one", Whistle.joint),
        shown("ground", ColumnType.TEXT, "吹哨事由", "ground", Whistle.ground),
        shown("state", ColumnType.TEXT, "状态", "state", Whistle.state),
        shown(
            "caller_body", ColumnType.TEXT, "吹哨单位代码", "body that calls", Whistle.caller_body
        ),
        shown(
            "caller",
            ColumnType.TEXT,
            "吹哨单位",
            "its name",
            of_case.body_name(Whistle.caller_body),
        ),
        shown("called", ColumnType.INTEGER, "被哨单位数", "bodies called", _number()),
        shown(
            "reported_in",
            ColumnType.INTEGER,
            "已报到",
            "bodies that reported in",
            _number(CalledBody.reported_in_at.is_not(None)),
        ),
        shown(
            "done",
            ColumnType.INTEGER,
            "已办结",
            "bodies that are done",
            _number(CalledBody.done_at.is_not(None)),
        ),
        shown("overdue", ColumnType.BOOLEAN, "超时", "whether a body is late", _late(NOW)),
        *of_case.ABOUT,
        shown("step", ColumnType.TEXT, "环节", "step of the case", Case.step),
        shown("blown_at", ColumnType.TIME, "吹哨时间", "when it was blown", Whistle.blown_at),
        shown("closed_at", ColumnType.TIME, "办结时间", "when it was closed", Whistle.closed_at),
        shown("postponed", ColumnType.INTEGER, "改期次数", "times postponed", Whistle.postponed),
        shown("pressed", ColumnType.INTEGER, "督办次数", "times pressed", Whistle.pressed),
        *of_case.position(Whistle.point),
    ),
    filters=(
        *(one for one in of_case.FILTERS if one.name != "overdue"),
        Filter("overdue", bool, "Open, with a body that is late, or with none.", _overdue),
        Filter(
            "body",
            Annotated[str, Field(max_length=18)],
            "By which this body calls, or is called.",
            lambda value, _: _concerns(value),
        ),
        Filter(
            "state",
            Literal["proposed", "open", "closed", "raised", "withdrawn"],
            "In this state.",
            lambda value, _: Whistle.state == value,
        ),
        Filter(
            "level",
            Annotated[int, Field(ge=1, le=4)],
            "Of this level.",
            lambda value, _: Whistle.level == value,
        ),
        Filter("joint", bool, "Joint ones, or no others.", lambda value, _: Whistle.joint == value),
        *of_case.between(Whistle.blown_at, "Blown"),
        of_case.in_box(Whistle.point),
        of_case.TEXT,
    ),
    orders={
        "oldest": Order(Whistle.blown_at.expression),
        "newest": Order(Whistle.blown_at.expression, descending=True),
    },
    groups={
        **of_case.GROUPS,
        "state": Whistle.state.expression,
        "whistle_kind": Whistle.kind.expression,
        "level": Whistle.level.expression,
        "caller": Whistle.caller_body.expression,
    },
    reach=of_case.reach,
)
