"""Opens cases, takes their steps, sends them on, and shows them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from geoalchemy2.shape import from_shape
from shapely.geometry import Point
from sqlalchemy.orm import Session

from gridsvc.cases.files import joint, repository
from gridsvc.cases.files.acting import acting_party, may_see
from gridsvc.cases.files.models import CaseFile
from gridsvc.cases.messages.service import send
from gridsvc.cases.moments import happened_at
from gridsvc.cases.procedures.engine import SUPERVISION, begin, go_back, take
from gridsvc.cases.procedures.loader import procedure
from gridsvc.cases.procedures.model import Procedure, Progress
from gridsvc.cases.trace.service import append
from gridsvc.cases.whistles import repository as whistles
from gridsvc.cases.whistles.blowing import blow_joint, close, met_requirements
from gridsvc.cases.whistles.grounds import JointGround
from gridsvc.db.base import uuid7
from gridsvc.errors import NotAllowed, NotFound, StepRefused
from gridsvc.registry.access.model import Caller
from gridsvc.registry.bodies.model import BodyRef, Responsibility
from gridsvc.registry.bodies.service import body_or_refuse
from gridsvc.registry.classes.model import ClassKey
from gridsvc.settings import Settings

__all__ = ["StepGiven", "open_case", "readable_case", "send_on", "take_step"]


@dataclass(frozen=True, slots=True)
class StepGiven:
    """A step as somebody sends it."""

    step: str
    body: str | None
    note: str | None
    evidence: Mapping[str, Any]
    at: dt.datetime | None


def open_case(
    session: Session,
    *,
    district_code: str,
    key: ClassKey,
    responsibility: Responsibility,
    lon: float,
    lat: float,
    part_code: str | None,
    actor: str,
    now: dt.datetime,
) -> CaseFile:
    """A new ordinary case, collected, filed and dispatched to the body that answers."""
    ordinary = procedure("ordinary")
    lead = responsibility.lead.code
    progress = begin(ordinary, lead=lead)
    case = CaseFile(
        district_code=district_code,
        id=uuid7(),
        procedure=ordinary.name,
        procedure_version=ordinary.version,
        step=progress.step,
        progress=progress.to_json(),
        state="open",
        standard=key.standard,
        kind=key.kind,
        class_code=key.code,
        lead_body=lead,
        participant_district=None,
        part_code=part_code,
        point=from_shape(Point(lon, lat), srid=4326),
        limit_at=ordinary.limit_at(progress.step, now),
        opened_at=now,
        closed_at=None,
    )
    session.add(case)
    session.flush()
    append(
        session,
        district_code,
        case.id,
        action="dispatch",
        actor=actor,
        content={"to": lead, "responsibility": responsibility.to_json()},
        at=now,
        now=now,
        body_code=lead,
    )
    told = dict.fromkeys([lead, *(body.code for body in responsibility.assist)])
    send(
        session,
        district_code,
        case.id,
        told,
        topic="case_opened",
        content={"lead": lead, "class": key.to_json(), "point": [lon, lat]},
        now=now,
    )
    return case


def readable_case(session: Session, caller: Caller, case_id: uuid.UUID) -> CaseFile:
    """The case, if the caller may read it. Raises NotFound, NotAllowed."""
    case = repository.case_by_id(session, case_id)
    if case is None:
        raise NotFound(f"There is no case {case_id}.")
    blown = whistles.whistles_of(session, case.district_code, case.id)
    called = whistles.called_bodies(session, [whistle.id for whistle in blown])
    if not may_see(caller, case, frozenset(body.body_code for body in called)):
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
    """Take a step or a way back. Raises StepRefused with what is due and who takes it.

    Of two callers at the same moment one waits for the other, and is then told.
    """
    case = repository.lock_case(session, case_id)
    if case is None:
        raise NotFound(f"There is no case {case_id}.")
    running = procedure(case.procedure)
    progress = Progress.from_json(case.progress)
    at = happened_at(given.at, since=case.opened_at, now=now)
    evidence = {**given.evidence, **({"note": given.note} if given.note else {})}
    back = running.way_back(given.step)
    step = back or running.step(given.step)
    if step is None:
        names = [s.name for s in running.steps] + [b.name for b in running.returns]
        raise StepRefused(
            f"'{given.step}' is no step of '{running.name}'; its steps are {', '.join(names)}.",
            field="step",
        )
    whistle = whistles.open_whistle_of(session, case.district_code, case.id)
    party = acting_party(session, caller, case, progress, step, given.body)
    if back is not None:
        after = go_back(running, progress, back.name, party=party, evidence=evidence)
    else:
        after = take(
            running,
            progress,
            step.name,
            party=party,
            evidence=evidence,
            met=met_requirements(session, whistle),
        )
    append(
        session,
        case.district_code,
        case.id,
        action=step.name,
        actor=caller.subject,
        content=evidence,
        at=at,
        now=now,
        body_code=None if party == SUPERVISION else party,
    )
    _keep(case, running, after, at)
    if back is not None and back.name == "refuse":
        _refused(session, settings, case, party, evidence, actor=caller.subject, now=now)
    elif whistle is not None and running.name == "joint":
        joint.after_step(session, settings, case, whistle, step.name, party, evidence, after, now)
    if whistle is not None and after.closed:
        close(whistle, at=at)
    return case


def _keep(case: CaseFile, running: Procedure, progress: Progress, at: dt.datetime) -> None:
    if progress.step != case.step:
        case.limit_at = running.limit_at(progress.step, at)
    case.progress = progress.to_json()
    case.step = progress.step
    if progress.closed:
        case.state, case.closed_at, case.limit_at = "closed", at, None


def _refused(
    session: Session,
    settings: Settings,
    case: CaseFile,
    refuser: str,
    evidence: Mapping[str, Any],
    *,
    actor: str,
    now: dt.datetime,
) -> None:
    """A refusal sends the case on; when the one it names has refused too, both are called.

    Of the two, the one that received the case first leads (首接负责).
    """
    named = body_or_refuse(
        session, str(evidence["responsible_now"]), field="evidence.responsible_now"
    )
    if named.code == refuser:
        raise StepRefused(
            f"{refuser} cannot name itself as responsible.", field="evidence.responsible_now"
        )
    progress = Progress.from_json(case.progress)
    progress = replace(progress, refused_by=(*progress.refused_by, refuser))
    case.progress = progress.to_json()
    if named.code not in progress.refused_by:
        send_on(session, case, named, reason=str(evidence["note"]), actor=actor, now=now)
        return
    received_first = sorted((named.code, refuser), key=progress.refused_by.index)
    lead, rival = (body_or_refuse(session, code, field="body") for code in received_first)
    blow_joint(
        session,
        case,
        ground=JointGround.REFUSAL,
        lead=lead,
        other=rival,
        facts={
            "refused_by": list(progress.refused_by),
            "explanation": f"{refuser} and {named.code} each say that the place is the other's.",
        },
        actor="gridsvc",
        now=now,
        ask_first=settings.joint_whistle_asks,
    )


def send_on(
    session: Session,
    case: CaseFile,
    body: BodyRef,
    *,
    reason: str,
    actor: str,
    now: dt.datetime,
) -> None:
    """Dispatch a locked case to another body, which leads it from now on, with its full time."""
    before = case.lead_body
    case.limit_at = procedure(case.procedure).limit_at(case.step, now)
    progress = replace(Progress.from_json(case.progress), lead=body.code)
    case.progress, case.lead_body = progress.to_json(), body.code
    if body.district not in (None, case.district_code):
        case.participant_district = body.district
    content = {"from": before, "to": body.code, "reason": reason}
    append(
        session,
        case.district_code,
        case.id,
        action="send_on",
        actor=actor,
        content=content,
        at=now,
        now=now,
        body_code=body.code,
    )
    send(
        session,
        case.district_code,
        case.id,
        [body.code],
        topic="case_sent_on",
        content=content,
        now=now,
    )
