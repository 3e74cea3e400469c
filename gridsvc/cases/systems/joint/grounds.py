"""The five grounds of a joint whistle, as pure rules over what placement and cases know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gridsvc.registry.bodies.model import Ground
from gridsvc.registry.disputes.model import DisputeAt
from gridsvc.registry.placement.model import AreaRef, Neighbour, Placement
from gridsvc.registry.placement.straddle import Straddle

__all__ = [
    "JointGround",
    "JointTrigger",
    "trigger_for_conflict",
    "trigger_for_crowd",
    "trigger_for_dispute",
    "trigger_for_footprint",
    "trigger_for_near",
]


class JointGround(StrEnum):
    """Why both sides of a border are called. The first three blow by themselves."""

    FOOTPRINT = "footprint"
    CONFLICT = "conflict"
    REFUSAL = "refusal"
    NEAR = "near"
    CROWD = "crowd"


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
