"""Takes the steps of cases, and lets those read them who may."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.cases.core import repository
from gridsvc.cases.core import trace_repository as trace
from gridsvc.cases.core.act import Act, Occasion
from gridsvc.cases.core.engine import go_back, take
from gridsvc.cases.core.events import CaseClosed, StepAsked, StepTaken
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.progress import Progress
from gridsvc.cases.core.rights import acting_party, body_of, may_see, opened_by
from gridsvc.cases.core.sending_on import follow_refusal, responsible_now, tell_new_lead
from gridsvc.cases.core.side_acts import take_side_act
from gridsvc.cases.core.submissions import judge_overall, judged, keep_scores, submit
from gridsvc.cases.core.summons import (
    follow_service_steps,
    service_steps,
    summon,
    tell_next,
    tell_summoned,
)
from gridsvc.cases.core.verdicts import follow_verdict
from gridsvc.city import City
from gridsvc.city.procedures.model import Follows, Return, Step
from gridsvc.errors import BadInput, NotAllowed, NotFound, StepRefused
from gridsvc.registry.bodies.service import body_or_refuse
from gridsvc.spatial.ellipsoid import distance_m

#: Clocks of phones may be ahead by this much.
_CLOCK_SKEW = dt.timedelta(minutes=1)
#: What the service itself writes of a step.
_OWN = ("judged", "taken_from")


@dataclass(frozen=True, slots=True)
class StepGiven:
    """A step as somebody sends it."""

    step: str
    body: str | None
    note: str | None
    evidence: Mapping[str, Any]
    at: dt.datetime | None
    #: Where it is taken from: longitude and latitude, WGS84 degrees.
    place: tuple[float, float] | None = None

    def carried(self, case: Case) -> dict[str, Any]:
        """The evidence, the note with it, and how far from the case's place it is taken."""
        noted: dict[str, Any] = {"note": self.note} if self.note else {}
        if self.place is not None:
            of_case = to_shape(case.point)
            metres = distance_m(of_case.x, of_case.y, *self.place)
            noted["taken_from"] = {"point": list(self.place), "metres_off": round(metres, 1)}
        return {**self.evidence, **noted}


def is_readable(session: Session, city: City, caller: Caller, case: Case) -> bool:
    """Whether a caller may read a case."""
    progress = Progress.from_json(case.progress)
    bodies = {case.lead_body, *progress.called_bodies, *(body for _, body in progress.seats)}
    for system in city.systems:
        if system.bodies is not None:
            bodies |= set(system.bodies(session, case))
    return may_see(caller, case, bodies)


def readable_case(session: Session, city: City, caller: Caller, case_id: uuid.UUID) -> Case:
    """The case, if the caller may read it. Raises NotFound, NotAllowed."""
    case = repository.case_by_id(session, case_id)
    if case is None:
        raise NotFound(f"There is no case {case_id}.")
    if not is_readable(session, city, caller, case):
        raise NotAllowed(
            f"The case belongs to {case.district_code}; a {caller.role.value}'s token for"
            f" '{caller.area}' does not cover it, and its body was not called."
        )
    return case


