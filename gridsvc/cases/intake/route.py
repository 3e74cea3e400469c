"""Says who answers for a located report, how a case of its own would begin, what it is about."""

from __future__ import annotations

from dataclasses import replace

from gridsvc.callers import Role
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.core.opening import choose_opening
from gridsvc.cases.intake.match import criteria_of
from gridsvc.cases.intake.model import Located, Routed
from gridsvc.city.classes import ClassKey
from gridsvc.registry.bodies.repository import Responsibility
from gridsvc.registry.bodies.service import AssetOwner, find_responsible
from gridsvc.registry.parts.models import Part
from gridsvc.registry.placement.model import Placement


def route(occasion: Occasion, located: Located) -> Routed:
    """Route a located report. Raises NotAllowed, BadInput, and NotFound where nobody answers."""
    new, city = located.new, occasion.city
    opening = choose_opening(
        city, occasion.caller, new.channel, new.key, name=new.procedure, named=new.seats
    )
    responsibility = responsible_for(occasion, located.placement, new.key, located.part)
    criteria = criteria_of(
        city,
        located.placement,
        key=new.key,
        part_code=located.place.part_code,
        place_text=new.place_text,
        responsible=responsibility.lead.code,
        exact=occasion.caller.role is Role.GRID_WORKER,
    )
    opening = replace(opening, whistle=new.whistle, made_at=new.made_at)
    return Routed(located, opening, responsibility, criteria)


def asset_of(part: Part) -> AssetOwner:
    """The bodies that answer for a part."""
    return AssetOwner(part.code, part.owner_body, part.maintainer_body, part.competent_body)


def responsible_for(
    occasion: Occasion, placement: Placement, key: ClassKey, part: Part | None
) -> Responsibility:
    """Who answers for a class at a place on the day of the occasion, by every list."""
    asset = None if part is None else asset_of(part)
    day = occasion.city.day(occasion.now)
    return find_responsible(occasion.session, placement, key=key, asset=asset, day=day)
