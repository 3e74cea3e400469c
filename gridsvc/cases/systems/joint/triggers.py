"""Decides at intake whether a report summons both sides of a border, asks, or proposes."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from shapely.geometry import MultiPolygon

from gridsvc.cases.core.act import Act
from gridsvc.cases.intake import repository
from gridsvc.cases.intake.model import PinMoved, ReportFiled
from gridsvc.cases.systems.joint.blowing import blow_joint, drop_proposal
from gridsvc.cases.systems.joint.grounds import (
    JointGround,
    JointTrigger,
    trigger_for_conflict,
    trigger_for_crowd,
    trigger_for_dispute,
    trigger_for_footprint,
    trigger_for_near,
)
from gridsvc.cases.systems.whistles import joint_whistle_of
from gridsvc.city.classes import ClassKey
from gridsvc.registry.bodies.model import Ground
from gridsvc.registry.bodies.repository import bodies_by_code
from gridsvc.registry.disputes.repository import disputes_at
from gridsvc.registry.placement.model import Placement
from gridsvc.registry.placement.straddle import Straddle

__all__ = ["follow_pin", "follow_report"]


@dataclass(frozen=True, slots=True)
class _Site:
    """The place of a report, why its responsible body answers, and its footprint.

    An asset's owner answers on every side.
    """

    placement: Placement
    key: ClassKey
    ground: Ground
    footprint: MultiPolygon | None = None
    shares: Straddle | None = None


def follow_report(act: Act, event: ReportFiled) -> dict[str, Any]:
    """Blow, ask or propose for a report that was filed in a locked case that merges reports."""
    if not act.procedure.merges:
        return {}
    routed = event.matched.routed
    new = routed.located.new
    site = _Site(
        routed.located.placement,
        new.key,
        routed.responsibility.ground,
        None if new.footprint is None else new.footprint.geometry,
        routed.located.shares,
    )
    return _follow(act, site, new_case=not event.matched.joined)


def follow_pin(act: Act, event: PinMoved) -> dict[str, Any]:
    """As for a report that is filed at the new place; what was proposed for the old one is gone."""
    if not act.procedure.merges:
        return {}
    if event.case_moved:
        drop_proposal(act)
        act.withdraw("near_border")
    site = _Site(event.placement, event.key, event.responsibility.ground)
    return _follow(act, site, new_case=False)


def _follow(act: Act, site: _Site, *, new_case: bool) -> dict[str, Any]:
    certain = (
        trigger_for_footprint(site.placement, site.shares)
        or trigger_for_conflict(site.placement)
        or _disputed(act, site)
    )
    near = trigger_for_near(site.placement, site.ground) if certain is None else None
    asks = act.city.settings.joint_whistle_asks
    present = None if new_case else joint_whistle_of(act.session, act.case)
    if present is not None and present.state == "open":
        return {"joint_whistle_id": present.id}
    if certain is not None and (present is None or not asks):
        return {"joint_whistle_id": _blow(act, certain, site, ask_first=asks)}
    if near is not None:
        minutes = act.city.settings.confirm_within_minutes
        due_at = act.now + dt.timedelta(minutes=minutes)
        content = {"lead": act.case.lead_body, **near.facts}
        act.tell([near.other], "near_border", content, due_at=due_at)
    answer: dict[str, Any] = {"needs_confirmation": near is not None}
    if present is not None:
        return answer | {"joint_whistle_id": present.id}
    crowd = _crowd(act, site)
    if crowd is None:
        return answer
    return answer | {"joint_whistle_id": _blow(act, crowd, site, ask_first=True)}


def _disputed(act: Act, site: _Site) -> JointTrigger | None:
    placed = site.placement
    return trigger_for_dispute(placed, disputes_at(act.session, placed.lon, placed.lat))


def _crowd(act: Act, site: _Site) -> JointTrigger | None:
    placed, settings = site.placement, act.city.settings
    if placed.border is None or placed.border.distance_m > settings.crowd_within_m:
        return None
    counts = repository.crowd_near(
        act.session,
        lon=placed.lon,
        lat=placed.lat,
        within_m=settings.crowd_within_m,
        key=site.key,
    )
    return trigger_for_crowd(placed, site.ground, counts, least=settings.crowd_reports)


def _blow(act: Act, trigger: JointTrigger, site: _Site, *, ask_first: bool) -> uuid.UUID | None:
    """The street that received the case leads, where it is one of the two sides.

    A side whose office is not registered cannot be called: the report is kept all the same, and
    the trace says what was not done.
    """
    lead, other, own = trigger.lead, trigger.other, act.case.district_code
    if other == act.case.lead_body or (lead[:6] != own and other[:6] == own):
        lead, other = other, lead
    bodies = bodies_by_code(act.session, [lead, other])
    missing = [code for code in (lead, other) if code not in bodies]
    if missing:
        content = {"ground": trigger.ground.value, "facts": trigger.facts, "unregistered": missing}
        act.record("whistle_not_blown", content)
        return None
    whistle = blow_joint(
        act,
        trigger.ground,
        bodies[lead],
        bodies[other],
        trigger.facts,
        ask_first=ask_first or trigger.ground is JointGround.CROWD,
        footprint=site.footprint,
    )
    return whistle.id
