"""Takes the steps of cases, and lets those read them who may."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from geoalchemy2.shape import to_shape
from pyproj import Geod
from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.cases.core import repository
from gridsvc.cases.core.engine import COMMAND, REPORTER, SUPERVISION, go_back, take
from gridsvc.cases.core.models import CaseFile
from gridsvc.cases.core.moments import happened_at
from gridsvc.cases.core.progress import Progress
from gridsvc.cases.core.refusals import follow_refusal, responsible_now, tell_new_lead
from gridsvc.cases.core.rights import acting_party, may_see
from gridsvc.cases.core.side_acts import act, resume_if_due
from gridsvc.cases.core.stepping import enter, keep, running_of, step_start
from gridsvc.cases.core.submissions import hand_in, judged, keep_scores
from gridsvc.cases.core.summons import call_bodies, take_system_steps, tell_called, tell_next
from gridsvc.cases.core.trace import repository as trace
from gridsvc.cases.core.trace.service import append
from gridsvc.cases.systems.evidence.service import check_named
from gridsvc.cases.systems.joint import steps as joint
from gridsvc.cases.systems.joint.blowing import close, met_requirements
from gridsvc.cases.systems.merging.rights import refuse_joined
from gridsvc.cases.systems.whistles import repository as whistles
from gridsvc.cases.systems.whistles.models import Whistle
from gridsvc.cases.systems.whistles.step_whistles import blow_step, limit_by_called
from gridsvc.city.procedures.model import Procedure, Return, Step
from gridsvc.errors import BadInput, NotAllowed, NotFound, StepRefused
from gridsvc.registry.bodies.service import body_or_refuse
from gridsvc.settings import Settings

__all__ = ["StepGiven", "readable_case", "take_step"]

_GEOD = Geod(ellps="WGS84")


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

    def carried(self, case: CaseFile) -> dict[str, Any]:
        """The evidence, the note with it, and how far from the case's place it is taken."""
        noted: dict[str, Any] = {"note": self.note} if self.note else {}
        if self.place is not None:
            of_case = to_shape(case.point)
            metres = _GEOD.inv(of_case.x, of_case.y, *self.place)[2]
            noted["taken_from"] = {"point": list(self.place), "metres_off": round(metres, 1)}
        return {**self.evidence, **noted}


def readable_case(session: Session, caller: Caller, case_id: uuid.UUID) -> CaseFile:
    """The case, if the caller may read it. Raises NotFound, NotAllowed."""
    case = repository.case_by_id(session, case_id)
    if case is None:
        raise NotFound(f"There is no case {case_id}.")
    blown = whistles.whistles_of(session, case.district_code, case.id)
    called = whistles.called_bodies(session, [whistle.id for whistle in blown])
    progress = Progress.from_json(case.progress)
    bodies = {body.body_code for body in called} | {case.lead_body, *progress.called_bodies}
    bodies |= {body for _, body in progress.seats}
    if not may_see(caller, case, frozenset(bodies)):
        raise NotAllowed(
            f"The case belongs to {case.district_code}; a {caller.role.value}'s token for"
            f" '{caller.area}' does not cover it, and its body was not called."
        )
    return case


def take_step(
    session: Session,
    settings: Settings,
    caller: Caller,
    case_id: uuid.UUID,
    given: StepGiven,
    *,
    now: dt.datetime,
) -> CaseFile:
    """Take a step, a way back or an act beside the steps.

    Raises StepRefused with what is due and who takes it. Of two callers at the same moment one
    waits for the other, and is then told who was first.
    """
    for name in ("judged", "taken_from"):
        if name in given.evidence:
            raise BadInput(
                f"'{name}' is what the service itself writes of a step; leave it out of the"
                " evidence.",
                field=f"evidence.{name}",
            )
    case = repository.lock_case(session, case_id)
    if case is None:
        raise NotFound(f"There is no case {case_id}.")
    refuse_joined(session, case)
    running = running_of(case)
    progress = Progress.from_json(case.progress)
    resume_if_due(session, case, now=now)
    if given.step in running.acts:
        _act(session, settings, case, running, progress, caller, given, now)
        return case
    step = running.way_back(given.step) or running.step(given.step)
    if step is None:
        names = [s.name for s in running.steps] + [b.name for b in running.returns]
        raise StepRefused(
            f"'{given.step}' is no step of '{running.name}'; its steps are"
            f" {', '.join([*names, *running.acts])}.",
            field="step",
        )
    party = acting_party(session, caller, case, progress, step, given.body)
    at = _happened_at(case, given.at, now)
    carried = given.carried(case)
    check_named(session, case, carried)
    taken = _Taken(session, settings, case, running, progress, caller, party, carried, at, now)
    try:
        taken.go_back(step) if isinstance(step, Return) else taken.take(step)
    except StepRefused as refused:
        raise _told_who(session, case, progress, given.step, refused) from None
    return case