def take_step(occasion: Occasion, case_id: uuid.UUID, given: StepGiven) -> Case:
    """Take a step, a return or a side act.

    Raises StepRefused with what is due and who takes it. Of two callers at the same moment one
    waits for the other, and is then told who was first.
    """
    for name in _OWN:
        if name in given.evidence:
            raise BadInput(
                f"'{name}' is what the service itself writes about a step; leave it out of the"
                " evidence.",
                field=f"evidence.{name}",
            )
    if occasion.caller.staff:
        readable_case(occasion.session, occasion.city, occasion.caller, case_id)
    act = occasion.on(repository.lock_case(occasion.session, case_id))
    case, procedure = act.case, act.procedure
    if not (act.caller.staff or opened_by(act.caller, act.progress)):
        raise NotAllowed("Only whoever opened the case, with the same token, takes its steps.")
    refuse_joined(act.session, case)
    act.resume()
    if given.step in procedure.acts:
        if given.at is not None:
            raise BadInput(f"'{given.step}' counts from now; leave 'at' out.", field="at")
        party = acting_party(act, procedure.acts[given.step], given.body, name=given.step)
        take_side_act(act, given.step, party, given.carried(case))
        return case
    step = procedure.return_step(given.step) or procedure.step(given.step)
    if step is None:
        names = [s.name for s in procedure.steps] + [b.name for b in procedure.returns]
        raise StepRefused(
            f"'{given.step}' is not a step of '{procedure.name}'; its steps are"
            f" {', '.join([*names, *procedure.acts])}.",
            field="step",
        )
    party, before = acting_party(act, step, given.body), act.progress
    at = _step_at(act, given.at)
    carried = given.carried(case)
    answers = act.emit(StepAsked(step, party, carried))
    try:
        if isinstance(step, Return):
            _go_back(act, step, party, carried, at)
        else:
            _take_or_decide(act, step, party, carried, at, answers)
    except StepRefused as refused:
        raise _told_who(act, before, given.step, refused) from None
    return case


def refuse_joined(session: Session, case: Case) -> None:
    """Say by whom and into which a case was joined, if it was. Raises StepRefused."""
    if case.joined_into is None:
        return
    entry = trace.last_of(session, case, "joined_into")
    who = "" if entry is None else f" by {entry.actor} at {entry.at.isoformat()}"
    raise StepRefused(
        f"Case {case.id} was joined into {case.joined_into}{who}; continue there.",
        joined_into=str(case.joined_into),
        by=None if entry is None else entry.actor,
    )


def happened_at(
    given: dt.datetime | None,
    *,
    since: dt.datetime,
    now: dt.datetime,
    event: str = "the case was opened",
) -> dt.datetime:
    """The time of an act in UTC: now unless one is given.

    Other offsets are not passed on: PostgreSQL knows none of 16 hours or more.

    Raises BadInput for one in the future, or before ``since``, when ``event`` happened.
    """
    if given is None:
        return now
    if given.tzinfo is None:
        raise BadInput("'at' has no time zone; add 'Z' or an offset.", field="at")
    if given > now + _CLOCK_SKEW:
        raise BadInput(f"'at' is {given.isoformat()}, which lies in the future.", field="at")
    if given < since - _CLOCK_SKEW:
        raise BadInput(
            f"'at' is {given.isoformat()}, before {event} ({since.isoformat()}).", field="at"
        )
    return given.astimezone(dt.UTC)


def _take_or_decide(
    act: Act,
    step: Step,
    party: str,
    evidence: dict[str, Any],
    at: dt.datetime,
    answers: Mapping[str, Any],
) -> None:
    """Take a step, or what follows from the verdict of its check."""
    verdict = step.verdict(evidence.get(step.verdict_in))
    if verdict is not None:
        evidence = {**evidence, step.verdict_in: verdict.name}
    if verdict is None or verdict.follows in (Follows.GO_ON, Follows.CLOSE):
        _take(act, step, party, evidence, at, answers)
    elif verdict.follows is Follows.REWORK:
        back = next(b for b in act.procedure.returns if b.source == step.name and not b.refuses)
        _go_back(act, back, party, evidence, at)
    else:
        follow_verdict(act, step, verdict, party, evidence, at, answers)


