"""Carries out what the sides agreed on: an agreement comes into force, or an edition is checked."""

from __future__ import annotations

import datetime as dt
from typing import Any

from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.city import City
from gridsvc.errors import BadInput, Conflict, NotFound
from gridsvc.registry.bodies.agreements import create_agreement, read_draft
from gridsvc.registry.bodies.models import Agreement
from gridsvc.registry.disputes.models import Dispute
from gridsvc.registry.editions import repository as edition_repository
from gridsvc.registry.editions.models import Edition, EditionState
from gridsvc.registry.editions.service import edition_above
from gridsvc.spatial.disputed import Layer, left_in
from gridsvc.spatial.ellipsoid import area_m2
from gridsvc.spatial.plane import MetricPlane


def settle(
    session: Session,
    city: City,
    dispute: Dispute,
    edition_id: str | None,
    *,
    now: dt.datetime,
) -> dict[str, Any]:
    """Carry out the terms of a locked dispute; gives what the history must say.

    Raises NotFound, BadInput, and Conflict for an edition that is not in force or still shows the
    fault.
    """
    terms = dispute.terms or {}
    if "agreement" in terms:
        if edition_id is not None:
            raise BadInput(
                "The sides agreed on an agreement, not on an edition; go back to negotiation to"
                " change the terms.",
                field="edition_id",
            )
        draft = read_draft(terms["agreement"], city.standard)
        dispute.agreement_id = create_agreement(session, draft)
        return {"agreement_id": str(dispute.agreement_id), **terms}
    named = edition_id or terms.get("edition_id")
    if named is None or named != terms.get("edition_id", named):
        raise BadInput(
            f"The sides agreed on the edition '{terms.get('edition_id')}', not on '{named}'; go"
            " back to negotiation to change the terms.",
            field="edition_id",
        )
    edition = _edition_in_force(session, dispute, named, now)
    _check_gone(session, dispute, edition, city.plane, now)
    dispute.settled_by_edition = edition.id
    return {"edition_id": edition.id}


def end_settlement(session: Session, dispute: Dispute, *, today: dt.date) -> dict[str, Any]:
    """Open a settled dispute again: its agreement holds for the last time the day before."""
    content: dict[str, Any] = {"settled_by_edition": dispute.settled_by_edition}
    if dispute.agreement_id is not None:
        agreement = session.get_one(Agreement, dispute.agreement_id)
        last = max(today, agreement.valid_from)
        if agreement.valid_to is None or agreement.valid_to > last:
            agreement.valid_to = last
        content = {
            "agreement_id": str(agreement.id),
            "agreement_ended": agreement.valid_to.isoformat(),
        }
    dispute.terms = dispute.agreement_id = dispute.settled_by_edition = None
    return content


def _edition_in_force(
    session: Session, dispute: Dispute, edition_id: str, now: dt.datetime
) -> Edition:
    edition = edition_repository.edition(session, edition_id)
    if edition is None:
        raise NotFound(
            f"There is no edition '{edition_id[:80]}'; 'gridsvc edition list' shows them.",
            field="edition_id",
        )
    own = edition_repository.edition(session, dispute.edition_id)
    above = None if own is None else edition_above(session, own.level, now)
    levels = {dispute.level, *([above.level] if above and dispute.kind == "conflict" else [])}
    if edition.level not in levels:
        raise BadInput(
            f"The dispute is about {' or '.join(sorted(levels))} borders, but '{edition.id}' is an"
            f" edition of level {edition.level}.",
            field="edition_id",
        )
    in_force = edition_repository.edition_in_force(session, edition.level, now)
    if edition.state != EditionState.ACTIVE or in_force is None or in_force.id != edition.id:
        raise Conflict(
            f"The edition '{edition.id}' is not in force (it is {edition.state}); activate it"
            " first, as a dispute is settled by what answers.",
            field="edition_id",
        )
    return edition


def _check_gone(
    session: Session, dispute: Dispute, edition: Edition, plane: MetricPlane, now: dt.datetime
) -> None:
    """Refuse an edition in which some of the ground is still disputed."""
    if dispute.kind == "neglect" and edition.id == dispute.edition_id:
        raise Conflict(
            f"'{edition.id}' is the edition in which the place was neglected; only a newer one, or"
            " an agreement, settles it.",
            field="edition_id",
        )
    ground = to_shape(dispute.geometry)
    own = edition
    if edition.level != dispute.level:
        present = edition_repository.edition_in_force(session, dispute.level, now)
        if present is None:
            raise NotFound(f"No edition of level {dispute.level} is in force.", field="edition_id")
        own = present
    above = edition_above(session, own.level, now)
    over = None if above is None else _near(session, above, ground)
    left = left_in(ground, _near(session, own, ground), over, plane=plane)
    if left:
        size = float(area_m2(left).sum())
        at = left[0].representative_point()
        raise Conflict(
            f"The fault is still there in the edition '{edition.id}': {size:,.1f} m² of the"
            f" disputed ground are claimed twice, by nobody, or by levels that contradict each"
            f" other, the largest piece at {at.x:.6f}, {at.y:.6f} (lon, lat).",
            field="edition_id",
            left_m2=round(size, 2),
        )


def _near(session: Session, edition: Edition, ground: Any) -> Layer:
    """The areas of an edition that touch some ground (WGS84)."""
    areas = edition_repository.named_areas(session, edition.id, touching=ground)
    return Layer(list(areas), [area for _, area in areas.values()], edition.accuracy_m)
