"""Whether a whistle asks a body for what the street may do itself (权责清单, 赋权清单)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from gridsvc.cases.core.act import Act
from gridsvc.cases.systems.whistles.demand import Demand
from gridsvc.cases.systems.whistles.kinds import WhistleKind
from gridsvc.errors import BadInput, StepRefused
from gridsvc.registry.bodies.repository import BodyRef, bodies_by_code
from gridsvc.registry.powers.model import HeldPower
from gridsvc.registry.powers.repository import powers_named, powers_of

#: So many powers are named in a refusal.
_SHOWN = 3


def powers_asked_for(
    act: Act,
    *,
    caller: str,
    bodies: Collection[str],
    demand: Demand,
    kind: WhistleKind | None,
    at: dt.datetime,
    field: str,
) -> dict[str, Any]:
    """The powers that a letter asks for, by body, as it states them.

    Where it names none for a body, those of the body that say to be about the case's class are
    meant. In an emergency people are called, not powers, and where the ``kind`` is not known yet
    (None) it may be one: then only what is named is looked at. Raises BadInput for a power that
    the body does not have on the day, StepRefused, with the clause, for one that the calling
    street has itself.
    """
    bodies_known = bodies_by_code(act.session, [caller, *bodies])
    party, day = bodies_known.get(caller), act.city.day(at)
    street = party.area_code[:9] if party is not None and party.kind == "street" else None
    named = _named(act, bodies_known, demand, day, street, field)
    if street is None:
        return {body: _stated(power, demand, body) for body, power in named.items()}
    for body, power in named.items():
        _refuse_own(bodies_known[body], [power], demand, field)
    unnamed = [body for body in bodies if body not in named]
    if kind in (WhistleKind.EVERYDAY, WhistleKind.TOUGH) and unnamed:
        found = powers_of(act.session, unnamed, day, street)
        about = [one for one in found if one.about(act.case.kind, act.case.class_code)]
        for body in unnamed:
            theirs = [power for power in about if power.holder == body]
            _refuse_own(bodies_known[body], theirs, demand, field)
    return {body: _stated(power, demand, body) for body, power in named.items()}


def _named(
    act: Act,
    bodies: Mapping[str, BodyRef],
    demand: Demand,
    day: dt.date,
    street: str | None,
    field: str,
) -> dict[str, HeldPower]:
    """The powers that a letter names, each of its body."""
    if not demand.powers:
        return {}
    area = street or act.case.district_code
    found = powers_named(act.session, area, demand.powers.values(), day, street)
    named = {}
    for body, code in demand.powers.items():
        lists = [power for power in found if power.code == code]
        own = next((power for power in lists if power.holder == body), None)
        if own is not None:
            named[body] = own
        elif lists:
            raise BadInput(
                f"The power {code} ({lists[0].name}) is {lists[0].holder_name}'s"
                f" ({lists[0].holder}), not {bodies[body].name}'s; call the one who has it.",
                field=f"{field}.powers",
            )
        else:
            raise BadInput(
                f"On {day} no list for {area} has the power '{code[:40]}'; GET /v1/powers lists"
                " them.",
                field=f"{field}.powers",
            )
    return named


def _refuse_own(body: BodyRef, powers: Sequence[HeldPower], demand: Demand, field: str) -> None:
    """Raise StepRefused where the street has every one of these powers itself."""
    if not powers or any(not power.delegations for power in powers):
        return
    own = [(power, one) for power in powers for one in power.delegations]
    if bounded := [one for one in own if one[1].conditions]:
        if body.code in demand.beyond:
            return
        power, one = bounded[0]
        raise StepRefused(
            f"You may act yourself under conditions: {one.document} delegates {power.code}"
            f" {power.name} to {one.office_name} where: {one.conditions}. Say in 'beyond' why"
            f" this lies beyond them, and {body.name} is called.",
            field=f"{field}.beyond",
            powers=[_clause(power, one.document) for power, one in bounded[:_SHOWN]],
        )
    power, one = own[0]
    raise StepRefused(
        f"You may act yourself: {one.document} delegates {power.code} {power.name} to"
        f" {one.office_name} from {one.valid_from} on. If you need something else of {body.name},"
        " name the power in 'powers'.",
        field=f"{field}.powers",
        powers=[_clause(power, one.document) for power, one in own[:_SHOWN]],
    )


def _clause(power: HeldPower, document: str) -> dict[str, str]:
    return {"code": power.code, "name": power.name, "document": document}


def _stated(power: HeldPower, demand: Demand, body: str) -> dict[str, str]:
    """A power as its letter states it, whatever becomes of the list."""
    stated = {
        "code": power.code,
        "name": power.name,
        "kind": power.kind.value,
        "basis": power.basis,
    }
    return stated | ({"beyond": demand.beyond[body]} if body in demand.beyond else {})
