"""Finds the disputes of an edition: a place found again is the dispute that it was before."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from typing import Any

import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy.orm import Session

from gridsvc.city import City
from gridsvc.codes import Level
from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput, NotFound
from gridsvc.registry.areas import repository as areas
from gridsvc.registry.bodies.repository import agreement_holds
from gridsvc.registry.disputes import repository
from gridsvc.registry.disputes.model import Actor, DisputeState, districts_of
from gridsvc.registry.disputes.models import Dispute
from gridsvc.registry.disputes.schemas import FoundAnswer
from gridsvc.registry.disputes.view import record
from gridsvc.registry.editions import repository as edition_repository
from gridsvc.registry.editions.models import Edition, EditionState
from gridsvc.registry.editions.service import edition_above
from gridsvc.spatial.disputed import (
    SAME_PLACE_SHARE,
    DisputedPlace,
    DisputeKind,
    Layer,
    disputed_places,
    overlap_share,
    same_sides,
)
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.polygons import multipolygon_of


def find_disputes(
    session: Session, city: City, edition_id: str, *, actor: Actor, now: dt.datetime
) -> FoundAnswer:
    """Make a dispute of every gap, overlap and conflict of an edition above the accuracy.

    Conflicts are those with the edition of the level above that is in force. Raises NotFound for
    an unknown edition, BadInput for one of unit grids.
    """
    edition = edition_repository.edition(session, edition_id)
    if edition is None:
        raise NotFound(
            f"There is no edition '{edition_id[:80]}'; 'gridsvc edition list' shows them.",
            field="edition",
        )
    if edition.level not in set(Level):
        raise BadInput(
            "Unit grids are cut from communities; look for disputes in an edition of districts,"
            " streets or communities.",
            field="edition",
        )
    above = edition_above(session, edition.level, now)
    over = None if above is None else _layer(session, above)
    places = disputed_places(_layer(session, edition), over, plane=city.plane)
    return keep_places(session, city, edition, above, places, actor=actor, now=now)


def _layer(session: Session, edition: Edition) -> Layer:
    codes, geometries = areas.geometries_in(session, edition.id)
    return Layer(codes, list(geometries), edition.accuracy_m)


def keep_places(
    session: Session,
    city: City,
    edition: Edition,
    above: Edition | None,
    places: list[DisputedPlace],
    *,
    actor: Actor,
    now: dt.datetime,
) -> FoundAnswer:
    """Keep disputed places of an edition: those known before are not kept twice."""
    repository.lock_finding(session)
    before = repository.unsettled_of_level(session, edition.level)
    found: dict[uuid.UUID, list[DisputedPlace]] = defaultdict(list)
    known: dict[uuid.UUID, Dispute] = {}
    new = []
    for place in places:
        dispute = _known(session, place)
        if dispute is None:
            dispute = _open(session, edition, above, place, actor=actor, now=now)
            new.append(dispute.id)
        elif dispute.id not in new:
            known[dispute.id] = dispute
            found[dispute.id].append(place)
    reopened = []
    for dispute_id, again in found.items():
        if _found_again(session, city, known[dispute_id], edition, again, actor=actor, now=now):
            reopened.append(dispute_id)
    return FoundAnswer(
        edition=edition.id,
        new=tuple(new),
        again=tuple(found),
        reopened=tuple(reopened),
        absent=tuple(it for it in before if it not in found),
    )


def _known(session: Session, place: DisputedPlace) -> Dispute | None:
    """The dispute of the same place: the same sides, and at least half of the smaller ground."""
    shares = [
        (_same_ground(place, dispute, ground), dispute)
        for dispute, ground in repository.disputes_on(session, place.geometry)
        if same_sides(dispute.side_codes, place.sides)
    ]
    same = [(share, dispute) for share, dispute in shares if share >= SAME_PLACE_SHARE]
    if not same:
        return None
    return max(same, key=lambda pair: pair[0])[1]


def _same_ground(place: DisputedPlace, dispute: Dispute, ground: Any) -> float:
    """How much of the smaller ground both have, from 0 to 1.

    Neglect and faults of lines are told apart: a gap in a neglected band is a dispute of its own,
    however small. Only a band that lies mostly in a fault that is not settled is told there.
    """
    if (place.kind is DisputeKind.NEGLECT) == (dispute.kind == DisputeKind.NEGLECT):
        return overlap_share(ground, place.geometry)
    if dispute.kind == DisputeKind.NEGLECT or dispute.state == DisputeState.SETTLED:
        return 0.0
    shared = shapely.intersection(ground, place.geometry)
    return float(shapely.area(shared) / shapely.area(place.geometry))


def _open(
    session: Session,
    edition: Edition,
    above: Edition | None,
    place: DisputedPlace,
    *,
    actor: Actor,
    now: dt.datetime,
) -> Dispute:
    districts = districts_of(place.sides)
    dispute = Dispute(
        district_code=districts[0],
        id=uuid7(),
        participant_district=districts[1] if len(districts) > 1 else None,
        kind=place.kind.value,
        level=edition.level,
        side_codes=list(place.sides),
        state=DisputeState.OPEN.value,
        geometry=from_shape(place.geometry, srid=4326),
        area_m2=place.area_m2,
        width_m=place.width_m,
        accuracy_m=place.accuracy_m,
        edition_id=edition.id,
        parent_edition_id=above.id if above is not None and place.kind == "conflict" else None,
        terms=None,
        agreement_id=None,
        settled_by_edition=None,
        found_at=now,
        changed_at=now,
    )
    session.add(dispute)
    record(
        session,
        dispute,
        "found",
        actor=actor,
        why=f"{place.kind.value} of {place.area_m2:,.1f} m² in edition {edition.id}",
        content=_measures(dispute, edition),
        now=now,
    )
    return dispute


def _found_again(
    session: Session,
    city: City,
    dispute: Dispute,
    edition: Edition,
    places: list[DisputedPlace],
    *,
    actor: Actor,
    now: dt.datetime,
) -> bool:
    """Note what another edition shows of a known dispute; gives whether it is open again."""
    reopened = dispute.state == DisputeState.SETTLED
    if reopened:
        if not _is_back(session, dispute, edition, city.day(now)):
            return False
        dispute.state = DisputeState.OPEN.value
        dispute.terms = dispute.agreement_id = dispute.settled_by_edition = None
        drawn = places
    else:
        drawn = [it for it in places if it.kind == dispute.kind or it.kind != DisputeKind.NEGLECT]
        if not drawn or dispute.edition_id == edition.id or edition.state != EditionState.ACTIVE:
            return False
    _measure(dispute, edition, drawn)
    where = f"in edition {edition.id}"
    record(
        session,
        dispute,
        "reopened" if reopened else "found_again",
        actor=actor,
        why=f"found again {where}" if reopened else f"{dispute.area_m2:,.1f} m² {where}",
        content=_measures(dispute, edition),
        now=now,
    )
    return reopened


def _is_back(session: Session, dispute: Dispute, edition: Edition, today: dt.date) -> bool:
    """Whether what settled a dispute no longer does, now that an edition shows it again."""
    if dispute.agreement_id is not None:
        return not agreement_holds(session, dispute.agreement_id, today)
    settled = edition_repository.edition(session, dispute.settled_by_edition or "")
    newer = settled is None or edition.effective_from > settled.effective_from
    return newer and edition.state == EditionState.ACTIVE


def _measure(dispute: Dispute, edition: Edition, places: list[DisputedPlace]) -> None:
    """Take the ground, its measures and any further side from the newer edition."""
    whole = multipolygon_of(shapely.union_all([place.geometry for place in places]))
    dispute.geometry = from_shape(whole, srid=4326)
    dispute.area_m2 = float(area_m2(whole))
    dispute.width_m = max(place.width_m for place in places)
    dispute.accuracy_m = max(place.accuracy_m for place in places)
    dispute.edition_id = edition.id
    sides = list(dispute.side_codes)
    for place in places:
        sides += [side for side in place.sides if not same_sides([side], sides)]
    dispute.side_codes = sides


def _measures(dispute: Dispute, edition: Edition) -> dict[str, object]:
    return {
        "edition": edition.id,
        "area_m2": round(dispute.area_m2, 2),
        "width_m": round(dispute.width_m, 2),
        "sides": list(dispute.side_codes),
    }
