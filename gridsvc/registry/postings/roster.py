"""Who can come to a place in a street now: posted and on duty first, then on call."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.city import City
from gridsvc.registry.postings import repository
from gridsvc.registry.postings.rules import POSTING_RULES, PostingKind
from gridsvc.registry.staff.shifts import Shifts
from gridsvc.spatial.ellipsoid import distance_m

#: The order in which people are offered.
OFFERED = (PostingKind.POSTED, PostingKind.ON_CALL)


@dataclass(frozen=True, slots=True)
class Listed:
    """Somebody of a street's roster at a moment.

    ``comes``: they are on duty and of a kind that comes. ``metres`` is the straight distance from
    their station to the place, ``minutes`` that over the speed of their kind and the time until
    they leave; None without a place, and for who does not come.
    """

    posting_id: uuid.UUID
    kind: PostingKind
    staff_code: str
    name: str
    body_code: str
    on_duty: bool
    comes: bool
    metres: float | None
    minutes: float | None
    valid_from: dt.date
    valid_to: dt.date | None


def roster(
    session: Session,
    city: City,
    street: str,
    at: dt.datetime,
    place: tuple[float, float] | None = None,
) -> list[Listed]:
    """The roster of a street at a moment; ``place`` is where they shall come to (WGS84).

    First who comes: posted, then on call, the soonest first; then who is not on duty, and liaison.
    """
    rules = city.table(POSTING_RULES)
    found = []
    for posting, member in repository.roster_on(session, [street], city.day(at)):
        kind = PostingKind(posting.kind)
        on_duty = Shifts.read(member.shifts).hold(at, city.calendar)
        metres = minutes = None
        if place is not None and posting.station is not None:
            station = to_shape(posting.station)
            metres = float(distance_m(station.x, station.y, *place))
            minutes = rules.kinds[kind].minutes(metres)
        found.append(
            Listed(
                posting_id=posting.id,
                kind=kind,
                staff_code=posting.staff_code,
                name=member.name,
                body_code=posting.body_code,
                on_duty=on_duty,
                comes=on_duty and kind in OFFERED,
                metres=metres,
                minutes=minutes,
                valid_from=posting.valid_from,
                valid_to=posting.valid_to,
            )
        )
    return sorted(found, key=_offered_first)


def by_body(listed: Sequence[Listed]) -> Mapping[str, list[Listed]]:
    """Those who can come, by their body, in the order in which they are offered."""
    found: dict[str, list[Listed]] = defaultdict(list)
    for one in listed:
        if one.comes:
            found[one.body_code].append(one)
    return found


def shown_minutes(one: Listed) -> float | None:
    """Minutes as they are shown."""
    return None if one.minutes is None else round(one.minutes, 1)


def _offered_first(one: Listed) -> tuple[bool, int, float, str]:
    order = [*OFFERED, PostingKind.LIAISON].index(one.kind)
    return not one.comes, order, 0.0 if one.minutes is None else one.minutes, one.staff_code


def estimate(city: City) -> str:
    """How minutes are made, in words."""
    kinds = city.table(POSTING_RULES).kinds
    parts = [
        f"{kind.value}: {kinds[kind].speed_kmh:g} km/h after {kinds[kind].leaves_after_min:g} min"
        for kind in OFFERED
    ]
    return f"straight distance over a speed that is a setting ({'; '.join(parts)})"
