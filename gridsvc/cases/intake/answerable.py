"""Who can answer for a case: by the register, an agreement, the duty list or the territory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.cases.core.models import Case
from gridsvc.cases.intake.reports_repository import last_placement, reports_of
from gridsvc.city import City
from gridsvc.city.classes import ClassKey
from gridsvc.registry.bodies.repository import BodyRef, answering
from gridsvc.registry.bodies.rule import Ground
from gridsvc.registry.parts.models import Part
from gridsvc.registry.parts.repository import find

#: What a body that no line names gives in place of a clause (明责瘦身: not on the list).
NOT_LISTED = "not_listed"


@dataclass(frozen=True, slots=True)
class Possible:
    """One reason for which a body can answer: the ground, the role there, and its clause."""

    body: BodyRef
    ground: Ground
    role: str
    clause: str

    def to_json(self) -> dict[str, Any]:
        """``{body_code, name, ground, role, clause}``."""
        return {
            "body_code": self.body.code,
            "name": self.body.name,
            "ground": self.ground.value,
            "role": self.role,
            "clause": self.clause,
        }


@dataclass(frozen=True, slots=True)
class Answerable:
    """Every reason for which a body can answer for a case of its class at its place.

    ``districts`` are those that the place lies in or near: no farther from their border than the
    accuracy of the report and of the borders. ``agreed``: an agreement in force names who leads.
    """

    reasons: tuple[Possible, ...]
    districts: frozenset[str]
    agreed: bool

    def why_without_ground(self, refuser: str, named: str, clause: str) -> str | None:
        """Why ``refuser`` cannot name another body by that clause; None when it can.

        A clause is that of a line which names the body; without one, :data:`NOT_LISTED` says that
        no line names the refuser.
        """
        of_named = [one for one in self.reasons if one.body.code == named]
        if not of_named:
            return "not_possible_here"
        if clause == NOT_LISTED:
            return "on_the_list" if self.listed(refuser) else None
        return None if clause in {one.clause for one in of_named} - {""} else "no_such_clause"

    def listed(self, body: str) -> bool:
        """Whether the register, an agreement or a duty list names a body here."""
        return any(
            one.body.code == body and one.ground is not Ground.TERRITORY for one in self.reasons
        )

    def frees(self, body: str, clause: str) -> bool:
        """Whether a called body need not act by that clause.

        :data:`NOT_LISTED` where no line names it, or the words of a line that names another.
        """
        lines = {one.clause for one in self.reasons if one.clause}
        own = {one.clause for one in self.reasons if one.clause and one.body.code == body}
        return not own if clause == NOT_LISTED else clause in lines - own

    def across(self, one: BodyRef, other: BodyRef) -> bool:
        """Whether two bodies work on two sides of a district's border near which the place is."""
        sides = {one.district, other.district}
        return None not in sides and len(sides) == 2 and sides <= self.districts


def answerable_in(session: Session, city: City, case: Case) -> Answerable:
    """Who can answer for a case, by the lists in force on the day on which it was opened."""
    here = _Surroundings.of(session, case)
    part = None if case.part_code is None else find(session, case.district_code, case.part_code)
    behind = dict(_of_part(part)) if part is not None else {}
    place = to_shape(case.point)
    found = answering(
        session,
        lon=place.x,
        lat=place.y,
        area_codes=here.areas,
        key=ClassKey(case.standard, case.kind, case.class_code),
        day=city.day(case.opened_at),
        more={*behind, *here.streets},
    )
    reasons = [
        Possible(found.bodies[code], Ground.ASSET_OWNER, role, _clause_of(part))
        for code, role in behind.items()
        if code in found.bodies
    ]
    for ground, lines in ((Ground.AGREEMENT, found.agreed), (Ground.DUTY, found.listed)):
        reasons += [
            Possible(found.bodies[line.body_code], ground, line.role, line.clause)
            for line in lines
            if line.body_code in found.bodies
        ]
    reasons += [
        Possible(found.bodies[code], Ground.TERRITORY, "lead", "")
        for code in here.streets
        if code in found.bodies
    ]
    agreed = any(line.role == "lead" for line in found.agreed)
    return Answerable(tuple(dict.fromkeys(reasons)), here.districts, agreed)


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """The streets that a place lies in or near, its districts, and every area with a list."""

    streets: tuple[str, ...]
    districts: frozenset[str]
    areas: list[str]

    @classmethod
    def of(cls, session: Session, case: Case) -> _Surroundings:
        """As the first report of the case was placed last."""
        filed = reports_of(session, case)
        kept = last_placement(session, filed[0].district_code, filed[0].id) if filed else None
        drawn = {} if kept is None else kept.placement
        named = (drawn.get("street") or {}).get("code") or case.street_code
        streets = tuple(dict.fromkeys([*filter(None, [named]), *_touching(drawn)]))
        districts = frozenset({case.district_code, *(code[:6] for code in streets)})
        community = (drawn.get("community") or {}).get("code") or case.community_code
        wider = {code[:n] for code in districts for n in (2, 4, 6)}
        return cls(streets, districts, sorted({*wider, *streets, *filter(None, [community])}))


def _touching(drawn: dict[str, Any]) -> Iterator[str]:
    """The streets that claim a kept placement's point, and those whose border is near."""
    for area in drawn.get("claims", {}).get("street", []):
        yield area["code"]
    edition = drawn.get("edition", {}).get("street")
    if edition is None:
        return
    within_m = drawn["accuracy_m"] + edition["accuracy_m"]
    for near in (drawn.get("border") or {}).get("neighbours", []):
        if near["level"] == "street" and near["distance_m"] <= within_m:
            yield near["code"]


def _of_part(part: Part) -> Iterator[tuple[str, str]]:
    for role, code in (
        ("assist", part.competent_body),
        ("assist", part.maintainer_body),
        ("lead", part.owner_body),
    ):
        if code is not None:
            yield code, role


def _clause_of(part: Part | None) -> str:
    return "" if part is None else f"owner of part {part.code} in the register"
