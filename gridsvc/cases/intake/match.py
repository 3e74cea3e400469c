"""Finds the case that a report is about, and says which border it crosses on its way there."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.cases.core.act import procedure_of
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.repository import lock_case
from gridsvc.cases.intake.address import Compared, compare, place_key
from gridsvc.city import City
from gridsvc.city.classes import STANDARD, ClassKey
from gridsvc.city.merging import ANY, DISTANCES, GENERIC_PLACES, KIN, ClassDistance, Kin
from gridsvc.city.procedures.model import Procedure
from gridsvc.registry.placement.model import Placement
from gridsvc.registry.placement.service import place
from gridsvc.registry.placement.store import Atlas
from gridsvc.settings import Settings

#: Event classes of these majors are "the part class of the same number, out of order".
_PART_MAJORS = ("01", "02", "03", "04", "05")
#: So many times as far is clearly farther.
_CLEARLY_NEARER = 2.0
#: A pin that was looked up from a compound's name alone lies in its middle: so many times as far.
_IN_ONE_COMPOUND = 1.5


@dataclass(frozen=True, slots=True)
class MatchCriteria:
    """What a report is about, as far as it takes to find its case.

    ``kinds`` are those under which the class's code means the same; ``kin`` the codes that people
    take for it, its own among them. ``within_m`` is how far this report looks, ``exact_within_m``
    how far for a kindred class, and for what a grid worker pinned if its reporter is one too
    (``exact``); ``widest_m`` how far any report of these classes does, ``text_within_m`` how far
    apart two points with one address may be. ``districts`` are those whose cases it may join: its
    own (``district``), and those across a near border. ``place_key`` is its address.
    ``responsible`` is who answers for it.
    """

    key: ClassKey
    kinds: tuple[str, ...]
    kin: tuple[str, ...]
    lon: float
    lat: float
    exact: bool
    within_m: float
    exact_within_m: float
    widest_m: float
    text_within_m: float
    district: str
    districts: tuple[str, ...]
    part_code: str | None
    place_key: str | None
    responsible: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A case about the same thing, perhaps: its point in WGS84, and what speaks for it.

    ``place_key`` is the address of the report that opened it; or, ``place_learnt``, of the first
    that gave one.
    """

    district_code: str
    id: uuid.UUID
    key: ClassKey
    state: str
    lead_body: str
    part_code: str | None
    lon: float
    lat: float
    distance_m: float
    place_key: str | None
    place_learnt: bool
    exact: bool
    procedure: str
    procedure_version: int

    def why(self, criteria: MatchCriteria) -> tuple[str, ...]:
        """``part``, ``place_text`` and ``distance``, as far as they hold."""
        reasons = []
        if self.same_part(criteria):
            reasons.append("part")
        # What is near the address of a later report only would let the case creep on.
        most_m = criteria.within_m if self.place_learnt else criteria.text_within_m
        kindred = self.kindred(criteria)
        same = kindred and self.address(criteria) is Compared.SAME
        if same and self.distance_m <= most_m:
            reasons.append("place_text")
        if kindred and self.distance_m <= self.reach_m(criteria):
            reasons.append("distance")
        return tuple(reasons)

    def reach_m(self, criteria: MatchCriteria) -> float:
        """How far it may lie from the report if the distance is to decide, in metres."""
        if not self.same_class(criteria) or (criteria.exact and self.exact):
            return criteria.exact_within_m
        wider = self.address(criteria) is Compared.WIDER
        return criteria.within_m * (_IN_ONE_COMPOUND if wider else 1.0)

    def address(self, criteria: MatchCriteria) -> Compared | None:
        """How its address and the report's compare; None where one of the two has none."""
        if self.place_key is None or criteria.place_key is None:
            return None
        return compare(self.place_key, criteria.place_key)

    def kindred(self, criteria: MatchCriteria) -> bool:
        """Whether people take the classes for one another: at one address they mean one thing."""
        return (
            self.key.standard == criteria.key.standard
            and self.key.kind in criteria.kinds
            and self.key.code in criteria.kin
        )

    def same_part(self, criteria: MatchCriteria) -> bool:
        """Whether the case is about the part that the report names."""
        return (
            criteria.part_code is not None
            and self.part_code == criteria.part_code
            and self.district_code == criteria.district
        )

    def same_class(self, criteria: MatchCriteria) -> bool:
        """Whether the classes mean the same."""
        return (self.key.standard, self.key.code) == (
            criteria.key.standard,
            criteria.key.code,
        ) and (self.key.kind in criteria.kinds)

    def to_json(self, criteria: MatchCriteria) -> dict[str, Any]:
        """``{case_id, district_code, lead_body, distance_m, why}``."""
        return {
            "case_id": str(self.id),
            "district_code": self.district_code,
            "lead_body": self.lead_body,
            "distance_m": round(self.distance_m, 1),
            "why": list(self.why(criteria)),
        }


