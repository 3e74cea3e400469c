"""Blows joint whistles; called bodies accept, report in, finish, and are scored."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from geoalchemy2.shape import from_shape, to_shape
from pyproj import Geod
from shapely.geometry import MultiPolygon, Point
from sqlalchemy.orm import Session

from gridsvc.cases.files import repository as files
from gridsvc.cases.files.models import CaseFile
from gridsvc.cases.messages.service import send
from gridsvc.cases.moments import happened_at
from gridsvc.cases.procedures.engine import begin
from gridsvc.cases.procedures.loader import procedure
from gridsvc.cases.procedures.model import Progress, Requirement
from gridsvc.cases.trace.service import append
from gridsvc.cases.whistles import repository
from gridsvc.cases.whistles.grounds import JointGround
from gridsvc.cases.whistles.models import CalledBody, Whistle
from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput, NotFound, StepRefused
from gridsvc.registry.bodies.model import BodyRef
from gridsvc.settings import Settings

__all__ = [
    "accept",
    "approve",
    "blow_joint",
    "call_departments",
    "close",
    "done",
    "fix_report_in",
    "met_requirements",
    "report_in",
    "score",
]

_GEOD = Geod(ellps="WGS84")


def blow_joint(
    session: Session,
    case: CaseFile,
    *,
    ground: JointGround,
    lead: BodyRef,
    other: BodyRef,
    facts: dict[str, Any],
    actor: str,
    now: dt.datetime,
    ask_first: bool,
    footprint: MultiPolygon | None = None,
) -> Whistle:
    """Blow a joint whistle in a locked case; with ``ask_first`` it is only proposed.

    The receiving side leads (首接负责). Once blown, the case runs by the joint procedure and
    both sides are called. A whistle that was only proposed before gives way to this one.
    """
    _drop_proposal(session, case, actor=actor, now=now)
    elsewhere = [side.district for side in (lead, other) if side.district != case.district_code]
    whistle = Whistle(
        district_code=case.district_code,
        id=uuid7(),
        case_id=case.id,
        kind="everyday",
        joint=True,
        ground=ground.value,
        facts=facts | {"sides": [lead.to_json(), other.to_json()]},
        demand={},
        caller_body=lead.code,
        participant_district=elsewhere[0] if elsewhere else other.district,
        point=case.point,
        footprint=None if footprint is None else from_shape(footprint, srid=4326),
        state="proposed",
        blown_at=now,
        closed_at=None,
    )
    session.add(whistle)
    session.flush()
    if ask_first:
        append(
            session,
            case.district_code,
            case.id,
            action="whistle_proposed",
            actor=actor,
            content={"whistle_id": str(whistle.id), "ground": ground.value, "facts": facts},
            at=now,
            now=now,
        )
    else:
        _open(session, case, whistle, actor=actor, now=now)
    return whistle


def _drop_proposal(session: Session, case: CaseFile, *, actor: str, now: dt.datetime) -> None:
    proposed = repository.open_whistle_of(session, case.district_code, case.id)
    if proposed is None:
        return
    close(proposed, at=now)
    append(
        session,
        case.district_code,
        case.id,
        action="proposal_dropped",
        actor=actor,
        content={"whistle_id": str(proposed.id), "ground": proposed.ground},
        at=now,
        now=now,
    )


def approve(session: Session, whistle_id: uuid.UUID, *, actor: str, now: dt.datetime) -> Whistle:
    """Blow a whistle that was proposed. Raises NotFound, StepRefused."""
    whistle, case = _locked(session, whistle_id)
    if whistle.state != "proposed":
        raise StepRefused(f"The whistle is {whistle.state}; only a proposed one can be approved.")
    _open(session, case, whistle, actor=actor, now=now)
    return whistle


def _open(
    session: Session, case: CaseFile, whistle: Whistle, *, actor: str, now: dt.datetime
) -> None:
    lead, other = (side["code"] for side in whistle.facts["sides"])
    joint = procedure("joint")
    progress = begin(joint, lead=lead, other=other)
    kept = Progress.from_json(case.progress)
    case.procedure, case.procedure_version = joint.name, joint.version
    case.progress = progress.to_json() | {"refused_by": list(kept.refused_by)}
    case.step, case.lead_body = progress.step, lead
    case.limit_at = joint.limit_at(progress.step, now)
    case.participant_district = whistle.participant_district
    whistle.state, whistle.blown_at = "open", now
    for side in (lead, other):
        session.add(_call(whistle, side, called_from=side, role="side", task="", now=now))
    content = {
        "whistle_id": str(whistle.id),
        "ground": whistle.ground,
        "facts": whistle.facts,
        "leads": lead,
    }
    append(
        session,
        case.district_code,
        case.id,
        action="whistle_blown",
        actor=actor,
        content=content,
        at=now,
        now=now,
        body_code=lead,
    )
    send(
        session,
        case.district_code,
        case.id,
        (lead, other),
        topic="joint_whistle",
        content=content,
        now=now,
    )


def _call(
    whistle: Whistle, body: str, *, called_from: str, role: str, task: str, now: dt.datetime
) -> CalledBody:
    return CalledBody(
        district_code=whistle.district_code,
        whistle_id=whistle.id,
        body_code=body,
        called_from=called_from,
        role=role,
        task=task,
        told_at=now,
    )


def call_departments(
    session: Session,
    whistle: Whistle,
    departments: Sequence[BodyRef],
    *,
    called_from: str,
    now: dt.datetime,
) -> None:
    """A side brings its departments; each is called and will be assessed."""
    already = {called.body_code for called in repository.called_bodies(session, [whistle.id])}
    for department in departments:
        if department.code in already:
            raise BadInput(
                f"{department.name} ({department.code}) has been called already.",
                field="evidence.departments",
            )
        already.add(department.code)
        session.add(
            _call(
                whistle,
                department.code,
                called_from=called_from,
                role="department",
                task="",
                now=now,
            )
        )
    send(
        session,
        whistle.district_code,
        whistle.case_id,
        [department.code for department in departments],
        topic="called",
        content={"whistle_id": str(whistle.id), "by": called_from},
        now=now,
    )


def fix_report_in(session: Session, whistle: Whistle, *, by: dt.datetime) -> None:
    """From now on it is known until when everybody must have reported in."""
    for called in repository.called_bodies(session, [whistle.id]):
        called.report_in_by = by


def accept(
    session: Session,
    whistle_id: uuid.UUID,
    body: str,
    *,
    at: dt.datetime | None,
    actor: str,
    now: dt.datetime,
) -> CalledBody:
    """A called body accepts. Raises NotFound, StepRefused."""
    _, case, called = _locked_body(session, whistle_id, body)
    if called.accepted_at is not None:
        raise StepRefused(f"{body} has accepted already, at {called.accepted_at.isoformat()}.")
    called.accepted_at = happened_at(at, since=case.opened_at, now=now)
    _note(session, case, "accept", called, {}, actor=actor, at=called.accepted_at, now=now)
    return called


def report_in(
    session: Session,
    settings: Settings,
    whistle_id: uuid.UUID,
    body: str,
    *,
    lon: float,
    lat: float,
    at: dt.datetime | None,
    actor: str,
    now: dt.datetime,
) -> CalledBody:
    """A called body arrives at a WGS84 point: late after its limit, flagged when too far away.

    Raises StepRefused before both sides have fixed time and place, and for a second time.
    """
    whistle, case, called = _locked_body(session, whistle_id, body)
    if called.report_in_by is None:
        raise StepRefused(
            "Time and place are not fixed yet; both sides take 'agree_plan' before they report in."
        )
    if called.reported_in_at is not None:
        raise StepRefused(
            f"{body} has reported in already, at {called.reported_in_at.isoformat()}."
        )
    place = to_shape(whistle.point)
    called.reported_in_at = happened_at(at, since=case.opened_at, now=now)
    called.reported_in_point = from_shape(Point(lon, lat), srid=4326)
    called.metres_off = float(_GEOD.inv(place.x, place.y, lon, lat)[2])
    called.late = called.reported_in_at > called.report_in_by
    called.far = called.metres_off > settings.report_in_radius_m
    content = {
        "metres_off": round(called.metres_off, 1),
        "late": called.late,
        "far": called.far,
        "point": [lon, lat],
    }
    _note(
        session, case, "report_in", called, content, actor=actor, at=called.reported_in_at, now=now
    )
    return called


def done(
    session: Session,
    whistle_id: uuid.UUID,
    body: str,
    *,
    note: str,
    at: dt.datetime | None,
    actor: str,
    now: dt.datetime,
) -> CalledBody:
    """A called body says that its part is done. Raises StepRefused before it can be."""
    _, case, called = _locked_body(session, whistle_id, body)
    if called.reported_in_at is None:
        raise StepRefused(f"{body} has not reported in; that comes before 'done'.")
    if not Progress.from_json(case.progress).repeats:
        raise StepRefused("No joint action has been recorded; act on the spot before 'done'.")
    if called.done_at is not None:
        raise StepRefused(f"{body} was done already, at {called.done_at.isoformat()}.")
    called.done_at = happened_at(
        at, since=called.reported_in_at, now=now, event=f"{body} reported in"
    )
    _note(session, case, "done", called, {"note": note}, actor=actor, at=called.done_at, now=now)
    return called


def score(
    session: Session,
    whistle_id: uuid.UUID,
    body: str,
    *,
    by: str,
    value: int,
    note: str,
    actor: str,
    now: dt.datetime,
) -> CalledBody:
    """One side scores a body, 0 to 100: the other side, or a department that it called itself.

    Raises StepRefused for a body's own score, a stranger's, a second one, or one too early.
    """
    whistle, case, called = _locked_body(session, whistle_id, body)
    sides = [side["code"] for side in whistle.facts["sides"]]
    if by not in sides:
        raise StepRefused(f"Only the sides of the whistle score: {' and '.join(sides)}.")
    if by == body:
        raise StepRefused(f"{body} cannot score itself; the other side does.")
    if called.role == "department" and by != called.called_from:
        raise StepRefused(f"{body} was called by {called.called_from}, which scores it.")
    if called.done_at is None:
        raise StepRefused(f"{body} is not done yet; it is scored afterwards.")
    if called.score is not None:
        raise StepRefused(f"{body} has its score already, from {called.scored_by}.")
    called.score, called.scored_by = value, by
    content = {"score": value, "by": by, "note": note}
    _note(session, case, "score", called, content, actor=actor, at=now, now=now)
    return called


def close(whistle: Whistle, *, at: dt.datetime) -> None:
    """Close a whistle together with its case."""
    whistle.state, whistle.closed_at = "closed", at


def met_requirements(session: Session, whistle: Whistle | None) -> frozenset[Requirement]:
    """What holds now of the bodies that a whistle called."""
    if whistle is None or whistle.state != "open":
        return frozenset()
    called = repository.called_bodies(session, [whistle.id])
    sides = [body for body in called if body.role == "side"]
    facts = {
        Requirement.SIDES_REPORTED_IN: all(body.reported_in_at for body in sides),
        Requirement.ALL_REPORTED_IN: all(body.reported_in_at for body in called),
        Requirement.ALL_DONE: all(body.done_at for body in called),
        Requirement.ALL_SCORED: all(body.score is not None for body in called),
    }
    return frozenset(requirement for requirement, holds in facts.items() if holds)


def _locked(session: Session, whistle_id: uuid.UUID) -> tuple[Whistle, CaseFile]:
    found = repository.whistle_by_id(session, whistle_id)
    if found is None:
        raise NotFound(f"There is no whistle {whistle_id}.")
    case = files.lock_case(session, found.case_id)
    if case is None:
        raise AssertionError(f"whistle {whistle_id} has no case")
    session.refresh(found)
    return found, case


def _locked_body(
    session: Session, whistle_id: uuid.UUID, body: str
) -> tuple[Whistle, CaseFile, CalledBody]:
    whistle, case = _locked(session, whistle_id)
    if whistle.state != "open":
        raise StepRefused(f"The whistle is {whistle.state}; nothing can be recorded in it.")
    for called in repository.called_bodies(session, [whistle.id]):
        if called.body_code == body:
            return whistle, case, called
    raise NotFound(f"The whistle {whistle_id} did not call '{body}'.", field="body")


def _note(
    session: Session,
    case: CaseFile,
    action: str,
    called: CalledBody,
    content: dict[str, Any],
    *,
    actor: str,
    at: dt.datetime,
    now: dt.datetime,
) -> None:
    append(
        session,
        case.district_code,
        case.id,
        action=action,
        actor=actor,
        content={"whistle_id": str(called.whistle_id), **content},
        at=at,
        now=now,
        body_code=called.body_code,
    )
