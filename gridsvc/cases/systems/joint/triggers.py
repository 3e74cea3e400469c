"""Decides at intake whether a report calls both sides of a border, asks, or proposes."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from shapely.geometry import MultiPolygon
from sqlalchemy.orm import Session

from gridsvc.cases.core.messages.service import send
from gridsvc.cases.core.models import CaseFile
from gridsvc.cases.core.trace.service import append
from gridsvc.cases.intake import repository
from gridsvc.cases.intake.model import NewReport
from gridsvc.cases.systems.joint.blowing import blow_joint
from gridsvc.cases.systems.joint.grounds import (
    JointCall,
    JointGround,
    call_for_conflict,
    call_for_crowd,
    call_for_dispute,
    call_for_footprint,
    call_for_near,
)
from gridsvc.cases.systems.whistles.repository import open_whistle_of
from gridsvc.city.classes import ClassKey
from gridsvc.registry.bodies.model import Ground, Responsibility
from gridsvc.registry.bodies.repository import bodies_by_code
from gridsvc.registry.disputes.repository import disputes_at
from gridsvc.registry.placement.atlas import Atlas
from gridsvc.registry.placement.model import Placement
from gridsvc.registry.placement.straddle import straddle
from gridsvc.settings import Settings

__all__ = ["Calls", "blow_if_called", "joint_call"]


@dataclass(frozen=True, slots=True)
class Calls:
    """The call that blows by itself, if any, and the one that asks the reporter first.

    ``ground`` is why the responsible body answers: an asset's owner answers on every side.
    """

    certain: JointCall | None
    near: JointCall | None
    ground: Ground
    footprint: MultiPolygon | None

    @property
    def needs_confirmation(self) -> bool:
        """Whether the reporter is asked on which side the place is."""
        return self.certain is None and self.near is not None


def joint_call(
    session: Session,
    atlas: Atlas,
    new: NewReport,
    placement: Placement,
    responsibility: Responsibility,
) -> Calls:
    """What the place itself says: a shared footprint, a conflict or dispute, a near border."""
    shared = None
    if new.footprint is not None and "street" in atlas.areas:
        shared = straddle(session, atlas, new.footprint.geometry, "street")
    disputes = disputes_at(session, placement.lon, placement.lat)
    return Calls(
        certain=call_for_footprint(placement, shared)
        or call_for_conflict(placement)
        or call_for_dispute(placement, disputes),
        near=call_for_near(placement, responsibility.ground),
        ground=responsibility.ground,
        footprint=None if new.footprint is None else new.footprint.geometry,
    )


def blow_if_called(
    session: Session,
    settings: Settings,
    case: CaseFile,
    placement: Placement,
    key: ClassKey,
    calls: Calls,
    *,
    new_case: bool,
    actor: str,
    now: dt.datetime,
) -> tuple[uuid.UUID | None, bool]:
    """Blow, ask or propose in a locked case.

    Gives the id of the case's joint whistle, and whether the reporter must confirm the side.
    """
    present = None if new_case else open_whistle_of(session, case.district_code, case.id)
    if present is not None and present.state == "open":
        return present.id, False
    if calls.certain is not None and (present is None or not settings.joint_whistle_asks):
        blown = _blow(session, settings, case, calls.certain, calls.footprint, actor=actor, now=now)
        return blown, False
    if calls.needs_confirmation and calls.near is not None:
        send(
            session,
            case.district_code,
            case.id,
            [calls.near.other],
            topic="near_border",
            content={"lead": case.lead_body, **calls.near.facts},
            now=now,
            due_at=now + dt.timedelta(minutes=settings.confirm_within_minutes),
        )
    if present is not None:
        return present.id, calls.needs_confirmation
    crowd = _crowd(session, settings, placement, key, calls.ground)
    if crowd is None:
        return None, calls.needs_confirmation
    proposed = _blow(session, settings, case, crowd, calls.footprint, actor=actor, now=now)
    return proposed, calls.needs_confirmation


def _crowd(
    session: Session, settings: Settings, placement: Placement, key: ClassKey, ground: Ground
) -> JointCall | None:
    if placement.border is None or placement.border.distance_m > settings.crowd_within_m:
        return None
    counts = repository.crowd_near(
        session,
        lon=placement.lon,
        lat=placement.lat,
        within_m=settings.crowd_within_m,
        key=key,
    )
    return call_for_crowd(placement, ground, counts, least=settings.crowd_reports)


def _blow(
    session: Session,
    settings: Settings,
    case: CaseFile,
    call: JointCall,
    footprint: MultiPolygon | None,
    *,
    actor: str,
    now: dt.datetime,
) -> uuid.UUID | None:
    """The street that received the case leads, where it is one of the two sides.

    A side whose office is not registered cannot be called: the report is kept all the same, and
    the trace says what was not done.
    """
    lead, other = call.lead, call.other
    if other == case.lead_body or (
        lead[:6] != case.district_code and other[:6] == case.district_code
    ):
        lead, other = other, lead
    bodies = bodies_by_code(session, [lead, other])
    missing = [code for code in (lead, other) if code not in bodies]
    if missing:
        append(
            session,
            case.district_code,
            case.id,
            action="whistle_not_blown",
            actor=actor,
            content={"ground": call.ground.value, "facts": call.facts, "unregistered": missing},
            at=now,
            now=now,
        )
        return None
    whistle = blow_joint(
        session,
        case,
        ground=call.ground,
        lead=bodies[lead],
        other=bodies[other],
        facts=call.facts,
        actor=actor,
        now=now,
        ask_first=settings.joint_whistle_asks or call.ground is JointGround.CROWD,
        footprint=footprint,
    )
    return whistle.id
