"""Finds the case that a report is about, and says which border it crosses on its way there."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.cases.core.act import procedure_of
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.repository import lock_case
from gridsvc.cases.intake.place_text import place_key
from gridsvc.city import City
from gridsvc.city.classes import ClassKey
from gridsvc.city.merging import DISTANCES, GENERIC_PLACES, kinds_of, reach_of
from gridsvc.city.procedures.model import Procedure
from gridsvc.registry.placement.atlas import Atlas
from gridsvc.registry.placement.model import Placement
from gridsvc.registry.placement.service import place

__all__ = [
    "Candidate",
    "Crossing",
    "MatchCriteria",
    "criteria_of",
    "crossing",
    "join_first",
    "ranked",
    "reason_not_joined",
]


@dataclass(frozen=True, slots=True)
class MatchCriteria:
    """What a report is about, as far as it takes to find its case.

    ``kinds`` are those under which the class's code means the same; ``within_m`` is how far this
    report looks, ``widest_m`` how far any of its class does, ``text_within_m`` how far apart two
    points with one place text may be. ``districts`` are those whose cases it may join: its own
    (``district``), and those across a near border. ``responsible`` is who answers for it.
    """

    key: ClassKey
    kinds: tuple[str, ...]
    lon: float
    lat: float
    within_m: float
    widest_m: float
    text_within_m: float
    district: str
    districts: tuple[str, ...]
    part_code: str | None
    place_key: str | None
    responsible: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A case about the same thing, perhaps: its point in WGS84, and what speaks for it."""

    district_code: str
    id: uuid.UUID
    key: ClassKey
    state: str
    lead_body: str
    part_code: str | None
    lon: float
    lat: float
    distance_m: float
    same_text: bool
    procedure: str
    procedure_version: int

    def why(self, criteria: MatchCriteria) -> tuple[str, ...]:
        """``part``, ``place_text`` and ``distance``, as far as they hold."""
        reasons = []
        if self.same_part(criteria):
            reasons.append("part")
        if self.same_text and self.distance_m <= criteria.text_within_m:
            reasons.append("place_text")
        if self.same_class(criteria) and self.distance_m <= criteria.within_m:
            reasons.append("distance")
        return tuple(reasons)

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
    """The same part first, then the same place text, then the nearest."""
    order = ("part", "place_text")

    def rank(candidate: Candidate) -> tuple[int, float, str]:
        why = candidate.why(criteria)
        best = next((n for n, reason in enumerate(order) if reason in why), len(order))
        return best, candidate.distance_m, str(candidate.id)

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
    """What a placed report is about; ``exact``: whoever reports it stands at the place."""
    if placement.district is None:
        raise AssertionError("a placement inside the city has a district")
    district = placement.district.code
    reach = reach_of(key, city.settings, city.table(DISTANCES), exact=exact)
    generic = city.table(GENERIC_PLACES)
    return MatchCriteria(
        key=key,
        kinds=kinds_of(key),
        lon=placement.lon,
        lat=placement.lat,
        within_m=reach.within_m,
        widest_m=reach.widest_m,
        text_within_m=city.settings.merge_text_within_m,
        district=district,
        districts=_districts(placement, district),
        part_code=part_code,
        place_key=place_key(place_text, placement, generic),
        responsible=responsible,
    )


def join_first(
    session: Session, city: City, candidates: Sequence[Candidate], criteria: MatchCriteria
) -> tuple[Case, Candidate] | None:
    """The first open case about the same thing, locked; None where there is none."""
    for candidate in ranked(candidates, criteria):
        procedure = city.procedures.get(candidate.procedure, candidate.procedure_version)
        if reason_not_joined(candidate, criteria, procedure) is not None:
            continue
        case = lock_case(session, candidate.id)
        if case.state == "open" and procedure_of(city, case).merges:
            return case, candidate
    return None


def reason_not_joined(
    candidate: Candidate, criteria: MatchCriteria, procedure: Procedure
) -> str | None:
    """Why a report does not join an open case that runs by a procedure; None where it does.

    Two parts are two things, however close. One part is one thing where the class is the same,
    or where the same body answers: it goes there once. Without a part, the class is the same,
    and the place by its text or by its distance.
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
    if not candidate.same_class(criteria):
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
