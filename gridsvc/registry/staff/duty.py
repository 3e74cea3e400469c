"""Who is on duty: the one question that other parts of the service ask of the register."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection

from sqlalchemy.orm import Session

from gridsvc.city import City
from gridsvc.registry.staff import repository
from gridsvc.registry.staff.model import OnDuty, Place, StaffRole, Where
from gridsvc.registry.staff.models import StaffMember
from gridsvc.registry.staff.shifts import Shifts


def on_duty(
    session: Session,
    city: City,
    where: Where,
    at: dt.datetime,
    roles: Collection[StaffRole] = (),
) -> list[OnDuty]:
    """Those who are on duty at a place at a moment, who serve nearest to it first.

    First those of the grid or the very area, then those inside it, then those of the areas above.
    No ``roles``: all of them.
    """
    members: dict[uuid.UUID, StaffMember] = {}
    served: dict[uuid.UUID, list[Place]] = defaultdict(list)
    for member, place in repository.serving(session, where, city.day(at), roles):
        members[member.id] = member
        served[member.id].append(place)
    found = [
        _on_duty(member, served[id])
        for id, member in members.items()
        if Shifts.read(member.shifts).hold(at, city.calendar)
    ]
    return sorted(found, key=lambda one: min(rank(place, where) for place in one.serves))


def nearest(
    session: Session, city: City, where: Where, at: dt.datetime, roles: Collection[StaffRole]
) -> list[OnDuty]:
    """Of those who are on duty, the ones who serve nearest to a place."""
    found = on_duty(session, city, where, at, roles)
    ranks = [min(rank(place, where) for place in one.serves) for one in found]
    return [one for one, its in zip(found, ranks, strict=True) if its == ranks[0]]


def rank(place: Place, where: Where) -> int:
    """How near a place lies to what was asked for: 0 the same, 1 inside it, then ever wider."""
    if place.kind != "area" and place.code in (where.unit_grid, where.social_grid):
        return 0
    if place.area_code == where.area:
        return 1 if place.kind != "area" or where.unit_grid or where.social_grid else 0
    return (
        1 if place.area_code.startswith(where.area) else 2 + len(where.area) - len(place.area_code)
    )


def _on_duty(member: StaffMember, places: list[Place]) -> OnDuty:
    return OnDuty(
        id=member.id,
        district_code=member.district_code,
        code=member.code,
        name=member.name,
        role=StaffRole(member.role),
        body_code=member.body_code,
        subject=member.subject,
        serves=tuple(places),
    )
