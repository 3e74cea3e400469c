"""Blows joint whistles: proposed or at once, both sides called, departments brought."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from geoalchemy2.shape import from_shape
from shapely.geometry import MultiPolygon

from gridsvc.cases.core.act import Act, Occasion
from gridsvc.cases.core.events import StepDue
from gridsvc.cases.core.progress import begin, carried_over, present_step
from gridsvc.cases.systems.whistles import (
    CalledBody,
    Whistle,
    called_bodies,
    joint_whistle_of,
    locked_whistle,
)
from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput, StepRefused
from gridsvc.registry.bodies.repository import BodyRef


class JointGround(StrEnum):
    """Why both sides of a border are called. The first three blow by themselves.

    A line that crosses both is made a team's (执法小分队), by its own procedure.
    """

    FOOTPRINT = "footprint"
    CONFLICT = "conflict"
    REFUSAL = "refusal"
    NEAR = "near"
    CROWD = "crowd"
    LINE = "line"


#: The procedure of a ground that does not run by the joint one.
_PROCEDURES = {JointGround.LINE.value: "line_team"}


def blow_joint(
    act: Act,
    ground: JointGround,
    lead: BodyRef,
    other: BodyRef,
    facts: Mapping[str, Any],
    *,
    ask_first: bool,
    new_case: bool = False,
    actor: str | None = None,
    footprint: MultiPolygon | None = None,
    demand: Mapping[str, Any] | None = None,
) -> Whistle:
    """Blow a joint whistle in a locked case; with ``ask_first`` it is only proposed.

    The receiving side leads (首接负责). Once blown, the case runs by the joint procedure and
    both sides are called. A whistle that was only proposed before, in a case that is not a
    ``new_case``, gives way to this one.
    """
    case = act.case
    if not new_case:
        drop_proposal(act, actor=actor)
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
        facts={**facts, "sides": [lead.to_json(), other.to_json()]},
        demand=dict(demand or {}),
        caller_body=lead.code,
        participant_district=elsewhere[0] if elsewhere else other.district,
        point=case.point,
        footprint=None if footprint is None else from_shape(footprint, srid=4326),
        state="proposed",
        blown_at=act.now,
        recorded_at=None,
        closed_at=None,
    )
    act.session.add(whistle)
    act.session.flush()
    if ask_first:
        said = {"whistle_id": str(whistle.id), "ground": ground.value, "facts": dict(facts)}
        act.record("whistle_proposed", said, actor=actor)
    else:
        _open(act, whistle, actor=actor)
    return whistle


def drop_proposal(act: Act, *, actor: str | None = None) -> None:
    """Close a joint whistle that is only proposed, if the case has one."""
    proposed = joint_whistle_of(act.session, act.case)
    if proposed is None or proposed.state != "proposed":
        return
    proposed.state, proposed.closed_at = "closed", act.now
    content = {"whistle_id": str(proposed.id), "ground": proposed.ground}
    act.record("proposal_dropped", content, actor=actor)


def approve(occasion: Occasion, whistle_id: uuid.UUID) -> Whistle:
    """Blow a whistle that was proposed. Raises NotFound, StepRefused."""
    whistle, case = locked_whistle(occasion.session, whistle_id)
    if whistle.state != "proposed":
        raise StepRefused(f"The whistle is {whistle.state}; only a proposed one can be approved.")
    _open(occasion.on(case), whistle)
    return whistle


def _open(act: Act, whistle: Whistle, *, actor: str | None = None) -> None:
    lead, other = (side["code"] for side in whistle.facts["sides"])
    joint = act.city.procedures.newest(_PROCEDURES.get(whistle.ground, "joint"))
    progress = carried_over(begin(joint, lead=lead, other=other), act.progress)
    act.resume(early=True)
    act.enter(joint, progress)
    act.emit(StepDue(present_step(joint, act.progress)))
    act.case.participant_district = whistle.participant_district
    whistle.state, whistle.blown_at = "open", act.now
    for side in (lead, other):
        act.session.add(_called(act, whistle, side, called_from=side, role="side"))
    content = {
        "whistle_id": str(whistle.id),
        "ground": whistle.ground,
        "facts": whistle.facts,
        "leads": lead,
    }
    act.record("whistle_blown", content, body=lead, actor=actor)
    act.tell((lead, other), "joint_whistle", content)


def _called(act: Act, whistle: Whistle, body: str, *, called_from: str, role: str) -> CalledBody:
    return CalledBody(
        district_code=whistle.district_code,
        whistle_id=whistle.id,
        body_code=body,
        called_from=called_from,
        role=role,
        task="",
        told_at=act.now,
    )


def call_departments(
    act: Act, whistle: Whistle, departments: Sequence[BodyRef], *, called_from: str
) -> None:
    """A side brings its departments; each is called and will be assessed. Raises BadInput."""
    already = {called.body_code for called in called_bodies(act.session, [whistle.id])}
    for department in departments:
        if department.code in already:
            raise BadInput(
                f"{department.name} ({department.code}) has already been called.",
                field="evidence.departments",
            )
        already.add(department.code)
        act.session.add(
            _called(act, whistle, department.code, called_from=called_from, role="department")
        )
    content = {"whistle_id": str(whistle.id), "by": called_from}
    act.tell([department.code for department in departments], "called", content)


def fix_report_in(act: Act, whistle: Whistle, *, by: dt.datetime) -> None:
    """From now on it is known until when everybody must have reported in."""
    for called in called_bodies(act.session, [whistle.id]):
        called.report_in_by = by
