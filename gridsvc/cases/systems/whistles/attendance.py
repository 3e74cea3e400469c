"""Who can come to a whistle, by the roster of its street (派驻名册): said before it is blown."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.cases.core.act import Act
from gridsvc.cases.core.models import Case
from gridsvc.cases.systems.whistles.demand import Demand
from gridsvc.city import City
from gridsvc.errors import StepRefused
from gridsvc.registry.bodies.repository import BodyRef, bodies_by_code
from gridsvc.registry.postings.roster import Listed, by_body, roster
from gridsvc.registry.postings.rules import PostingKind

#: Who comes of each body, in the order in which they are offered.
Comers = Mapping[str, Sequence[Listed]]


def comers(
    session: Session, city: City, case: Case, street: str | None, at: dt.datetime
) -> Comers | None:
    """Who can come to the place of a case at a moment; None where the street keeps no roster."""
    if street is None:
        return None
    place = to_shape(case.point)
    listed = roster(session, city, street, at, (place.x, place.y))
    return by_body(listed) if listed else None


def on_rosters(body: BodyRef) -> bool:
    """Whether rosters speak of a body: departments of the district post people to streets."""
    return body.kind == "department" and body.district is not None


def attended(
    act: Act,
    *,
    caller: str,
    bodies: Collection[str],
    demand: Demand,
    at: dt.datetime,
    field: str,
) -> dict[str, Any]:
    """How many can come of each called body, and how soon, as the whistle keeps it.

    Looked at when all shall meet, else now. Raises StepRefused for a body from which nobody can
    come, unless the demand says in ``unattended`` why it is called all the same.
    """
    known = bodies_by_code(act.session, [caller, *bodies])
    party, when = known.get(caller), demand.time or at
    street = party.area_code[:9] if party is not None and party.kind == "street" else None
    found = comers(act.session, act.city, act.case, street, when)
    if found is None:
        return {}
    counted = {}
    for code in bodies:
        body = known[code]
        there = found.get(code, ())
        if not there and on_rosters(body) and code not in demand.unattended:
            raise StepRefused(
                f"Nobody can come from {body.name} ({code}): the roster of {street} has nobody of"
                f" theirs posted and on duty, or on call, at {when.isoformat()}. Say in"
                " 'unattended' why it is called all the same.",
                field=f"{field}.unattended",
                nobody_from=code,
            )
        if there:
            counted[code] = _counted(there)
    return counted


def _counted(there: Sequence[Listed]) -> dict[str, Any]:
    soonest = [one.minutes for one in there if one.minutes is not None]
    return {
        **{
            kind.value: sum(one.kind is kind for one in there)
            for kind in (PostingKind.POSTED, PostingKind.ON_CALL)
        },
        "minutes": round(min(soonest), 1) if soonest else None,
    }
