"""Finds the case that a report is about, and says which border it crosses on its way there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.cases.core.models import CaseFile
from gridsvc.cases.core.repository import lock_case
from gridsvc.cases.core.stepping import running_of
from gridsvc.cases.intake.candidates import About, Candidate, ranked, same_thing
from gridsvc.cases.intake.place_text import place_key
from gridsvc.city.classes import ClassKey
from gridsvc.city.current import current
from gridsvc.city.distances import DISTANCES, kinds_of, reach_of
from gridsvc.registry.placement.atlas import Atlas
from gridsvc.registry.placement.model import Placement
from gridsvc.registry.placement.service import place
from gridsvc.settings import Settings

__all__ = ["Crossing", "about_of", "crossing", "join_first", "stays_apart"]


@dataclass(frozen=True, slots=True)
class Crossing:
    """The border between a report and its case: of a ``district`` or a ``street``, both codes."""

    level: str
    from_code: str
    to_code: str

    def to_json(self) -> dict[str, Any]:
        """``{level, from, to}``."""
        return {"level": self.level, "from": self.from_code, "to": self.to_code}


def about_of(
    settings: Settings,
    placement: Placement,
    *,
    key: ClassKey,
    part: tuple[str, str] | None,
    place_text: str | None,
    responsible: str,
    exact: bool,
) -> About:
    """What a placed report is about. ``part`` is a district and a code in it.

    A part that another district registers is no part of this one's names.
    """
    if placement.district is None:
        raise AssertionError("a placement inside the city has a district")
    district = placement.district.code
    reach = reach_of(key, settings, current().table(DISTANCES), exact=exact)
    return About(
        key=key,
        kinds=kinds_of(key),
        lon=placement.lon,
        lat=placement.lat,
        within_m=reach.within_m,
        widest_m=reach.widest_m,
        text_within_m=settings.merge_text_within_m,
        district=district,
        districts=_districts(placement, district),
        part_code=part[1] if part is not None and part[0] == district else None,
        place_key=place_key(place_text, placement),
        responsible=responsible,
    )


def join_first(
    session: Session, candidates: Sequence[Candidate], about: About
) -> tuple[CaseFile, Candidate] | None:
    """The first open case about the same thing, locked; None where there is none."""
    for candidate in ranked(candidates, about):
        if stays_apart(candidate, about) is not None:
            continue
        case = lock_case(session, candidate.id)
        if case is not None and case.state == "open" and running_of(case).merges:
            return case, candidate
    return None


def stays_apart(candidate: Candidate, about: About) -> str | None:
    """Why a report does not join an open case, in words; None where it does."""
    running = current().procedures.of(candidate.procedure, candidate.procedure_version)
    if not running.merges:
        return f"it runs by '{running.name}', which takes one report"
    return same_thing(candidate, about)


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
