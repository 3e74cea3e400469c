"""What speaks against one case taking over reports of another, unless a person accepts it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from enum import StrEnum

from geoalchemy2.shape import to_shape
from pyproj import Geod

from gridsvc.cases.core.act import procedure_of
from gridsvc.cases.core.models import Case
from gridsvc.city import City
from gridsvc.city.classes import ClassKey
from gridsvc.city.merging import DISTANCES, kinds_of, reach_of
from gridsvc.errors import StepRefused

__all__ = ["AcceptedDifference", "check_differences"]

_GEOD = Geod(ellps="WGS84")


class AcceptedDifference(StrEnum):
    """What a person who joins or splits has seen and does not mind."""

    CLOSED = "closed"
    OTHER_CLASS = "other_class"
    OTHER_PART = "other_part"
    ACROSS_BORDER = "across_border"
    FAR = "far"
    OWN_PROCEDURE = "own_procedure"


def check_differences(
    city: City, source: Case, target: Case, accept_differences: Collection[AcceptedDifference]
) -> list[str]:
    """The names of the differences between two cases, all of which must be accepted.

    Raises StepRefused, which names every difference that is not.
    """
    found = list(_differences(city, source, target))
    unsaid = [(name, said) for name, said in found if name not in accept_differences]
    if unsaid:
        names = [name.value for name, _ in unsaid]
        raise StepRefused(
            f"{' '.join(said for _, said in unsaid)} If that is meant, say so:"
            f" 'accept_differences': {names}.",
            field="accept_differences",
            differences=names,
        )
    return [name.value for name, _ in found]


def _differences(
    city: City, source: Case, target: Case
) -> Iterator[tuple[AcceptedDifference, str]]:
    here, there = (ClassKey(case.standard, case.kind, case.class_code) for case in (source, target))
    if source.closed_at is not None:
        yield (
            AcceptedDifference.CLOSED,
            f"Case {source.id} was closed at {source.closed_at.isoformat()}.",
        )
    if (here.standard, here.code) != (there.standard, there.code) or (
        here.kind not in kinds_of(there)
    ):
        yield (
            AcceptedDifference.OTHER_CLASS,
            f"One is about class {here.kind} {here.code}, the other about {there.kind}"
            f" {there.code}.",
        )
    if source.district_code != target.district_code:
        yield (
            AcceptedDifference.ACROSS_BORDER,
            f"A district's border runs between {source.district_code} and {target.district_code}.",
        )
    parts = (source.part_code, target.part_code)
    if None not in parts and (parts[0] != parts[1] or source.district_code != target.district_code):
        yield (
            AcceptedDifference.OTHER_PART,
            f"One is about part {parts[0]}, the other about {parts[1]}.",
        )
    metres = _metres_between(source, target)
    if metres > max(
        reach_of(there, city.settings, city.table(DISTANCES), exact=False).widest_m,
        city.settings.merge_text_within_m,
    ):
        yield AcceptedDifference.FAR, f"They lie {metres:,.0f} m apart."
    for case in (source, target):
        procedure = procedure_of(city, case)
        if not procedure.merges:
            yield (
                AcceptedDifference.OWN_PROCEDURE,
                f"Case {case.id} runs by '{procedure.name}', which takes one report.",
            )


def _metres_between(source: Case, target: Case) -> float:
    here, there = to_shape(source.point), to_shape(target.point)
    metres: float = _GEOD.inv(here.x, here.y, there.x, there.y)[2]
    return metres
