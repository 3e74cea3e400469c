"""What is counted, one row a thing, with its dimensions and a flag for each count it belongs to.

Every query here is one pass over its table, found by an index on the period's end of it: cases by
their deadline, reports by their arrival. The cases of a period are those whose deadline
(``case_file.due_at``) falls in it and has passed, or that are closed or suspended; what bodies and
citizens did in these cases counts with them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Select,
    String,
    and_,
    any_,
    case,
    cast,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, INTERVAL
from sqlalchemy.sql.selectable import CTE

from gridsvc.assessment.rates import Dimension, Family
from gridsvc.assessment.scope import Scope
from gridsvc.cases.core.models import Case, Submission
from gridsvc.cases.intake.models import Report
from gridsvc.cases.systems.appeals.models import Appeal
from gridsvc.cases.systems.callbacks.models import Callback
from gridsvc.cases.systems.whistles.models import CalledBody, Whistle
from gridsvc.city.weights import Reading

#: A fact's dimensions, in the order of their columns.
_DIMENSIONS = tuple(dimension.value for dimension in Dimension)


def facts(scope: Scope, family: Family) -> Select[Any]:
    """The things of a family: case_district, case_id, thing, the dimensions, flags, minutes."""
    match family:
        case Family.CASES:
            return _cases(scope)
        case Family.TASKS:
            return _tasks(scope)
        case Family.CALLBACKS:
            return _callbacks(scope)
        case Family.ARRIVALS:
            return _arrivals(scope)
        case Family.REPORTS:
            return _reports(scope)


def cases_due(scope: Scope) -> CTE:
    """The cases of the period, with their dimensions and what decides about them."""
    c = Case
    suspended = func.coalesce(c.suspended_until > scope.now, False)
    return (
        select(
            c.district_code.label("case_district"),
            c.id.label("case_id"),
            *_dimensions(scope, c.district_code, c.due_at),
            c.procedure,
            c.procedure_version,
            c.due_at,
            c.closed_at,
            c.overall_at,
            c.answered_at,
            c.overall_overdue,
            suspended.label("suspended"),
        )
        .where(
            c.district_code == any_(_districts(scope)),
            c.due_at >= scope.period.start,
            c.due_at < scope.period.end,
            or_(c.due_at <= scope.now, c.closed_at.is_not(None), suspended),
            _in_street(scope),
        )
        .cte("due_case")
    )


def _cases(scope: Scope) -> Select[Any]:
    due = cases_due(scope)
    tasks = _acts(scope, due)
    acted = (
        select(
            tasks.c.case_district,
            tasks.c.case_id,
            func.bool_or(tasks.c.late).label("late"),
            func.bool_or(tasks.c.waived).label("waived"),
        )
        .group_by(tasks.c.case_district, tasks.c.case_id)
        .subquery("acted")
    )
    late = func.coalesce(acted.c.late, False)
    waived = func.coalesce(acted.c.waived, False)
    closed = due.c.closed_at.is_not(None)
    # One that was joined into another is not judged: that one answers.
    judged = due.c.overall_overdue.is_not(None)
    # A case that was late only by what an appeal or a stated time has waived is closed in time.
    in_time = and_(closed, not_(late), or_(due.c.closed_at < due.c.due_at, waived))
    return select(
        due.c.case_district,
        due.c.case_id,
        literal("").label("thing"),
        *_same(due),
        true().label("due"),
        due.c.suspended,
        not_(due.c.suspended).label("counted"),
        closed.label("closed"),
        in_time.label("closed_in_time"),
        waived.label("waived"),
        and_(not_(due.c.suspended), due.c.overall_at.is_not(None), or_(not_(closed), judged)).label(
            "overall_due"
        ),
        and_(due.c.answered_at.is_not(None), not_(due.c.overall_overdue)).label("overall_kept"),
    ).outerjoin_from(due, acted, _same_case(due, acted))


def _acts(scope: Scope, due: CTE) -> CTE:
    """What each body handed in in each case: handled, reworked, returned, late."""
    steps, h, a = scope.steps, Submission, Appeal
    by_step = (
        select(
            due.c.case_district,
            due.c.case_id,
            h.body_code,
            h.step,
            _repeats(scope, due).label("repeats"),
            func.count().label("times"),
            func.bool_or(and_(h.overdue, h.excused.is_(None))).label("overdue"),
            func.bool_or(and_(h.overdue, h.excused.is_not(None))).label("excused"),
        )
        .join_from(
            due,
            h,
            and_(h.district_code == due.c.case_district, h.case_id == due.c.case_id),
        )
        .group_by(due.c.case_district, due.c.case_id, h.body_code, h.step, "repeats")
        .subquery("by_step")
    )
    handles = by_step.c.step.not_in(steps.returns)
    again = and_(handles, not_(by_step.c.repeats), by_step.c.times > 1)
    by_body = (
        select(
            by_step.c.case_district,
            by_step.c.case_id,
            by_step.c.body_code,
            func.bool_or(by_step.c.step.in_(steps.refusals)).label("returned"),
            func.bool_or(handles).label("handled"),
            func.bool_or(again).label("reworked"),
            func.bool_or(by_step.c.overdue).label("overdue"),
            func.bool_or(by_step.c.excused).label("excused"),
        )
        .group_by(by_step.c.case_district, by_step.c.case_id, by_step.c.body_code)
        .subquery("by_body")
    )
    accepted = func.coalesce(a.accepted, False)
    return (
        select(
            *by_body.c,
            and_(by_body.c.overdue, not_(accepted)).label("late"),
            or_(and_(by_body.c.overdue, accepted), by_body.c.excused).label("waived"),
        )
        .outerjoin_from(
            by_body,
            a,
            and_(
                a.district_code == by_body.c.case_district,
                a.case_id == by_body.c.case_id,
                a.body_code == by_body.c.body_code,
            ),
        )
        .cte("act")
    )


def _repeats(scope: Scope, due: CTE) -> ColumnElement[bool]:
    """Whether a step may be taken again in its case without being rework."""
    steps = scope.steps
    here = tuple_(due.c.procedure, due.c.procedure_version, Submission.step)
    mixed = here.in_(steps.repeating_in) if steps.repeating_in else false()
    return or_(Submission.step.in_(steps.repeating), mixed)


def _tasks(scope: Scope) -> Select[Any]:
    """Bodies in cases: each that handed in, and the lead that has not yet."""
    due = cases_due(scope)
    acts = _acts(scope, due)
    flags = ("returned", "handled", "reworked", "late")
    acted = select(acts.c.case_district, acts.c.case_id, acts.c.body_code, *_named(acts, flags))
    waits = select(
        due.c.case_district,
        due.c.case_id,
        due.c.body.label("body_code"),
        *(false().label(flag) for flag in flags),
    ).where(
        ~select(acts.c.case_id)
        .where(_same_case(due, acts), acts.c.body_code == due.c.body)
        .exists()
    )
    task = union_all(acted, waits).subquery("task")
    others = [name for name in _DIMENSIONS if name != "body"]
    return select(
        task.c.case_district,
        task.c.case_id,
        task.c.body_code.label("thing"),
        *_named(due, others),
        task.c.body_code.label("body"),
        true().label("received"),
        task.c.returned,
        task.c.handled,
        and_(task.c.handled, not_(task.c.late)).label("handled_in_time"),
        task.c.reworked,
    ).join_from(task, due, _same_case(task, due))


def _callbacks(scope: Scope) -> Select[Any]:
    """The newest callback of each report of the cases; it counts if it is valid.

    Where the unit was asked for, a citizen whom nobody reached counts in none of the rates.
    """
    due, b = cases_due(scope), Callback
    later = func.row_number().over(partition_by=(b.district_code, b.report_id), order_by=b.n.desc())
    newest = (
        select(
            due.c.case_district,
            due.c.case_id,
            *_same(due),
            cast(b.report_id, String).label("thing"),
            b.valid,
            b.contacted,
            b.unit_contacted,
            and_(b.reading == Reading.UNIT.value, _by_unit(scope, due.c.due_at)).label("by_unit"),
            b.solved,
            b.satisfied.label("verdict"),
            later.label("place"),
        )
        .join_from(due, b, and_(b.case_district == due.c.case_district, b.case_id == due.c.case_id))
        .subquery("newest")
    )
    by_unit, reached = newest.c.by_unit, newest.c.contacted
    valid = and_(newest.c.valid, or_(not_(by_unit), reached))
    contacted = case((by_unit, newest.c.unit_contacted), else_=reached)
    return select(
        newest.c.case_district,
        newest.c.case_id,
        newest.c.thing,
        *_same(newest),
        valid.label("valid"),
        and_(newest.c.valid, by_unit, not_(reached)).label("unreached"),
        and_(valid, contacted).label("contacted"),
        and_(valid, func.coalesce(newest.c.solved, False)).label("solved"),
        and_(valid, func.coalesce(newest.c.verdict == "satisfied", False)).label("satisfied"),
        and_(valid, func.coalesce(newest.c.verdict == "fairly", False)).label("fairly"),
    ).where(newest.c.place == 1)


def _arrivals(scope: Scope) -> Select[Any]:
    """Called bodies whose time to report in falls in the period, and has passed or was used."""
    c, w, b = Case, Whistle, CalledBody
    came = b.reported_in_at.is_not(None)
    # A demand keeps the time of its meeting; of a joint plan only the limit that it set is known.
    planned = b.report_in_by - cast(f"{scope.report_in_minutes} minutes", INTERVAL)
    meeting = cast(w.demand["time"].astext, DateTime(timezone=True))
    appointed = case((w.joint, planned), else_=meeting)
    took = func.extract(
        "epoch", b.reported_in_at - func.greatest(b.told_at, appointed, w.recorded_at)
    )
    minutes = case((came, func.greatest(took, 0) / 60), else_=None)
    return (
        select(
            c.district_code.label("case_district"),
            c.id.label("case_id"),
            b.body_code.label("thing"),
            *_dimensions(scope, c.district_code, b.report_in_by, b.body_code),
            true().label("called"),
            came.label("reported_in"),
            func.coalesce(b.late, True).label("late"),
            func.coalesce(b.far, False).label("far"),
            b.done_at.is_not(None).label("done"),
            and_(b.done_at.is_not(None), not_(func.coalesce(b.overdue, False))).label(
                "done_in_time"
            ),
            minutes.label("minutes"),
        )
        .join_from(b, w, and_(w.district_code == b.district_code, w.id == b.whistle_id))
        .join(c, and_(c.district_code == w.district_code, c.id == w.case_id))
        .where(
            b.district_code == any_(_districts(scope)),
            b.report_in_by >= scope.period.start,
            b.report_in_by < scope.period.end,
            or_(b.report_in_by < scope.now, came),
            _in_street(scope),
        )
    )


def _reports(scope: Scope) -> Select[Any]:
    """Reports that came in in the period, and whether their case has been filed."""
    c, r = Case, Report
    here = tuple_(c.procedure, c.procedure_version, c.step)
    waits = here.in_(scope.steps.unfiled) if scope.steps.unfiled else false()
    return (
        select(
            c.district_code.label("case_district"),
            c.id.label("case_id"),
            cast(r.id, String).label("thing"),
            *_dimensions(scope, r.district_code, r.created_at),
            true().label("reported"),
            not_(waits).label("filed"),
        )
        .join_from(r, c, and_(c.district_code == r.case_district, c.id == r.case_id))
        .where(
            r.district_code == any_(_districts(scope)),
            r.created_at >= scope.period.start,
            r.created_at < scope.period.end,
            _in_street(scope),
        )
    )


def _dimensions(
    scope: Scope, district: Any, moment: Any, body: Any = Case.lead_body
) -> list[ColumnElement[Any]]:
    """The dimensions of a thing in a case, by their names."""
    c = Case
    month = func.to_char(func.timezone(scope.period.calendar.zone.key, moment), "YYYY-MM")
    older = case((c.standard == scope.standard, ""), else_=literal("@").concat(c.standard))
    values = {
        Dimension.CITY: literal("city"),
        Dimension.DISTRICT: district,
        Dimension.STREET: c.street_code,
        Dimension.COMMUNITY: c.community_code,
        Dimension.BODY: body,
        Dimension.CLASS: c.kind.concat(":").concat(c.class_code).concat(older),
        Dimension.INSPECTOR: c.inspector,
        Dimension.MONTH: month,
    }
    return [values[dimension].label(dimension.value) for dimension in Dimension]


def _by_unit(scope: Scope, due_at: ColumnElement[Any]) -> ColumnElement[bool]:
    spans = [and_(due_at >= start, due_at < end) for start, end in scope.by_unit]
    return or_(false(), *spans)


def _in_street(scope: Scope) -> ColumnElement[bool]:
    return true() if scope.street is None else Case.street_code == scope.street


def _districts(scope: Scope) -> ColumnElement[Any]:
    return literal(list(scope.districts), ARRAY(String))


def _named(rows: Any, names: Any) -> list[Any]:
    return [rows.c[name] for name in names]


def _same(rows: Any) -> list[Any]:
    return _named(rows, _DIMENSIONS)


def _same_case(one: Any, other: Any) -> ColumnElement[bool]:
    return and_(one.c.case_district == other.c.case_district, one.c.case_id == other.c.case_id)
