"""What the whistles of a case do when something happens in it: blown, raised, moved, closed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from geoalchemy2.shape import to_shape

from gridsvc.cases.core import trace_repository as trace
from gridsvc.cases.core.act import SERVICE, Act
from gridsvc.cases.core.events import (
    CalendarAnnounced,
    CaseClosed,
    CaseRaised,
    StatedTimeDecided,
    StepAsked,
    StepTaken,
)
from gridsvc.cases.intake.model import PinMoved
from gridsvc.cases.systems.whistles import repository
from gridsvc.cases.systems.whistles.approvals import agreed_to, caller_of
from gridsvc.cases.systems.whistles.blowing import NewWhistle, blow
from gridsvc.cases.systems.whistles.demand import Demand, read_demand
from gridsvc.cases.systems.whistles.kinds import Limits, WhistleGround, WhistleKind
from gridsvc.cases.systems.whistles.models import Whistle
from gridsvc.cases.systems.whistles.proposals import reasons_for
from gridsvc.city.procedures.model import Actor, Procedure, Requirement, Step
from gridsvc.registry.classes.repository import names_of


@dataclass(frozen=True, slots=True)
class OpeningWhistle:
    """What is said of the whistle with which a case opens; ``made_at``: it was by telephone."""

    kind: WhistleKind = WhistleKind.EVERYDAY
    ground: WhistleGround = WhistleGround.PUBLIC_DEMAND
    demand: Any = None
    made_at: dt.datetime | None = None


def what_holds(act: Act, event: StepAsked) -> dict[str, Any]:
    """What holds now of the bodies that open whistles called, and of the party itself."""
    blown = repository.open_whistles(act.session, act.case)
    if not blown:
        return _nobody_called(act)
    everybody = repository.called_bodies(act.session, [whistle.id for whistle in blown])
    called = [body for body in everybody if body.exit is None]
    sides = [body for body in called if body.role == "side"]
    own = [body for body in called if body.body_code == event.party]
    facts = {
        Requirement.SELF_REPORTED_IN: any(body.reported_in_at for body in own),
        Requirement.SIDES_REPORTED_IN: all(body.reported_in_at for body in sides),
        Requirement.ALL_REPORTED_IN: all(body.reported_in_at for body in called),
        Requirement.ALL_DONE: all(body.done_at for body in called),
        Requirement.ALL_SCORED: all(body.score is not None for body in called),
    }
    met = frozenset(requirement for requirement, holds in facts.items() if holds)
    return {"met": met, "whistled": True}


def _nobody_called(act: Act) -> dict[str, Any]:
    """Where every whistle of a level was withdrawn, nothing is left that a step must wait for."""
    blown = repository.whistles_of(act.session, act.case)
    if act.procedure.level is None or all(whistle.state != "withdrawn" for whistle in blown):
        return {}
    return {"met": frozenset(Requirement), "whistled": True}


def blow_at_step(act: Act, event: StepTaken) -> None:
    """Blow the whistle of a step that was just taken, where it blows one.

    Its kind and ground are those that it was classified with, else those of the whistle before
    it in the case. Raises BadInput for a bad demand, StepRefused when somebody has not agreed.
    """
    step, procedure, opening = event.step, act.procedure, event.opening
    if not step.blows:
        return
    if procedure.level is None:
        raise AssertionError(f"{procedure.name} blows a whistle without a level")
    before = [w for w in repository.whistles_of(act.session, act.case) if not w.joint]
    last = before[-1] if before else None
    kind, ground = _classified(act, event.evidence, opening, last)
    by_itself = event.party is None
    said = (opening.demand if opening else None) if by_itself else event.evidence.get("demand")
    field = "whistle.demand" if by_itself else "evidence.demand"
    if by_itself and not said:
        demand = _usual_demand(act, last)
    else:
        demand = read_demand(said, bodies=event.summoned, told_at=event.at, field=field)
    agreed, facts = {}, {}
    if not by_itself:
        agreed = agreed_to(act, kind, event.summoned, demand, step.name, field="evidence")
        facts = reasons_for(act.session, act.city, act.case, event.summoned)
    acting = acting_step(procedure)
    new = NewWhistle(
        level=procedure.level,
        kind=kind,
        ground=ground,
        caller=caller_of(procedure, event.after),
        bodies=event.summoned,
        demand=demand,
        agreed=agreed,
        facts=facts,
        longest=None if acting is None else acting.limit,
        follows=None if last is None else last.id,
        made_at=event.at,
        recorded=opening is not None and opening.made_at is not None,
        given_in="whistle." if by_itself else "evidence.",
    )
    blow(act, new, actor=SERVICE if by_itself else None)
    limit_by_called(act, procedure)


def raise_with_case(act: Act, _: CaseRaised) -> dict[str, Any]:
    """The open whistles of a case go up a level unsolved; gives their ids."""
    raised = repository.open_whistles(act.session, act.case)
    for whistle in raised:
        whistle.state, whistle.closed_at = "raised", act.now
    return {"whistles": [str(whistle.id) for whistle in raised]} if raised else {}


def move_with_case(act: Act, event: PinMoved) -> None:
    """The bodies that open whistles called go to the place to which the case was moved."""
    if not event.case_moved:
        return
    place = to_shape(act.case.point)
    for whistle in repository.open_whistles(act.session, act.case):
        whistle.point = act.case.point
        called = repository.called_bodies(act.session, [whistle.id])
        content = {"whistle_id": str(whistle.id), "point": [place.x, place.y]}
        act.tell([body.body_code for body in called], "place_moved", content)


def close_with_case(act: Act, event: CaseClosed) -> None:
    """Whistles close together with their case, those that were only proposed too."""
    for whistle in repository.whistles_of(act.session, act.case):
        if whistle.state in ("proposed", "open"):
            whistle.state, whistle.closed_at = "closed", event.at


def count_stated_time(act: Act, event: StatedTimeDecided) -> dict[str, Any]:
    """An act of a called body counts from the time that it stated; gives how it is judged then."""
    stated = event.stated
    if stated.whistle_id is None or not event.accepted:
        return {}
    found: dict[str, Any] = {"whistle_id": str(stated.whistle_id)}
    bodies = repository.called_bodies(act.session, [stated.whistle_id])
    called = next(body for body in bodies if body.body_code == stated.body_code)
    at = stated.stated_at
    match stated.act:
        case "accept":
            called.accepted_at = at
            if called.accept_by is not None:
                found["late"] = at > called.accept_by
        case "arrive" if called.reported_in_at is None:
            called.arrived_at = at
        case "report_in" | "arrive":
            called.reported_in_at = at
            if called.report_in_by is not None:
                called.late = found["late"] = at > called.report_in_by
        case "done" if called.done_stated_at == at:
            called.done_at = at
            if called.done_by is not None:
                called.overdue = found["overdue"] = at > called.done_by
        case _:
            # The caller has sent the body back since; it is judged when it is done again.
            pass
    return found


def time_again(act: Act, _: CalendarAnnounced) -> None:
    """Make the limits of open whistles again; who was late by them only is in time."""
    calendar = act.city.calendar
    for whistle in repository.open_whistles(act.session, act.case):
        if whistle.limit_courses is None:
            continue
        dates = Limits.from_json(whistle.limit_courses).by(calendar)
        for body in repository.called_bodies(act.session, [whistle.id]):
            if not body.provisional:
                continue
            body.accept_by, body.report_in_by = dates.accept_by, dates.report_in_by
            body.done_by, body.provisional = dates.done_by, dates.provisional
            content: dict[str, Any] = {"whistle_id": str(whistle.id), "act": "report_in"}
            if body.late and body.reported_in_at and body.reported_in_at <= dates.report_in_by:
                body.late = False
                act.record("excused", content | {"late": False}, body=body.body_code, actor=SERVICE)
            if body.overdue and body.done_at and body.done_at <= dates.done_by:
                body.overdue = False
                content |= {"act": "done", "overdue": False}
                act.record("excused", content, body=body.body_code, actor=SERVICE)
            told = {
                "whistle_id": str(whistle.id),
                "accept_by": dates.accept_by.isoformat(),
                "report_in_by": dates.report_in_by.isoformat(),
                "done_by": dates.done_by.isoformat(),
                "provisional": dates.provisional,
            }
            act.tell([body.body_code], "limits_changed", told)
    limit_by_called(act, act.procedure)


def acting_step(procedure: Procedure) -> Step | None:
    """The step in which the called bodies act, None for a procedure without."""
    return next((step for step in procedure.steps if step.by is Actor.CALLED), None)


def limit_by_called(act: Act, procedure: Procedure) -> None:
    """Where the called bodies act, the case's limit is the last of theirs.

    So is its deadline, unless that has passed already.
    """
    case, acting = act.case, acting_step(procedure)
    if procedure.level is None or acting is None or case.step != acting.name:
        return
    act.session.flush()
    calendar, before = act.city.calendar, case.limit_at
    blown = repository.open_whistles(act.session, case)
    called = repository.called_bodies(act.session, [whistle.id for whistle in blown])
    waits = {body.whistle_id for body in called if body.exit is None}
    courses = [
        Limits.from_json(whistle.limit_courses).last(calendar)
        for whistle in blown
        if whistle.limit_courses is not None and whistle.id in waits
    ]
    if not courses:
        return
    act.run(max(courses, key=lambda course: course.ends(calendar)))
    if case.due_at == before:
        case.due_at = case.limit_at
    case.limits_provisional = any(one.provisional(calendar) for one in act.courses())


def _classified(
    act: Act,
    evidence: Mapping[str, Any],
    opening: OpeningWhistle | None,
    last: Whistle | None,
) -> tuple[WhistleKind, WhistleGround]:
    """What the step, the step that classified, the opening or the whistle before says."""
    given = dict(evidence)
    for step in act.procedure.steps:
        if {"kind", "ground"} <= step.choices.keys() and not {"kind", "ground"} <= given.keys():
            entry = trace.last_of(act.session, act.case, step.name)
            given = (entry.told if entry is not None else {}) | given
    otherwise = opening or OpeningWhistle()
    if opening is None and last is not None:
        otherwise = replace(
            otherwise, kind=WhistleKind(last.kind), ground=WhistleGround(last.ground)
        )
    return (
        WhistleKind(given.get("kind", otherwise.kind)),
        WhistleGround(given.get("ground", otherwise.ground)),
    )


def _usual_demand(act: Act, last: Whistle | None) -> Demand:
    """What a whistle without a letter of its own asks: as the one before, else its class."""
    if last is not None:
        return Demand(str(last.demand["task"]))
    case = act.case
    name = names_of(act.session, case.standard, case.kind).get(case.class_code, case.class_code)
    return Demand(f"处置：{name}")