def ranked(candidates: Iterable[Candidate], criteria: MatchCriteria) -> list[Candidate]:
    """The same part first, then the same address, then one that may be the same; the nearest."""

    def rank(candidate: Candidate) -> tuple[int, bool, float, str]:
        why = candidate.why(criteria)
        if "part" in why or "place_text" in why:
            surest = 0 if "part" in why else 1
        else:
            agrees = candidate.address(criteria) in (Compared.WIDER, Compared.OPEN)
            surest = 2 if agrees else 3
        other_class = not candidate.same_class(criteria)
        return surest, other_class, candidate.distance_m, str(candidate.id)

    return sorted(candidates, key=rank)


@dataclass(frozen=True, slots=True)
class Crossing:
    """The border between a report and its case: of a ``district`` or a ``street``, both codes."""

    level: str
    from_code: str
    to_code: str

    def to_json(self) -> dict[str, Any]:
        """``{level, from, to}``."""
        return {"level": self.level, "from": self.from_code, "to": self.to_code}


def distances_of(
    key: ClassKey, settings: Settings, table: Sequence[ClassDistance]
) -> ClassDistance:
    """How far reports of a class look; the settings speak where no line of the table does."""

    def fits(line: ClassDistance) -> bool:
        return line.kind in (ANY, key.kind) and key.code.startswith(line.class_prefix)

    default = ClassDistance(ANY, "", settings.merge_within_m, settings.merge_exact_within_m)
    return next(filter(fits, table), default)


def kinds_of(key: ClassKey) -> tuple[str, ...]:
    """The kinds under which a code means the same thing.

    In the list of 2026 an event of the majors 01 to 05 is the part of the same number out of
    order; in older lists the same digits mean different things.
    """
    if key.standard == STANDARD and key.code[:2] in _PART_MAJORS:
        return ("event", "part")
    return (key.kind,)


def kin_of(key: ClassKey, table: Sequence[Kin]) -> tuple[str, ...]:
    """The codes that people take for a class's, sorted; its own is one of them."""

    def fits(line: Kin) -> bool:
        return line.kind in (ANY, key.kind) and line.code == key.code

    group = next((line.group for line in table if fits(line)), None)
    return tuple(sorted({key.code, *(line.code for line in table if line.group == group)}))


def criteria_of(
    city: City,
    placement: Placement,
    *,
    key: ClassKey,
    part_code: str | None,
    place_text: str | None,
    responsible: str,
    exact: bool,
) -> MatchCriteria:
    """What a placed report is about; ``exact``: whoever reports it is at the place."""
    if placement.district is None:
        raise AssertionError("a placement inside the city has a district")
    district = placement.district.code
    kin = kin_of(key, city.table(KIN))
    reach, *others = (
        distances_of(replace(key, code=code), city.settings, city.table(DISTANCES))
        for code in (key.code, *kin)
    )
    address = None
    if place_text:
        address = place_key(place_text, placement, city.table(GENERIC_PLACES))
    return MatchCriteria(
        key=key,
        kinds=kinds_of(key),
        kin=kin,
        lon=placement.lon,
        lat=placement.lat,
        exact=exact,
        within_m=reach.citizen_m,
        exact_within_m=reach.exact_m,
        widest_m=max(_IN_ONE_COMPOUND * max(line.citizen_m, line.exact_m) for line in others),
        text_within_m=city.settings.merge_text_within_m,
        district=district,
        districts=_districts(placement, district),
        part_code=part_code,
        place_key=address,
        responsible=responsible,
    )