@dataclass(frozen=True, slots=True)
class _Taken:
    """One step of one party in one locked case, and what it brings about."""

    session: Session
    settings: Settings
    case: CaseFile
    running: Procedure
    before: Progress
    caller: Caller
    party: str
    evidence: dict[str, Any]
    at: dt.datetime
    now: dt.datetime

    @property
    def body(self) -> str | None:
        return None if self.party in (SUPERVISION, COMMAND, REPORTER) else self.party

    def take(self, step: Step) -> None:
        session, case, before = self.session, self.case, self.before
        whistle = whistles.open_whistle_of(session, case.district_code, case.id)
        blown = whistles.open_whistles_of(session, case.district_code, case.id)
        after = take(
            self.running,
            before,
            step.name,
            party=self.party,
            evidence=self.evidence,
            met=met_requirements(session, blown, self.party),
            whistled=bool(blown),
            actor=self.caller.subject,
        )
        self._check_bodies(step)
        after, called = call_bodies(session, case, after, step, self.evidence, at=self.at)
        resume_if_due(session, case, now=self.now, early=True)
        content = self.evidence | ({"called": list(called)} if called else {})
        self._note(step, content, after)
        self._keep(after)
        keep_scores(session, case, step, self.evidence, before)
        if step.blows:
            self._blow(step, after, called)
        elif called:
            by = self.body or self.party
            tell_called(session, case, step, called, by=by, evidence=self.evidence, now=self.now)
        after = (
            take_system_steps(
                session,
                self.settings,
                case,
                self.running,
                after,
                step.name,
                at=self.now,
                now=self.now,
            )
            if not after.closed and after.step != before.step
            else after
        )
        if step.sends_on and after.lead != before.lead:
            lead = body_or_refuse(session, after.lead, field="evidence.to")
            content = {"from": before.lead, "to": lead.code, "reason": self.evidence.get("note")}
            tell_new_lead(session, case, lead, content, now=self.now)
        self._follow(step, whistle, after)
        for one in blown if after.closed else ():
            close(one, at=self.at)

    def _blow(self, step: Step, after: Progress, called: tuple[str, ...]) -> None:
        blow_step(
            self.session,
            self.settings,
            self.case,
            self.running,
            after,
            step,
            called,
            self.evidence,
            None,
            actor=self.caller.subject,
            at=self.at,
            now=self.now,
        )
        limit_by_called(self.session, self.case, self.running)

    def _follow(self, step: Step, whistle: Whistle | None, after: Progress) -> None:
        session, case = self.session, self.case
        if self.running.two_sides and whistle is not None:
            joint.after_step(
                session,
                self.settings,
                case,
                whistle,
                step.name,
                self.party,
                self.evidence,
                after,
                self.now,
            )
        elif after.step != self.before.step:
            tell_next(session, case, self.running, after, but=(self.party,), now=self.now)
        if whistle is not None and after.closed:
            close(whistle, at=self.at)

    def go_back(self, back: Return) -> None:
        after = go_back(
            self.running,
            self.before,
            back.name,
            party=self.party,
            evidence=self.evidence,
            actor=self.caller.subject,
        )
        session, case = self.session, self.case
        named = responsible_now(session, self.party, self.evidence) if back.refuses else None
        resume_if_due(session, case, now=self.now, early=True)
        self._note(back, self.evidence, after)
        self._keep(after)
        if named is not None:
            follow_refusal(
                session,
                self.settings,
                case,
                self.running,
                self.party,
                named,
                str(self.evidence["note"]),
                actor=self.caller.subject,
                now=self.now,
            )
        else:
            tell_next(session, case, self.running, after, but=(self.party,), now=self.now)

    def _check_bodies(self, step: Step) -> None:
        """Bodies that the evidence names for a role must exist. Raises NotFound."""
        names = [role.value for role in step.names] + (["to"] if step.sends_on else [])
        for name in names:
            if self.evidence.get(name):
                body_or_refuse(self.session, str(self.evidence[name]), field=f"evidence.{name}")

    def _note(self, step: Step | Return, content: dict[str, Any], after: Progress) -> None:
        found = judged(
            self.session,
            self.case,
            step,
            self.body,
            self.evidence,
            before=self.before,
            after=after,
            now=self.now,
        )
        entry = append(
            self.session,
            self.case.district_code,
            self.case.id,
            action=step.name,
            actor=self.caller.subject,
            content=content | ({"judged": found} if found else {}),
            at=self.at,
            now=self.now,
            body_code=self.body,
        )
        if self.body is not None:
            hand_in(
                self.session,
                self.case,
                step.name,
                step.by,
                self.body,
                self.before,
                n=entry.n,
                now=self.now,
            )

    def _keep(self, after: Progress) -> None:
        if after.step != self.before.step and not after.closed:
            enter(self.case, self.running, after, since=self.at, now=self.now)
        else:
            keep(self.case, self.running, after, at=self.at, now=self.now)


def _act(
    session: Session,
    settings: Settings,
    case: CaseFile,
    running: Procedure,
    progress: Progress,
    caller: Caller,
    given: StepGiven,
    now: dt.datetime,
) -> None:
    if given.at is not None:
        raise BadInput(f"'{given.step}' counts from now; leave 'at' out.", field="at")
    rule = running.acts[given.step]
    party = acting_party(session, caller, case, progress, rule, given.body, name=given.step)
    act(
        session,
        settings,
        case,
        running,
        given.step,
        given.carried(case),
        party=party,
        body=None if party in (SUPERVISION, COMMAND, REPORTER) else party,
        actor=caller.subject,
        now=now,
    )


def _happened_at(case: CaseFile, given: dt.datetime | None, now: dt.datetime) -> dt.datetime:
    """When a step was taken: not before the case, nor before the step that made it due."""
    at = happened_at(given, since=case.opened_at, now=now)
    if given is not None and case.state == "open":
        event = f"the step before '{case.step}' was taken"
        return happened_at(given, since=step_start(case), now=now, event=event)
    return at


def _told_who(
    session: Session, case: CaseFile, progress: Progress, step: str, refused: StepRefused
) -> StepRefused:
    """The refusal of a step that was taken already, with who took it and when."""
    entry = trace.last_of(session, case.district_code, case.id, step)
    if entry is None or (progress.step == step and not progress.taken_by and not progress.closed):
        return refused
    by, when = entry.body_code or entry.actor, entry.at.isoformat()
    said = f"{refused.detail} '{step}' was last taken by {by} ({entry.actor}) at {when}."
    taken = {"by": by, "actor": entry.actor, "at": when}
    return StepRefused(said, field=refused.field, **(refused.extra | {"taken": taken}))
