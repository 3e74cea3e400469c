"""Whether a person may join or split two cases: rights, open targets, differences."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator
from enum import StrEnum

from geoalchemy2.shape import to_shape
from pyproj import Geod
from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.cases.core.act import procedure_of
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.progress import Progress
from gridsvc.cases.core.repository import lock_case
from gridsvc.cases.core.service import refuse_joined
from gridsvc.cases.intake.match import distances_of, kinds_of
from gridsvc.city import City
from gridsvc.city.classes import ClassKey
from gridsvc.city.merging import DISTANCES
from gridsvc.errors import NotAllowed, StepRefused


def locked(session: Session, *case_ids: uuid.UUID) -> list[Case]:
    """These cases, kept for this transaction; locked by id, so that no two wait for each other.

    Raises NotFound.
    """
    found = {case_id: lock_case(session, case_id) for case_id in sorted(set(case_ids))}
    return [found[case_id] for case_id in case_ids]


def check_directs(caller: Caller, case: Case) -> None:
    """Who directs the district joins and splits its cases; a body those that it leads.

    Raises NotAllowed.
    """
    if caller.supervises(case.district_code):
        return
    own = caller.body or (caller.area if caller.role is Role.STREET else None)
    if own is None or own != case.lead_body:
        raise NotAllowed(
            f"Case {case.id} is led by {case.lead_body} in {case.district_code}; only that body,"
            " or a token of role district, city or admin that covers it, may join and split its"
            " reports."
        )


def check_open_target(session: Session, case: Case) -> None:
    """Reports are given to open cases only. Raises StepRefused."""
    refuse_joined(session, case)
    if case.closed_at is not None:
        raise StepRefused(
            f"Case {case.id} was closed at {case.closed_at.isoformat()} and takes no reports; give"
            " them to an open case, or join this one into it."
        )


def bodies_in(case: Case) -> list[str]:
    """Who has a part in a case: its lead, its seats, and those that its steps called."""
    progress = Progress.from_json(case.progress)
    seats = [body for _, body in progress.seats]
    return list(dict.fromkeys([case.lead_body, *seats, *progress.called_bodies]))


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
            f"{' '.join((said for _, said in unsaid))} If that is intended, say so:"
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
            f"A district border runs between {source.district_code} and {target.district_code}.",
        )
    parts = (source.part_code, target.part_code)
    if None not in parts and (parts[0] != parts[1] or source.district_code != target.district_code):
        yield (
            AcceptedDifference.OTHER_PART,
            f"One is about part {parts[0]}, the other about {parts[1]}.",
        )
    metres = _metres_between(source, target)
    if metres > max(
        distances_of(there, city.settings, city.table(DISTANCES)).citizen_m,
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
