"""Cases that a report may be about: why each may be the same thing, and which one it joins."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gridsvc.city.classes import ClassKey

__all__ = ["About", "Candidate", "ranked", "same_thing"]


@dataclass(frozen=True, slots=True)
class About:
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

    def why(self, about: About) -> tuple[str, ...]:
        """``part``, ``place_text`` and ``distance``, as far as they hold."""
        reasons = []
        if self.same_part(about):
            reasons.append("part")
        if self.same_text and self.distance_m <= about.text_within_m:
            reasons.append("place_text")
        if self.same_class(about) and self.distance_m <= about.within_m:
            reasons.append("distance")
        return tuple(reasons)

    def same_part(self, about: About) -> bool:
        """Whether the case is about the part that the report names."""
        return (
            about.part_code is not None
            and self.part_code == about.part_code
            and self.district_code == about.district
        )

    def same_class(self, about: About) -> bool:
        """Whether the classes mean the same."""
        return (self.key.standard, self.key.code) == (about.key.standard, about.key.code) and (
            self.key.kind in about.kinds
        )

    def to_json(self, about: About) -> dict[str, Any]:
        """``{case_id, district_code, lead_body, distance_m, why}``."""
        return {
            "case_id": str(self.id),
            "district_code": self.district_code,
            "lead_body": self.lead_body,
            "distance_m": round(self.distance_m, 1),
            "why": list(self.why(about)),
        }


def same_thing(candidate: Candidate, about: About) -> str | None:
    """Why a report is not about a case, in words; None where it joins.

    Two parts are two things, however close. One part is one thing where the class is the same,
    or where the same body answers: it goes there once. Without a part, the class is the same,
    and the place by its text or by its distance.
    """
    why = candidate.why(about)
    if about.part_code is not None and candidate.part_code is not None and "part" not in why:
        return f"it is about part {candidate.part_code} of {candidate.district_code}"
    if "part" in why:
        if candidate.same_class(about) or candidate.lead_body == about.responsible:
            return None
        return f"it is about class {candidate.key.code}, for which {candidate.lead_body} answers"
    if not candidate.same_class(about):
        return f"it is about class {candidate.key.code}"
    return None if why else f"it lies {candidate.distance_m:,.0f} m away"


def ranked(candidates: Iterable[Candidate], about: About) -> list[Candidate]:
    """The same part first, then the same place text, then the nearest."""
    order = ("part", "place_text")

    def rank(candidate: Candidate) -> tuple[int, float, str]:
        why = candidate.why(about)
        best = next((n for n, reason in enumerate(order) if reason in why), len(order))
        return best, candidate.distance_m, str(candidate.id)

    return sorted(candidates, key=rank)
