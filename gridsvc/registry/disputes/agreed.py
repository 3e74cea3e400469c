"""Ends and changes agreements in force: whoever speaks for all sides, with a day and a reason."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.city import City
from gridsvc.errors import BadInput, Conflict, NotAllowed, NotFound
from gridsvc.registry.access.audit import Done, note
from gridsvc.registry.bodies.agreements import create_agreement, duties_json, read_draft
from gridsvc.registry.bodies.models import Agreement
from gridsvc.registry.bodies.pages_repository import lines_of_agreements, lock_agreement
from gridsvc.registry.disputes import repository
from gridsvc.registry.disputes.model import Actor
from gridsvc.registry.disputes.view import record
from gridsvc.registry.editions.repository import named_areas
from gridsvc.registry.editions.service import edition_in_force


def end_agreement(
    session: Session,
    city: City,
    caller: Caller,
    agreement_id: uuid.UUID,
    *,
    on: dt.date | None,
    reason: str,
    now: dt.datetime,
) -> None:
    """Let an agreement hold for the last time the day before ``on`` (today where None).

    The dispute that it settled opens again when disputes are looked for after that. Raises
    NotFound, NotAllowed, BadInput for a day that is over, Conflict for one that has ended.
    """
    agreement = _held(session, city, caller, agreement_id, now)
    today = city.day(now)
    _end(agreement, on or today, today, reason)
    session.flush()
    _enter(session, caller, "end agreement", agreement, reason, now)


def change_agreement(
    session: Session,
    city: City,
    caller: Caller,
    agreement_id: uuid.UUID,
    changes: Mapping[str, Any],
    *,
    reason: str,
    now: dt.datetime,
) -> uuid.UUID:
    """End an agreement and begin another in its place, with members of a draft changed.

    From ``valid_from`` of the changes on, today without one. The disputes that it settled are
    settled by the new one. Gives its id; raises what :func:`end_agreement` and ``read_draft`` do.
    """
    agreement = _held(session, city, caller, agreement_id, now)
    today = city.day(now)
    since = dt.date.fromisoformat(changes.get("valid_from", today.isoformat()))
    lines = lines_of_agreements(session, [agreement_id])[agreement_id]
    was = {
        "title": agreement.title,
        "valid_to": agreement.valid_to and agreement.valid_to.isoformat(),
        "duties": duties_json(lines),
    }
    now_said = was | {name: told for name, told in changes.items() if name != "valid_from"}
    if now_said == was:
        raise BadInput("Nothing in the agreement is changed.", field="duties")
    first = max(since, agreement.valid_from)
    given = now_said | {"valid_from": first.isoformat()}
    draft = read_draft(given, city.standard, zone=to_shape(agreement.zone))
    _check_speaks_for(session, caller, draft.zone, now)
    _end(agreement, first, today, reason)
    changed = create_agreement(session, draft, replaces=agreement_id, reason=reason)
    for dispute in repository.settled_by_agreement(session, agreement_id):
        dispute.agreement_id = changed
        content = {"agreement_id": str(changed), "replaces": str(agreement_id)}
        actor = Actor.of(caller)
        record(session, dispute, "changed", actor=actor, why=reason, content=content, now=now)
    _enter(session, caller, "change agreement", agreement, reason, now)
    return changed


def _held(
    session: Session, city: City, caller: Caller, agreement_id: uuid.UUID, now: dt.datetime
) -> Agreement:
    """The agreement, locked, for somebody who may end it. Raises NotFound, NotAllowed, Conflict."""
    agreement = lock_agreement(session, agreement_id)
    if agreement is None:
        raise NotFound(f"There is no agreement {agreement_id}; '/v1/agreements' lists them.")
    _check_speaks_for(session, caller, to_shape(agreement.zone), now)
    if agreement.valid_to is not None and agreement.valid_to <= city.day(now):
        raise Conflict(f"The agreement has ended on {agreement.valid_to}; it stays as it was.")
    return agreement


def _check_speaks_for(session: Session, caller: Caller, zone: Any, now: dt.datetime) -> None:
    edition = edition_in_force(session, "district", now)
    others = [
        code
        for code in named_areas(session, edition.id, touching=zone)
        if not caller.supervises(code)
    ]
    if others:
        raise NotAllowed(
            "What all sides have agreed on is ended or changed by someone who speaks for all of"
            f" them; this token does not cover {' and '.join(others)}."
        )


def _end(agreement: Agreement, on: dt.date, today: dt.date, reason: str) -> None:
    if on < today:
        raise BadInput(f"{on} is over; an agreement ends today or later.", field="valid_to")
    # One that is still to begin never holds.
    agreement.valid_to = max(on, agreement.valid_from)
    agreement.end_reason = reason


def _enter(
    session: Session, caller: Caller, act: str, agreement: Agreement, reason: str, now: dt.datetime
) -> None:
    said = f"{agreement.id} {agreement.title}"
    note(session, Done(now, caller.subject, caller.role.value, act, said, reason))