def join_first(
    session: Session, city: City, candidates: Sequence[Candidate], criteria: MatchCriteria
) -> tuple[Case, Candidate] | None:
    """The first open case about the same thing, locked; None where there is none."""
    for candidate, reason in judged(city, candidates, criteria):
        if reason is not None:
            continue
        case = lock_case(session, candidate.id)
        if case.state == "open" and procedure_of(city, case).merges:
            return case, candidate
    return None


def judged(
    city: City, candidates: Iterable[Candidate], criteria: MatchCriteria
) -> list[tuple[Candidate, str | None]]:
    """Open cases, the likeliest first, each with the reason why a report does not join it.

    Between two addresses that both lie near, a report that names neither joins none, unless one is
    at least twice as near: a person decides.
    """
    found: list[tuple[Candidate, str | None]] = []
    for candidate in ranked(candidates, criteria):
        procedure = city.procedures.get(candidate.procedure, candidate.procedure_version)
        found.append((candidate, reason_not_joined(candidate, criteria, procedure)))
    first, second, *_ = [*(one for one, reason in found if reason is None), None, None]
    if first is None or second is None or first.why(criteria) != ("distance",):
        return found
    if first.place_key is None or second.place_key is None:
        return found
    apart = compare(first.place_key, second.place_key) is Compared.OTHER
    if apart and second.distance_m < _CLEARLY_NEARER * first.distance_m:
        unsure = "another address lies about as near; a person decides"
        return [(one, reason or unsure) for one, reason in found]
    return found


def reason_not_joined(
    candidate: Candidate, criteria: MatchCriteria, procedure: Procedure
) -> str | None:
    """Why a report does not join an open case that runs by a procedure; None where it does.

    Two parts are two things, however close. One part is one thing where the class is the same,
    or where the same body answers: it goes there once. Without a part, the addresses decide where
    both have one: two are two things, and one is one thing if people take the classes for one
    another. Else the class is the same, and the distance decides.
    """
    if not procedure.merges:
        return f"it runs by '{procedure.name}', which takes one report"
    why = candidate.why(criteria)
    if criteria.part_code is not None and candidate.part_code is not None and "part" not in why:
        return f"it is about part {candidate.part_code} of {candidate.district_code}"
    if "part" in why:
        if candidate.same_class(criteria) or candidate.lead_body == criteria.responsible:
            return None
        return f"it is about class {candidate.key.code}, for which {candidate.lead_body} answers"
    # The address itself is for the staff, and whoever asks may be a citizen.
    if candidate.address(criteria) is Compared.OTHER:
        return "it names another address"
    if not candidate.same_class(criteria) and not why:
        return f"it is about class {candidate.key.code}"
    return None if why else f"it lies {candidate.distance_m:,.0f} m away"


def crossing(atlas: Atlas, placement: Placement, candidate: Candidate) -> Crossing | None:
    """The border between a report's place and its case's; None where both lie in one street.

    A district's border is named where there is one, else the street's.
    """
    if placement.district is None:
        raise AssertionError("a placement inside the city has a district")
    if candidate.district_code != placement.district.code:
        return Crossing("district", placement.district.code, candidate.district_code)
    there = place(atlas, candidate.lon, candidate.lat, 0.0).street
    if there is None or placement.street is None or there.code == placement.street.code:
        return None
    return Crossing("street", placement.street.code, there.code)


def _districts(placement: Placement, own: str) -> tuple[str, ...]:
    """The districts whose cases a report here may join: its own, and across a near border."""
    if placement.border is None or "district" not in placement.border.near_levels:
        return (own,)
    return (own, *(n.code for n in placement.border.neighbours if n.level == "district"))
