"""Blows joint whistles: proposed or at once, both sides called, departments brought, closed."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from geoalchemy2.shape import from_shape
from shapely.geometry import MultiPolygon
from sqlalchemy.orm import Session

from gridsvc.cases.core import repository as files
from gridsvc.cases.core.engine import begin, carried_over
from gridsvc.cases.core.messages.service import send
from gridsvc.cases.core.models import CaseFile
from gridsvc.cases.core.progress import Progress
from gridsvc.cases.core.side_acts import resume_if_due
from gridsvc.cases.core.stepping import enter
from gridsvc.cases.core.trace.service import append
from gridsvc.cases.systems.joint.grounds import JointGround
from gridsvc.cases.systems.whistles import repository
from gridsvc.cases.systems.whistles.models import CalledBody, Whistle
from gridsvc.city.current import current
from gridsvc.city.procedures.model import Requirement
from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput, NotFound, StepRefused
from gridsvc.registry.bodies.model import BodyRef

__all__ = [
    "approve",
    "blow_joint",
    "call_departments",
    "close",
    "fix_report_in",
    "locked_whistle",
    "met_requirements",
]


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
        level=None,
        follows_id=None,
        ground=ground.value,
        facts=facts | {"sides": [lead.to_json(), other.to_json()]},
        demand={},
        caller_body=lead.code,
        participant_district=elsewhere[0] if elsewhere else other.district,
        point=case.point,
        footprint=None if footprint is None else from_shape(footprint, srid=4326),
        state="proposed",
        blown_at=now,
        recorded_at=None,
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
    whistle, case = locked_whistle(session, whistle_id)
    if whistle.state != "proposed":
        raise StepRefused(f"The whistle is {whistle.state}; only a proposed one can be approved.")
    _open(session, case, whistle, actor=actor, now=now)
    return whistle


def _open(
    session: Session, case: CaseFile, whistle: Whistle, *, actor: str, now: dt.datetime
) -> None:
    lead, other = (side["code"] for side in whistle.facts["sides"])
    joint = current().procedures.of("joint")
    progress = begin(joint, lead=lead, other=other)
    kept = Progress.from_json(case.progress)
    resume_if_due(session, case, now=now, early=True)
    enter(case, joint, carried_over(progress, kept), since=now)
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


def close(whistle: Whistle, *, at: dt.datetime) -> None:
    """Close a whistle together with its case."""
    whistle.state, whistle.closed_at = "closed", at


def met_requirements(
    session: Session, blown: Sequence[Whistle], party: str
) -> frozenset[Requirement]:
    """What holds now of the bodies that open whistles called, and of the party itself."""
    if not blown:
        return frozenset()
    called = repository.called_bodies(session, [whistle.id for whistle in blown])
    sides = [body for body in called if body.role == "side"]
    own = [body for body in called if body.body_code == party]
    facts = {
        Requirement.SELF_REPORTED_IN: any(body.reported_in_at for body in own),
        Requirement.SIDES_REPORTED_IN: all(body.reported_in_at for body in sides),
        Requirement.ALL_REPORTED_IN: all(body.reported_in_at for body in called),
        Requirement.ALL_DONE: all(body.done_at for body in called),
        Requirement.ALL_SCORED: all(body.score is not None for body in called),
    }
    return frozenset(requirement for requirement, holds in facts.items() if holds)


def locked_whistle(session: Session, whistle_id: uuid.UUID) -> tuple[Whistle, CaseFile]:
    """A whistle and its case, kept for this transaction. Raises NotFound."""
    found = repository.whistle_by_id(session, whistle_id)
    if found is None:
        raise NotFound(f"There is no whistle {whistle_id}.")
    case = files.lock_case(session, found.case_id)
    if case is None:
        raise AssertionError(f"whistle {whistle_id} has no case")
    session.refresh(found)
    return found, case
