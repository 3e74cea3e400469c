"""A street asks for somebody else in the place of who is posted to it; the body answers in time."""

from __future__ import annotations

import datetime as dt
import uuid

from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.city import City
from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput, Conflict, NotFound
from gridsvc.registry.postings import repository
from gridsvc.registry.postings.models import Replacement
from gridsvc.registry.postings.rules import Answered, PostingKind
from gridsvc.registry.postings.service import (
    NewPosting,
    check_proposes,
    check_street,
    known_posting,
    propose_posting,
    until,
)


def ask_replacement(
    session: Session,
    city: City,
    caller: Caller,
    posting_id: uuid.UUID,
    *,
    reason: str,
    now: dt.datetime,
) -> Replacement:
    """The street asks for somebody else. Raises NotFound, NotAllowed, Conflict."""
    posting, today = known_posting(session, posting_id), city.day(now)
    check_street(caller, posting.street_code, "ask for somebody else")
    if posting.valid_to is not None and posting.valid_to <= today:
        raise Conflict(f"{posting.staff_code} has left {posting.street_code} already.")
    if repository.open_replacement(session, posting):
        raise Conflict(f"{posting.body_code} has been asked to replace {posting.staff_code}.")
    asked = Replacement(
        district_code=posting.district_code,
        id=uuid7(),
        posting_id=posting.id,
        street_code=posting.street_code,
        body_code=posting.body_code,
        reason=reason,
        state="asked",
        asked_by=caller.subject[:100],
        asked_at=now,
        answer_by=until(city, Answered.REPLACEMENT, now),
    )
    session.add(asked)
    session.flush()
    return asked


def known_replacement(session: Session, replacement_id: uuid.UUID) -> Replacement:
    """A replacement that was asked for, kept for this transaction. Raises NotFound."""
    asked = repository.replacement_by_id(session, replacement_id)
    if asked is None:
        raise NotFound(f"No replacement {replacement_id} was asked for.")
    return asked


def answer_replacement(
    session: Session,
    city: City,
    caller: Caller,
    replacement_id: uuid.UUID,
    *,
    staff: str | None,
    valid_from: dt.date | None,
    words: str,
    now: dt.datetime,
) -> Replacement:
    """The body names somebody, on whom the street then gives its opinion, or says why not.

    Raises NotFound, NotAllowed, BadInput without a reason, Conflict for a second answer.
    """
    asked = known_replacement(session, replacement_id)
    check_proposes(session, caller, asked.body_code)
    if asked.state != "asked":
        raise Conflict(f"The replacement has been answered: '{asked.state}'.")
    if staff is None and not words.strip():
        raise BadInput("Name somebody in 'staff', or say in 'words' why not.", field="staff")
    old = known_posting(session, asked.posting_id)
    if staff is not None:
        place = None if old.station is None else to_shape(old.station)
        new = NewPosting(
            street=asked.street_code,
            staff=staff,
            kind=PostingKind(old.kind),
            valid_from=valid_from or city.day(now),
            valid_to=old.valid_to,
            station=None if place is None else (place.x, place.y),
            words=words,
            replaces=old.id,
        )
        proposal = propose_posting(session, city, caller, new, now=now)
        asked.proposal_id = proposal.id
    asked.state = "refused" if staff is None else "named"
    asked.answered_by, asked.answered_at, asked.answer = caller.subject[:100], now, words
    session.flush()
    return asked