def _take(
    act: Act,
    step: Step,
    party: str,
    evidence: dict[str, Any],
    at: dt.datetime,
    answers: Mapping[str, Any],
) -> None:
    procedure, before, body = act.procedure, act.progress, body_of(party)
    after = take(
        procedure,
        before,
        step.name,
        party=party,
        evidence=evidence,
        met=answers.get("met", ()),
        whistled=answers.get("whistled", False),
        actor=act.caller.subject,
    )
    _check_bodies(act, step, evidence)
    after, summoned = summon(act, after, step, evidence, at=act.now)
    entered = after.step != before.step and not after.closed
    stepped = after
    after, own_steps = (
        service_steps(act, procedure, after, step.name, at=act.now) if entered else (after, ())
    )
    act.resume(early=True)
    content = evidence | ({"called": list(summoned)} if summoned else {})
    _record(act, step, body, evidence, content, before, after, at)
    if entered:
        act.enter(procedure, after, since=at)
    else:
        act.keep(after)
    keep_scores(act, step, evidence, before)
    if summoned and not step.blows:
        tell_summoned(act, step, summoned, by=body or party, evidence=evidence)
    act.emit(StepTaken(step, party, evidence, summoned, before, stepped, at))
    follow_service_steps(act, own_steps, at=act.now)
    if step.sends_on and after.lead != before.lead:
        lead = body_or_refuse(act.session, after.lead, field="evidence.to")
        told = {"from": before.lead, "to": lead.code, "reason": evidence.get("note")}
        tell_new_lead(act, lead, told)
    if after.step != before.step and not procedure.two_sides:
        tell_next(act, procedure, after, but=party)
    if after.closed:
        act.emit(CaseClosed(act.now))


def _go_back(act: Act, back: Return, party: str, evidence: dict[str, Any], at: dt.datetime) -> None:
    procedure, before = act.procedure, act.progress
    after = go_back(
        procedure, before, back.name, party=party, evidence=evidence, actor=act.caller.subject
    )
    named = responsible_now(act, party, evidence) if back.refuses else None
    act.resume(early=True)
    _record(act, back, body_of(party), evidence, evidence, before, after, at)
    if after.step != before.step:
        act.enter(procedure, after, since=at)
    else:
        act.keep(after)
    if named is not None:
        follow_refusal(act, party, named, evidence)
    else:
        tell_next(act, procedure, after, but=party)


def _check_bodies(act: Act, step: Step, evidence: Mapping[str, Any]) -> None:
    """Bodies that the evidence names for a role must exist. Raises NotFound."""
    names = [role.value for role in step.names] + (["to"] if step.sends_on else [])
    for name in names:
        if evidence.get(name):
            body_or_refuse(act.session, str(evidence[name]), field=f"evidence.{name}")


def _record(
    act: Act,
    step: Step | Return,
    body: str | None,
    evidence: Mapping[str, Any],
    content: dict[str, Any],
    before: Progress,
    after: Progress,
    at: dt.datetime,
) -> None:
    """Keep a step in the trace with what it decides, and as the body's submission."""
    found = judged(act, step, body, evidence, before=before, after=after)
    found |= judge_overall(act, step, before, after)
    entry = act.record(step.name, content | ({"judged": found} if found else {}), at=at, body=body)
    if body is not None:
        submit(act, step, body, before, n=entry.n)
        act.state_time(entry)


def _step_at(act: Act, given: dt.datetime | None) -> dt.datetime:
    """When a step was taken: not before the case, nor before the step that made it due."""
    at = happened_at(given, since=act.case.opened_at, now=act.now)
    if given is not None and act.case.state == "open":
        event = f"the step before '{act.case.step}' was taken"
        return happened_at(given, since=act.step_start, now=act.now, event=event)
    return at


def _told_who(act: Act, before: Progress, step: str, refused: StepRefused) -> StepRefused:
    """The refusal of a step that was taken already, with who took it and when."""
    entry = trace.last_of(act.session, act.case, step)
    if entry is None or (before.step == step and not before.taken_by and not before.closed):
        return refused
    by, when = entry.body_code or entry.actor, entry.at.isoformat()
    said = f"{refused.detail} The step '{step}' was last taken by {by} ({entry.actor}) at {when}."
    taken = {"by": by, "actor": entry.actor, "at": when}
    return StepRefused(said, field=refused.field, **(refused.extra | {"taken": taken}))
