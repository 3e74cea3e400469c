"""Forms the team along a line: a joint whistle between its lead and each other side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gridsvc.cases.core.act import Occasion
from gridsvc.cases.core.opening import Opening, Place, open_case
from gridsvc.cases.core.rights import acting_body, own_body
from gridsvc.cases.systems.joint import JointGround, blow_joint, call_departments
from gridsvc.cases.systems.whistles import Whistle
from gridsvc.city.classes import ClassKey
from gridsvc.errors import BadInput
from gridsvc.layers.lines.service import Crossed, Crossing, middle
from gridsvc.registry.bodies.repository import BodyRef, Responsibility, bodies_by_code
from gridsvc.registry.bodies.rule import Ground
from gridsvc.registry.bodies.service import body_or_refuse
from gridsvc.registry.placement.service import place_inside
from gridsvc.registry.placement.store import Atlas


@dataclass(frozen=True, slots=True)
class WantedTeam:
    """A team that is to be formed.

    ``lead`` is the street that leads; None: the caller's own, else the first along the line.
    ``bodies`` are who comes beside the two sides; None: every body along the line.
    """

    key: ClassKey
    task: str
    lead: str | None
    bodies: Sequence[str] | None


def form_team(
    occasion: Occasion, atlas: Atlas, crossing: Crossing, wanted: WantedTeam
) -> list[Whistle]:
    """Call everybody along a line, in one case for each side that the lead has.

    The sides are the streets that hold most of the line: one of each other district, or, where it
    stays in one district, another of that. Raises BadInput for a line in one street, a lead or a
    body that it does not cross, NotAllowed where the caller may not act for the lead.
    """
    lead = _lead(occasion, crossing, wanted.lead)
    sides = _other_sides(crossing, lead)
    offices = {
        side.code: body_or_refuse(occasion.session, side.code, field="lead") for side in sides
    }
    called = _called(occasion, crossing, wanted.bodies)
    return [
        _blow(occasion, atlas, crossing, wanted, lead, offices[side.code], called) for side in sides
    ]


def _lead(occasion: Occasion, crossing: Crossing, named: str | None) -> Crossed:
    streets = {street.code: street for street in crossing.of("street") if street.passed.stretches}
    if len(streets) < 2:
        raise BadInput(
            "The line does not lead from one street into another, so nobody else must come; a"
            " street that needs its departments blows a whistle of level 3.",
            field="line",
        )
    own = own_body(occasion.caller)
    code = named or (own if own in streets else next(iter(streets)))
    if code not in streets:
        raise BadInput(
            f"{code} is not a street that the line goes through; there are {', '.join(streets)}.",
            field="lead",
        )
    acting_body(occasion.session, occasion.caller, code)
    return streets[code]


def _other_sides(crossing: Crossing, lead: Crossed) -> list[Crossed]:
    """The street with most metres of each other district, in the order of travel."""
    others = [street for street in crossing.of("street") if street.code != lead.code]
    abroad = [street for street in others if street.code[:6] != lead.code[:6]]
    most: dict[str, Crossed] = {}
    for street in abroad or others:
        district = street.code[:6]
        if district not in most or street.passed.metres > most[district].passed.metres:
            most[district] = street
    return list(most.values())


def _called(
    occasion: Occasion, crossing: Crossing, codes: Sequence[str] | None
) -> tuple[BodyRef, ...]:
    """The bodies that come. Raises BadInput for one that is unknown or works elsewhere."""
    if codes is None:
        return tuple(along.body for along in crossing.bodies)
    known = bodies_by_code(occasion.session, codes)
    areas = [member.code for level in ("street", "community") for member in crossing.of(level)]
    for code in codes:
        if code not in known:
            raise BadInput(f"No body has the code '{code}'.", field="bodies")
        works_in = known[code].area_code
        if not any(area.startswith(works_in) for area in areas):
            raise BadInput(
                f"{known[code].name} ({code}) works for {works_in}, where the line does not go.",
                field="bodies",
            )
    return tuple(known[code] for code in dict.fromkeys(codes))


def _blow(
    occasion: Occasion,
    atlas: Atlas,
    crossing: Crossing,
    wanted: WantedTeam,
    lead: Crossed,
    other: BodyRef,
    called: Sequence[BodyRef],
) -> Whistle:
    city = occasion.city
    leading = body_or_refuse(occasion.session, lead.code, field="lead")
    answers = Responsibility(leading, (), Ground.TERRITORY, "", leading, gap=False)
    procedure = city.procedures.newest("ordinary")
    opening = Opening(procedure, city.procedures.grade_for("line", wanted.key))
    case = open_case(occasion, _place(atlas, crossing, lead), wanted.key, opening, answers)
    act = occasion.on(case)
    whistle = blow_joint(
        act,
        JointGround.LINE,
        leading,
        other,
        {**_facts(crossing), "task": wanted.task},
        ask_first=False,
        new_case=True,
        footprint=crossing.way.corridor,
        demand={"letter": {"task": wanted.task}, "from": leading.code},
    )
    sides = {leading.code: leading.district, other.code: other.district}
    departments = [body for body in called if _comes(body, sides)]
    theirs = [body for body in departments if _side_of(body, leading, other) is other]
    ours = [body for body in departments if _side_of(body, leading, other) is leading]
    for side, brought in ((leading, ours), (other, theirs)):
        if brought:
            call_departments(act, whistle, brought, called_from=side.code)
    return whistle


def _comes(body: BodyRef, sides: dict[str, str | None]) -> bool:
    """Whether a body comes with one of the sides: those of a third district have their own case."""
    return body.code not in sides and body.district in (None, *sides.values())


def _side_of(body: BodyRef, leading: BodyRef, other: BodyRef) -> BodyRef:
    """Which side brings a body; the lead where both or neither are of its district."""
    theirs = body.district == other.district and body.district != leading.district
    return other if theirs else leading


def _place(atlas: Atlas, crossing: Crossing, lead: Crossed) -> Place:
    """The middle of the longest stretch in the street that leads."""
    longest = max(lead.passed.stretches, key=lambda it: it[1] - it[0])
    placement = place_inside(atlas, *crossing.way.at(middle(longest)), 0.0)
    community = next(
        (
            one.code
            for level, claims in placement.claims
            if level == "community"
            for one in claims
            if one.code.startswith(lead.code)
        ),
        None,
    )
    district = lead.code[:6]
    return Place(placement.lon, placement.lat, district, lead.code, community, part_code=None)


def _facts(crossing: Crossing) -> dict[str, Any]:
    """What the whistle keeps of the line: its streets in the order of travel, and counts."""
    return {
        "length_m": round(crossing.way.length_m, 1),
        "width_m": crossing.way.width_m,
        "streets": [
            {
                "code": street.code,
                "name": street.name,
                "from_m": round(street.passed.from_m, 1),
                "metres": round(street.passed.metres, 1),
            }
            for street in crossing.of("street")
        ],
        "districts": [district.code for district in crossing.of("district")],
        "communities": len(crossing.of("community")),
        "unit_grids": len(crossing.of("unit_grid")),
    }
