"""The grounds of a joint whistle, and whether a report summons both sides, asks, or proposes."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shapely.geometry import MultiPolygon

from gridsvc.cases.core.act import Act
from gridsvc.cases.intake import repository
from gridsvc.cases.intake.model import PinMoved, ReportFiled
from gridsvc.cases.intake.reports_repository import others_drew
from gridsvc.cases.systems.joint.blowing import JointGround, blow_joint, drop_proposal
from gridsvc.cases.systems.whistles import joint_whistle_of, withdrawn_before
from gridsvc.city.classes import ClassKey
from gridsvc.registry.bodies.repository import agreement_settles, bodies_by_code
from gridsvc.registry.bodies.rule import Ground
from gridsvc.registry.disputes.model import DisputeAt
from gridsvc.registry.disputes.repository import disputes_at
from gridsvc.registry.placement.model import AreaRef, Neighbour, Placement
from gridsvc.registry.placement.service import Straddle


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
    return _follow(act, site, new_case=False, moved=event.case_moved)


def _follow(act: Act, site: _Site, *, new_case: bool, moved: bool = False) -> dict[str, Any]:
    certain = (
        trigger_for_footprint(site.placement, site.shares)
        or trigger_for_conflict(site.placement)
        or _disputed(act, site)
    )
    near = trigger_for_near(site.placement, site.ground) if certain is None else None
    present = None if new_case else joint_whistle_of(act.session, act.case)
    asks = act.city.settings.joint_whistle_asks or _unconfirmed(act, certain, new_case=new_case)
    if present is not None and present.state == "open":
        return {"joint_whistle_id": present.id}
    if (certain is not None or near is not None) and _settled(act, site):
        return {"needs_confirmation": False}
    # What its caller has taken back does not blow again by itself with the next report.
    stays = certain is not None and not (new_case or moved)
    if stays and certain and withdrawn_before(act.session, act.case, certain.ground.value):
        return {"needs_confirmation": False}
    if certain is not None and (present is None or not asks):
        return {"joint_whistle_id": _blow(act, certain, site, ask_first=asks, new_case=new_case)}
    if near is not None:
        minutes = act.city.settings.confirm_within_minutes
        due_at = act.now + dt.timedelta(minutes=minutes)
        content = {"lead": act.case.lead_body, **near.facts}
        act.tell([near.other], "near_border", content, due_at=due_at)
    answer: dict[str, Any] = {"needs_confirmation": near is not None}
    if present is not None:
        return answer | {"joint_whistle_id": present.id}
    crowd = _crowd(act, site)
    if crowd is None or _settled(act, site):
        return answer
    return answer | {"joint_whistle_id": _blow(act, crowd, site, ask_first=True, new_case=new_case)}


def _settled(act: Act, site: _Site) -> bool:
    """Whether an agreement in force says who leads here: then no ground is left for both sides."""
    return agreement_settles(
        act.session,
        lon=site.placement.lon,
        lat=site.placement.lat,
        outline_wkt=None if site.footprint is None else site.footprint.wkt,
        key=site.key,
        day=act.city.day(act.now),
    )


def _unconfirmed(act: Act, trigger: JointTrigger | None, *, new_case: bool) -> bool:
    """Whether only one person, whose role does not suffice, says that a footprint straddles.

    A footprint is whatever its sender draws; claims and disputes are in the boundaries themselves.
    """
    if trigger is None or trigger.ground is not JointGround.FOOTPRINT:
        return False
    if act.caller.role in act.city.settings.joint_whistle_roles.split(","):
        return False
    return new_case or not others_drew(act.session, act.case, act.caller.subject)


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


def _blow(
    act: Act, trigger: JointTrigger, site: _Site, *, ask_first: bool, new_case: bool
) -> uuid.UUID | None:
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
        new_case=new_case,
        footprint=site.footprint,
    )
    return whistle.id


@dataclass(frozen=True, slots=True)
class JointTrigger:
    """The two streets that a ground summons, the receiving one first, and the facts."""

    ground: JointGround
    lead: str
    other: str
    facts: dict[str, Any]


def trigger_for_footprint(placement: Placement, streets: Straddle | None) -> JointTrigger | None:
    """Ground 1: at least two streets have a share of the footprint above the accuracy.

    The street of the report's own point leads; if it holds no share, the largest share does.
    """
    if streets is None or not streets.straddles:
        return None
    codes = [part.code for part in streets.shares if part.area_m2 > streets.tolerance_m2]
    own = placement.street.code if placement.street else None
    lead = own if own in codes else codes[0]
    others = [code for code in codes if code != lead]
    across = [code for code in others if code[:6] != lead[:6]]
    return JointTrigger(
        JointGround.FOOTPRINT, lead, (across or others)[0], {"straddle": streets.to_json()}
    )


def trigger_for_conflict(placement: Placement) -> JointTrigger | None:
    """Ground 2: levels contradict each other, or several streets or districts claim the point."""
    streets = placement.claimed("street")
    if len(streets) > 1:
        return _between(placement, streets[0], streets[1], "Two streets claim the point.")
    if placement.conflict is None or not streets or placement.district is None:
        return None
    near = placement.border.neighbours if placement.border else ()
    own_side = [
        n for n in near if n.level == "street" and n.code.startswith(placement.district.code)
    ]
    if not own_side:
        return None
    rival = AreaRef(own_side[0].code, own_side[0].name)
    return _between(placement, streets[0], rival, placement.conflict.explanation)


def trigger_for_dispute(placement: Placement, disputes: Sequence[DisputeAt]) -> JointTrigger | None:
    """Ground 2: the place lies in a dispute that is not settled, and two streets are its sides.

    The report's own street leads if it is a side. A side that is a district stands for its street
    nearest to the place.
    """
    for dispute in disputes:
        sides = list(dict.fromkeys(filter(None, (_street(placement, it) for it in dispute.sides))))
        own = placement.street.code if placement.street else None
        lead = own if own in sides else next(iter(sides), None)
        others = [code for code in sides if code != lead]
        if lead is None or not others:
            continue
        across = [code for code in others if code[:6] != lead[:6]]
        facts = {
            "explanation": f"The place lies in a dispute ({dispute.kind}, {dispute.state}).",
            "dispute_id": str(dispute.id),
            "disputed_between": list(dispute.sides),
        }
        return JointTrigger(JointGround.CONFLICT, lead, (across or others)[0], facts)
    return None


def _street(placement: Placement, side: str) -> str | None:
    """The street that a side of a dispute is, lies in, or comes nearest to the place with."""
    if len(side) >= 9:
        return side[:9]
    claimed = [area.code for area in placement.claimed("street")]
    near = placement.border.neighbours if placement.border else ()
    streets = claimed + [n.code for n in near if n.level == "street"]
    return next((code for code in streets if code.startswith(side)), None)


def _between(placement: Placement, lead: AreaRef, other: AreaRef, why: str) -> JointTrigger:
    facts = {
        "explanation": why,
        "claims": {level: [a.code for a in areas] for level, areas in placement.claims},
    }
    return JointTrigger(JointGround.CONFLICT, lead.code, other.code, facts)


def trigger_for_near(placement: Placement, ground: Ground) -> JointTrigger | None:
    """Ground 4: near the border of another district, and no asset owner answers for the class."""
    own, across = placement.street, _streets_across(placement, ground)
    if own is None or not across or placement.border is None:
        return None
    if "district" not in placement.border.near_levels:
        return None
    facts = {
        "distance_m": across[0].distance_m,
        "accuracy_m": placement.accuracy_m,
        "neighbours": [n.to_json() for n in placement.border.neighbours],
    }
    return JointTrigger(JointGround.NEAR, own.code, across[0].code, facts)


def trigger_for_crowd(
    placement: Placement, ground: Ground, counts: Mapping[str, int], *, least: int
) -> JointTrigger | None:
    """Ground 5: ``least`` open reports of one class around the point, on both sides of a border.

    ``counts`` are those reports by district; no asset owner answers for the class.
    """
    own, across = placement.street, _streets_across(placement, ground)
    if own is None or not across or len(counts) < 2 or sum(counts.values()) < least:
        return None
    facts = {"reports": dict(counts)}
    return JointTrigger(JointGround.CROWD, own.code, across[0].code, facts)


def _streets_across(placement: Placement, ground: Ground) -> list[Neighbour]:
    """The streets of other districts within reach, unless an asset owner answers."""
    if ground is Ground.ASSET_OWNER or placement.border is None or placement.district is None:
        return []
    own = placement.district.code
    streets = [n for n in placement.border.neighbours if n.level == "street"]
    return [n for n in streets if not n.code.startswith(own)]
