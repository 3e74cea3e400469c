"""What lists have in common, as each row belongs to a case: who sees it, filters, columns."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import (
    ColumnElement,
    Uuid,
    and_,
    any_,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import InstrumentedAttribute

from gridsvc.callers import Caller
from gridsvc.cases.core.models import BODIES, CONTRADICTS, Case
from gridsvc.cases.intake.models import Report
from gridsvc.cases.intake.reports_repository import contains
from gridsvc.cases.systems.whistles import CalledBody, Whistle
from gridsvc.errors import BadInput
from gridsvc.layers.model import ColumnType
from gridsvc.lists import moments
from gridsvc.lists.model import NOW, STREETS, Filter, Frame, Shown, shown
from gridsvc.registry.areas.models import Area
from gridsvc.registry.bodies.models import Body
from gridsvc.registry.classes.models import ListedClass
from gridsvc.spatial.box import parse_bbox


def reach(caller: Caller) -> list[ColumnElement[bool]]:
    """The conditions of which a case must fulfil one, so that a member of staff may read it.

    They say in SQL what :func:`gridsvc.cases.core.service.is_readable` says of one case. The codes
    of a case's areas lie in each other, but for the few cases whose levels contradict.
    """
    area, street, community = caller.area, Case.street_code, Case.community_code
    if not area:
        return [true()]
    own = takes_part(caller.body or area)
    contradicting = literal_column(CONTRADICTS, type_=true().type)
    if len(area) <= 6:
        within = or_(_under(street, area), _under(community, area))
        return [
            _under(Case.district_code, area),
            _under(Case.participant_district, area),
            and_(contradicting, within),
            own,
        ]
    odd = and_(contradicting, _under(community, area))
    if len(area) <= 9:
        return [_under(street, area), odd, own]
    return [and_(street == area[:9], _under(community, area)), odd, own]


def of_supervision(caller: Caller) -> list[ColumnElement[bool]]:
    """The same where only the supervision of the district that leads may do something."""
    return [_under(Case.district_code, caller.area)] if caller.area else [true()]


def takes_part(body: str) -> ColumnElement[bool]:
    """Whether a body leads a case, has a seat in it, or was called into it.

    Each of the three has its index; ids in an array are looked up in one, those of a subquery not.
    """
    called = (
        select(Whistle.case_id)
        .join(
            CalledBody,
            and_(
                CalledBody.district_code == Whistle.district_code,
                CalledBody.whistle_id == Whistle.id,
            ),
        )
        .where(CalledBody.body_code == body)
    )
    return or_(
        Case.lead_body == body,
        literal_column(BODIES, type_=JSONB()).contains([body]),
        Case.id == any_(func.array(called.scalar_subquery(), type_=Uuid())),
    )


def _under(column: InstrumentedAttribute[Any], prefix: str) -> ColumnElement[bool]:
    """Whether a code begins with some digits, as a range that an index knows in any collation."""
    digits: int = column.type.length
    if len(prefix) > digits:
        return false()
    if len(prefix) == digits:
        return column == prefix
    return column.between(prefix.ljust(digits, "0"), prefix.ljust(digits, "9"))


def said(value: str) -> ColumnElement[bool]:
    """Whether a report contains each of some words of two letters or more. Raises BadInput."""
    words = value.split()
    for word in words:
        if len(word) < 2:
            raise BadInput(
                f"'text' has the word {word!r}; send words of two letters or more.", field="text"
            )
    if not words:
        raise BadInput("'text' is empty; send words of two letters or more.", field="text")
    return and_(*map(contains, words))


def _reported(value: str) -> ColumnElement[bool]:
    found = select(Report.case_district, Report.case_id).where(said(value))
    return tuple_(Case.district_code, Case.id).in_(found)


def overdue(now: Any) -> ColumnElement[bool]:
    """Whether the limit of a step, or the overall one of a case not yet answered, has passed."""
    runs = or_(Case.suspended_until.is_(None), Case.suspended_until <= now)
    overall = and_(Case.overall_at <= now, Case.answered_at.is_(None))
    passed = or_(func.coalesce(Case.limit_at <= now, false()), func.coalesce(overall, false()))
    return and_(Case.state == "open", runs, passed)


def _overdue(value: bool, frame: Frame) -> ColumnElement[bool]:
    if value:
        return overdue(frame.now)
    return and_(Case.state == "open", not_(overdue(frame.now)))


def in_box(point: InstrumentedAttribute[Any]) -> Filter:
    """Points in a box."""
    return Filter(
        "bbox",
        Annotated[str, Field(max_length=200)],
        "west,south,east,north in degrees: what lies in this box.",
        lambda value, _: point.bool_op("&&")(func.st_makeenvelope(*parse_bbox(value), 4326)),
    )


def between(moment: InstrumentedAttribute[Any], event: str) -> tuple[Filter, Filter]:
    """What happened from a day on, and to the end of a day."""
    return (
        Filter(
            "from",
            Annotated[str, Field(max_length=40)],
            f"{event} on this day (2026-11-21), at this RFC 3339 time, days ago (-7d), or later.",
            lambda value, frame: moment >= moments.begins(value, frame),
        ),
        Filter(
            "to",
            Annotated[str, Field(max_length=40)],
            f"{event} on this day, before this RFC 3339 time, days ago (-7d), or earlier.",
            lambda value, frame: moment < moments.ends(value, frame),
        ),
    )


def _digits(pattern: str) -> Any:
    return Annotated[str, Field(pattern=f"^{pattern}$")]


#: By where a case lies, what it is about, and where it stands.
FILTERS = (
    Filter(
        "district",
        _digits("[0-9]{6}"),
        "Of the district that leads; 6 digits.",
        lambda value, _: Case.district_code == value,
    ),
    Filter(
        "street",
        _digits("[0-9]{9}"),
        "In this street; 9 digits.",
        lambda value, _: Case.street_code == value,
    ),
    Filter(
        "community",
        _digits("[0-9]{12}"),
        "In this community; 12 digits.",
        lambda value, _: and_(Case.street_code == value[:9], Case.community_code == value),
    ),
    Filter(
        "class",
        _digits("[0-9]{2}([0-9]{3})?"),
        "Of this class, or major class; 5 or 2 digits.",
        lambda value, _: _under(Case.class_code, value),
    ),
    Filter(
        "kind",
        Literal["part", "event"],
        "Of the classes of parts, or of events.",
        lambda value, _: Case.kind == value,
    ),
    Filter(
        "procedure",
        Annotated[str, Field(max_length=40)],
        "Of this procedure.",
        lambda value, _: Case.procedure == value,
    ),
    Filter(
        "step",
        Annotated[str, Field(max_length=40)],
        "Whose case stands at this step.",
        lambda value, _: Case.step == value,
    ),
    Filter(
        "overdue",
        bool,
        "Whose open case has a limit that passed, or none that did.",
        _overdue,
    ),
)
BODY = Filter(
    "body",
    Annotated[str, Field(max_length=18)],
    "Whose case this body leads, or takes part in.",
    lambda value, _: takes_part(value),
)
STATE = Filter(
    "state",
    Literal["open", "closed"],
    "Whose case is open, or closed.",
    lambda value, _: Case.state == value,
)
TEXT = Filter(
    "text",
    Annotated[str, Field(max_length=100)],
    "Words that a report of the case contains, all of them, each of two letters or more.",
    lambda value, _: _reported(value),
    words=True,
)
#: By what rows of every list can be counted.
GROUPS: dict[str, ColumnElement[Any]] = {
    "district": Case.district_code.expression,
    "street": Case.street_code.expression,
    "class": Case.class_code.expression,
    "procedure": Case.procedure.expression,
    "step": Case.step.expression,
    "lead": Case.lead_body.expression,
}


def body_name(code: InstrumentedAttribute[str]) -> ColumnElement[Any]:
    """The name of a body."""
    return select(Body.name).where(Body.code == code).scalar_subquery()


#: Where the case of a row lies, what it is about, where it stands.
PLACE = (
    shown("district_code", ColumnType.TEXT, "区", "district that leads", Case.district_code),
    shown("street_code", ColumnType.TEXT, "街道代码", "street", Case.street_code),
    shown(
        "street",
        ColumnType.TEXT,
        "街道",
        "name of the street",
        select(Area.name)
        .where(Area.edition_id == STREETS, Area.code == Case.street_code)
        .scalar_subquery(),
    ),
    shown("community_code", ColumnType.TEXT, "社区代码", "community", Case.community_code),
)
ABOUT = (
    shown("class_kind", ColumnType.TEXT, "类别种类", "part or event", Case.kind),
    shown("class_code", ColumnType.TEXT, "类别代码", "class", Case.class_code),
    shown(
        "class_name",
        ColumnType.TEXT,
        "类别",
        "name of the class",
        select(ListedClass.name)
        .where(
            ListedClass.standard == Case.standard,
            ListedClass.kind == Case.kind,
            ListedClass.code == Case.class_code,
        )
        .scalar_subquery(),
    ),
)
STANDING = (
    shown("step", ColumnType.TEXT, "环节", "step of the case", Case.step),
    shown("lead_body", ColumnType.TEXT, "牵头单位代码", "body that leads", Case.lead_body),
    shown("lead", ColumnType.TEXT, "牵头单位", "its name", body_name(Case.lead_body)),
)
OVERDUE = shown("overdue", ColumnType.BOOLEAN, "超时", "whether a limit passed", overdue(NOW))


def position(point: InstrumentedAttribute[Any]) -> tuple[Shown, Shown]:
    """Longitude and latitude of a point in degrees (WGS84)."""
    return (
        shown("lon", ColumnType.NUMBER, "经度", "longitude, WGS84", func.st_x(point)),
        shown("lat", ColumnType.NUMBER, "纬度", "latitude, WGS84", func.st_y(point)),
    )
