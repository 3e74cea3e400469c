"""Moves a dispute from state to state; each step is its sides', and goes into the history."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.city import City
from gridsvc.errors import BadInput, NotAllowed, NotFound, StepRefused
from gridsvc.registry.bodies.agreements import check_draft, draft_json, read_draft
from gridsvc.registry.disputes import repository
from gridsvc.registry.disputes.model import NEXT_STATES, Actor, DisputeState, districts_of
from gridsvc.registry.disputes.models import Dispute
from gridsvc.registry.disputes.settling import end_settlement, settle
from gridsvc.registry.disputes.view import record


@dataclass(frozen=True, slots=True)
class Move:
    """A wish to move a dispute into another state, and why.

    ``agreement`` (for agreed) is a draft as ``bodies.agreements.read_draft`` takes it;
    ``edition_id`` is the edition that settles, or is meant to settle, the dispute.
    """

    state: str
    why: str
    agreement: Mapping[str, Any] | None = None
    edition_id: str | None = None


def dispute_or_refuse(session: Session, dispute_id: uuid.UUID) -> Dispute:
    """The dispute of an id. Raises NotFound."""
    found = repository.find_dispute(session, dispute_id)
    if found is None:
        raise NotFound(f"There is no dispute {dispute_id}; '/v1/disputes' lists them.")
    return found


def sides_supervised(caller: Caller, dispute: Dispute) -> tuple[str, ...]:
    """The districts among the sides for which a caller speaks."""
    return tuple(it for it in districts_of(dispute.side_codes) if caller.supervises(it))


def lock_for(session: Session, caller: Caller, dispute_id: uuid.UUID) -> Dispute:
    """The dispute, held for a caller who speaks for one of its sides.

    Raises NotFound, NotAllowed.
    """
    dispute = repository.lock_dispute(session, dispute_id)
    if dispute is None:
        raise NotFound(f"There is no dispute {dispute_id}; '/v1/disputes' lists them.")
    if not sides_supervised(caller, dispute):
        raise NotAllowed(
            f"The sides of this dispute are {' and '.join(dispute.side_codes)}; a token of role"
            " district, city or admin that covers one of them is needed."
        )
    return dispute


def move(
    session: Session,
    city: City,
    caller: Caller,
    dispute_id: uuid.UUID,
    wish: Move,
    *,
    now: dt.datetime,
) -> Dispute:
    """Move a dispute into another state.

    *agreed* needs the word of every district among the sides: the first proposes terms (an
    agreement or an edition), and the state changes when the last says yes to the same terms.
    *settled* carries the terms out. Raises NotFound, NotAllowed, StepRefused for a state out of
    order, BadInput for terms that cannot be, Conflict for an edition that still shows the fault.
    """
    dispute = lock_for(session, caller, dispute_id)
    state = _next(dispute, wish)
    actor = Actor.of(caller)
    if state is DisputeState.AGREED:
        _agree(session, city, caller, dispute, wish, now)
        return dispute
    if wish.agreement is not None:
        raise BadInput(
            "Terms are proposed with the state 'agreed'; settling carries out what was agreed.",
            field="agreement",
        )
    if wish.edition_id is not None and state is not DisputeState.SETTLED:
        raise BadInput(
            "An edition is named with 'agreed' or 'settled', not with this state.",
            field="edition_id",
        )
    content: dict[str, Any] = {}
    if state is DisputeState.SETTLED:
        content = settle(session, city, dispute, wish.edition_id, now=now)
    elif dispute.state == DisputeState.SETTLED:
        _check_speaks_for_all(caller, dispute)
        content = end_settlement(session, dispute, today=city.day(now))
    else:
        dispute.terms = None
    dispute.state = state.value
    action = "reopened" if state is DisputeState.OPEN else state.value
    record(session, dispute, action, actor=actor, why=wish.why, content=content, now=now)
    return dispute


def _next(dispute: Dispute, wish: Move) -> DisputeState:
    try:
        state = DisputeState(wish.state)
    except ValueError:
        raise BadInput(
            f"'{wish.state[:40]}' is not a state; send {', '.join(DisputeState)}.", field="state"
        ) from None
    if not wish.why.strip():
        raise BadInput("Give the reason in 'why'; it goes into the history.", field="why")
    possible = NEXT_STATES[DisputeState(dispute.state)]
    if state not in possible:
        raise StepRefused(
            f"The dispute is {dispute.state}; from there it goes to"
            f" {' or '.join(possible)}, not to {state}.",
            field="state",
            possible=[it.value for it in possible],
        )
    return state


def _agree(
    session: Session, city: City, caller: Caller, dispute: Dispute, wish: Move, now: dt.datetime
) -> None:
    """Note the word of the caller's side; the last side's word makes the terms agreed."""
    proposed = _terms(session, city, dispute, wish)
    standing = dict(dispute.terms or {})
    said = set(standing.pop("agreed_by", ()))
    if proposed is None:
        if not standing:
            raise BadInput(
                "Nothing has been proposed yet; send the 'agreement', or the 'edition_id' of the"
                " edition that is to settle it.",
                field="agreement",
            )
        proposed = standing
    if proposed != standing:
        said = set()
    said |= set(sides_supervised(caller, dispute))
    missing = [it for it in districts_of(dispute.side_codes) if it not in said]
    dispute.terms = {**proposed, "agreed_by": sorted(said)}
    if not missing:
        dispute.state = DisputeState.AGREED.value
    record(
        session,
        dispute,
        "terms_proposed" if missing else "agreed",
        actor=Actor.of(caller),
        why=wish.why,
        content={**proposed, "agreed_by": sorted(said), "waiting_for": missing},
        now=now,
    )


def _terms(session: Session, city: City, dispute: Dispute, wish: Move) -> dict[str, Any] | None:
    """The terms that a wish proposes; None when it only says yes."""
    if wish.agreement is not None and wish.edition_id is not None:
        raise BadInput(
            "A dispute is settled by an agreement or by an edition; send exactly one.",
            field="agreement",
        )
    if wish.edition_id is not None:
        return {"edition_id": wish.edition_id[:80]}
    if wish.agreement is None:
        return None
    draft = read_draft(wish.agreement, city.standard, zone=to_shape(dispute.geometry))
    ground = to_shape(dispute.geometry)
    if not draft.zone.intersects(ground):
        raise BadInput(
            "The agreement's zone does not touch the disputed ground; leave 'zone' out to use"
            " that ground itself.",
            field="agreement.zone",
        )
    check_draft(session, draft)
    return {"agreement": draft_json(draft)}


def _check_speaks_for_all(caller: Caller, dispute: Dispute) -> None:
    others = set(districts_of(dispute.side_codes)) - set(sides_supervised(caller, dispute))
    if others:
        raise NotAllowed(
            "What all sides have settled is reopened by someone who speaks for all of them; this"
            f" token does not cover {' and '.join(sorted(others))}."
        )
