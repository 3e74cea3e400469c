"""What speaks against one case taking over reports of another, unless a person says: although."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from enum import StrEnum

from geoalchemy2.shape import to_shape
from pyproj import Geod

from gridsvc.cases.core.models import CaseFile
from gridsvc.cases.core.stepping import running_of
from gridsvc.city.classes import ClassKey
from gridsvc.city.current import current
from gridsvc.city.distances import DISTANCES, kinds_of, reach_of
from gridsvc.errors import StepRefused
from gridsvc.settings import Settings

__all__ = ["Although", "check_differences"]

_GEOD = Geod(ellps="WGS84")


class Although(StrEnum):
    """What a person who joins or splits has seen and does not mind."""

    CLOSED = "closed"
    OTHER_CLASS = "other_class"
    OTHER_PART = "other_part"
    ACROSS_BORDER = "across_border"
    FAR = "far"
    OWN_PROCEDURE = "own_procedure"


def check_differences(
    settings: Settings, source: CaseFile, target: CaseFile, although: Collection[Although]
) -> list[str]:
    """The names of the differences between two cases, all of which must be in ``although``.

    Raises StepRefused, which names every difference that is not.
    """
    found = list(_differences(settings, source, target))
    unsaid = [(name, said) for name, said in found if name not in although]
    if unsaid:
        names = [name.value for name, _ in unsaid]
        raise StepRefused(
            f"{' '.join(said for _, said in unsaid)} If that is meant, say so:"
            f" 'although': {names}.",
            field="although",
            differences=names,
        )
    return [name.value for name, _ in found]


def _differences(
    settings: Settings, source: CaseFile, target: CaseFile
) -> Iterator[tuple[Although, str]]:
    here, there = (ClassKey(case.standard, case.kind, case.class_code) for case in (source, target))
    if source.closed_at is not None:
        yield Although.CLOSED, f"Case {source.id} was closed at {source.closed_at.isoformat()}."
    if (here.standard, here.code) != (there.standard, there.code) or (
        here.kind not in kinds_of(there)
    ):
        yield (
            Although.OTHER_CLASS,
            f"One is about class {here.kind} {here.code}, the other about {there.kind}"
            f" {there.code}.",
        )
    if source.district_code != target.district_code:
        yield (
            Although.ACROSS_BORDER,
            f"A district's border runs between {source.district_code} and {target.district_code}.",
        )
    parts = (source.part_code, target.part_code)
    if None not in parts and (parts[0] != parts[1] or source.district_code != target.district_code):
        yield Although.OTHER_PART, f"One is about part {parts[0]}, the other about {parts[1]}."
    metres = _metres_between(source, target)
    if metres > max(
        reach_of(there, settings, current().table(DISTANCES), exact=False).widest_m,
        settings.merge_text_within_m,
    ):
        yield Although.FAR, f"They lie {metres:,.0f} m apart."
    for case in (source, target):
        running = running_of(case)
        if not running.merges:
            yield (
                Although.OWN_PROCEDURE,
                f"Case {case.id} runs by '{running.name}', which takes one report.",
            )


def _metres_between(source: CaseFile, target: CaseFile) -> float:
    here, there = to_shape(source.point), to_shape(target.point)
    metres: float = _GEOD.inv(here.x, here.y, there.x, there.y)[2]
    return metres
