"""Every class in every street: who is listed for it, or that nobody is."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from gridsvc.city.classes import ClassKey
from gridsvc.registry.bodies import list_repository, repository

#: What is asked of a class: its standard, kind and code. What a duty line covers of it.
_Lines = Mapping[str, Iterable[tuple[str, str, str]]]


@dataclass(frozen=True, slots=True)
class Gap:
    """A class for which a street has no lead on any list.

    ``communities`` are those where it is open; empty when it is open in the whole street.
    ``seen_at`` is when a first case fell into the gap, None for none so far.
    """

    street_code: str
    street_name: str
    key: ClassKey
    class_name: str
    communities: tuple[str, ...]
    seen_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class GapReport:
    """The gaps of the streets that were asked, and streets whose own office is not registered."""

    streets: int
    classes: int
    gaps: tuple[Gap, ...]
    without_office: tuple[str, ...]


def find_gaps(session: Session, *, prefix: str, day: dt.date, at: dt.datetime) -> GapReport:
    """Look every class of the lists up in every street whose code begins with ``prefix``.

    The lists count as of ``day``, the boundaries as of ``at``.

    Asset owners and agreements are left out: they answer for single parts and zones.
    """
    streets = list_repository.active_areas(session, "street", prefix, at)
    communities = list_repository.active_areas(session, "community", prefix, at)
    classes = list_repository.listed_classes(session)
    leads = list_repository.lead_lines(session, day=day)
    seen = list_repository.seen_gaps(session, prefix)
    inside: dict[str, list[str]] = defaultdict(list)
    for code in communities:
        inside[code[:9]].append(code)
    offices = repository.bodies_by_code(session, streets)
    found = gaps_of(streets, inside, list(classes), leads)
    return GapReport(
        streets=len(streets),
        classes=len(classes),
        gaps=tuple(
            Gap(street, streets[street], key, classes[key], open_in, seen.get((street, key)))
            for street, key, open_in in found
        ),
        without_office=tuple(code for code in streets if code not in offices),
    )


def gaps_of(
    streets: Iterable[str],
    inside: Mapping[str, Sequence[str]],
    classes: Sequence[ClassKey],
    leads: _Lines,
) -> list[tuple[str, ClassKey, tuple[str, ...]]]:
    """The classes without a lead, by street, in the order given: pure.

    ``inside`` are the communities of a street; ``leads`` the lines with a lead, by area code, as
    (standard, kind, class prefix). A class is open in a street when neither the street nor an
    area around it has a line, and not every community of it has one.
    """
    covered = {
        area: frozenset(n for n, key in enumerate(classes) if _listed(key, frozenset(lines)))
        for area, lines in leads.items()
    }
    nothing: frozenset[int] = frozenset()
    gaps: list[tuple[str, ClassKey, tuple[str, ...]]] = []
    for street in streets:
        around = nothing.union(*(covered.get(street[:n], nothing) for n in (2, 4, 6, 9)))
        places = inside.get(street, ())
        listed = nothing.union(*(covered.get(code, nothing) for code in places))
        for n, key in enumerate(classes):
            if n in around:
                continue
            if n not in listed:
                gaps.append((street, key, ()))
            elif open_in := tuple(code for code in places if n not in covered.get(code, nothing)):
                gaps.append((street, key, open_in))
    return gaps


def _listed(key: ClassKey, lines: frozenset[tuple[str, str, str]]) -> bool:
    return any((key.standard, key.kind, key.code[:n]) in lines for n in range(len(key.code) + 1))
