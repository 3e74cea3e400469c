"""What the steps of a joint whistle cause besides their entry in the trace."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from geoalchemy2.shape import from_shape

from gridsvc.cases.core.act import Act
from gridsvc.cases.core.events import StepTaken
from gridsvc.cases.core.progress import begin, carried_over
from gridsvc.cases.core.summons import tell_next
from gridsvc.cases.systems.joint.blowing import call_departments, fix_report_in
from gridsvc.cases.systems.whistles import (
    BodyAbsent,
    Whistle,
    WhistleWithdrawn,
    called_bodies,
    joint_whistle_of,
)
from gridsvc.errors import BadInput, NotFound
from gridsvc.registry.bodies.repository import bodies_by_code
from gridsvc.spatial.reading import read_footprint

_PLAN = ("time", "place", "division")
#: A plan lies no farther from the day on which it is made.
_PLANNED_WITHIN = dt.timedelta(days=366)


def follow_step(act: Act, event: StepTaken) -> None:
    """Carry out what a step of the joint procedure means, and tell the other sides.

    A footprint that the meeting had measured becomes the whistle's. Raises BadInput
    for a demand, departments or a plan of the wrong form, and what reading a footprint raises.
    """
    if not act.procedure.two_sides or event.party is None:
        return
    whistle = joint_whistle_of(act.session, act.case)
    if whistle is None:
        return
    step, party, evidence = event.step.name, event.party, event.evidence
    match step:
        case "receiving_meeting" if "footprint" in evidence:
            measured = read_footprint(
                evidence["footprint"],
                "wgs84",
                max_vertices=act.city.settings.max_footprint_vertices,
                field="evidence.footprint",
            )
            whistle.footprint = from_shape(measured.geometry, srid=4326)
        case "whistle_other_side":
            demand = evidence["demand"]
            if not isinstance(demand, Mapping) or not demand.get("task"):
                raise BadInput(
                    "The demand letter must name its task: {'task': ..., 'limit': ...}.",
                    field="evidence.demand",
                )
            whistle.demand = {**whistle.demand, "letter": dict(demand), "from": party}
        case "bring_departments":
            _bring(act, whistle, party, evidence["departments"])
        case "agree_plan":
            _agree(act, whistle, event)
        case _:
            pass
    others = [side for side in event.after.sides if side != party]
    content = {"whistle_id": str(whistle.id), "by": party, **evidence}
    act.tell(others, f"joint_{step}", content)


def follow_withdrawal(act: Act, event: WhistleWithdrawn) -> None:
    """Without its joint whistle a case is an ordinary one of the side that had received it."""
    if event.whistle.joint:
        _back_to_one_side(act, event.whistle.caller_body)


def follow_absence(act: Act, event: BodyAbsent) -> None:
    """When a side never came, the other one goes on alone: with the joint action, or all of it.

    It answers for the departments that the other has brought too.
    """
    if event.called.role != "side":
        return
    gone = event.called.body_code
    staying = next(side for side in act.progress.sides if side != gone)
    if event.called.report_in_by is None:
        event.whistle.state, event.whistle.closed_at = "closed", act.now
        _back_to_one_side(act, staying)
    else:
        for one in called_bodies(act.session, [event.whistle.id]):
            if one.role != "side" and one.called_from == gone:
                one.called_from = staying
        act.keep(replace(act.progress, lead=staying, other=None))
        act.tell([staying], "other_side_absent", {"whistle_id": str(event.whistle.id)})


def _back_to_one_side(act: Act, side: str) -> None:
    """Begin the ordinary case with a side as its lead; who refused and handled stays known."""
    act.resume(early=True)
    ordinary = act.city.procedures.newest("ordinary")
    act.enter(ordinary, carried_over(begin(ordinary, lead=side), act.progress))
    act.record("joint_ended", {"leads": side, "version": ordinary.version}, body=side)
    tell_next(act, ordinary, act.progress, but=None)


def _bring(act: Act, whistle: Whistle, party: str, codes: Any) -> None:
    if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
        raise BadInput("'departments' must be a list of body codes.", field="evidence.departments")
    found = bodies_by_code(act.session, codes)
    for code in codes:
        if code not in found:
            raise NotFound(f"No body has the code '{code}'.", field="evidence.departments")
    departments = [found[code] for code in dict.fromkeys(codes)]
    call_departments(act, whistle, departments, called_from=party)


def _agree(act: Act, whistle: Whistle, event: StepTaken) -> None:
    """The second side must agree to the first one's time and place."""
    plan = event.evidence["plan"]
    if not isinstance(plan, Mapping) or any(not plan.get(item) for item in _PLAN):
        raise BadInput(
            "The plan must fix 'time' (RFC 3339), 'place' and 'division' of work.",
            field="evidence.plan",
        )
    time = _moment(plan["time"], act.now)
    agreed = whistle.demand.get("plan")
    if agreed is None:
        whistle.demand = {**whistle.demand, "plan": dict(plan), "proposed_by": event.party}
    else:
        same = {"time": _moment(agreed["time"], act.now) == time}
        same["place"] = agreed["place"] == plan["place"]
        for item, is_same in same.items():
            if not is_same:
                raise BadInput(
                    f"The other side's plan has {item} '{agreed[item]}', this one has"
                    f" '{plan[item]}'; both must agree.",
                    field=f"evidence.plan.{item}",
                )
    if event.after.step != "agree_plan":
        limit = dt.timedelta(minutes=act.city.settings.report_in_minutes)
        fix_report_in(act, whistle, by=time + limit)


def _moment(value: Any, now: dt.datetime) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(str(value))
    except ValueError:
        moment = dt.datetime.min
    if moment.tzinfo is None or not now - _PLANNED_WITHIN < moment < now + _PLANNED_WITHIN:
        raise BadInput(
            "The plan's 'time' must be an RFC 3339 time with an offset, within a year of today.",
            field="evidence.plan.time",
        )
    return moment.astimezone(dt.UTC)
