"""Double management (双重管理): what a body proposes takes effect with the street's opinion alone.

The street's own token gives it. Silence past the limit is told to supervision and decides nothing;
after an objection supervision decides, with its reason.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Literal

from geoalchemy2.shape import from_shape
from shapely.geometry import Point
from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.city import City
from gridsvc.city.course import Course
from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput, Conflict, NotAllowed, NotFound
from gridsvc.registry.access.audit import Done, note
from gridsvc.registry.bodies.repository import BodyRef, bodies_by_code
from gridsvc.registry.postings import repository
from gridsvc.registry.postings.models import PostingProposal
from gridsvc.registry.postings.rules import POSTING_RULES, Answered, PostingKind
from gridsvc.registry.staff.models import Posting, StaffMember
from gridsvc.registry.staff.posted import ROLES
from gridsvc.registry.staff.repository import lock_register, periods_of


@dataclass(frozen=True, slots=True)
class NewPosting:
    """Somebody whom a body would post, or name as on call or liaison; ``station`` is WGS84.

    ``replaces`` is the posting that ends on the day on which this one begins.
    """

    street: str
    staff: str
    kind: PostingKind
    valid_from: dt.date
    valid_to: dt.date | None
    station: tuple[float, float] | None
    words: str
    replaces: uuid.UUID | None = None


def propose_posting(
    session: Session, city: City, caller: Caller, new: NewPosting, *, now: dt.datetime
) -> PostingProposal:
    """Propose a posting to its street. Raises BadInput, NotAllowed, NotFound, Conflict."""
    district = new.street[:6]
    lock_register(session, district)
    member = _person(session, district, new.staff, new.valid_from)
    body = check_proposes(session, caller, member.body_code)
    office = bodies_by_code(session, [new.street]).get(new.street)
    if office is None or office.kind != "street":
        raise BadInput(
            f"No office of the street '{new.street[:20]}' is registered, whose opinion could be"
            " asked; import the bodies first.",
            field="street",
        )
    if body.kind in ("street", "community"):
        raise BadInput(
            f"{body.name} is an office of the street or of a community; departments and companies"
            " post people.",
            field="staff",
        )
    _check_kind(new, member)
    if new.valid_to is not None and new.valid_to <= max(new.valid_from, city.day(now)):
        raise BadInput(
            f"'valid_to' is {new.valid_to}; it must come after {new.valid_from} and after today.",
            field="valid_to",
        )
    if new.replaces is not None:
        old = known_posting(session, new.replaces)
        if (old.street_code, old.body_code) != (new.street, body.code):
            raise BadInput(
                f"The posting {old.id} is of {old.body_code} to {old.street_code}; it can only be"
                " replaced there, by that body.",
                field="replaces",
            )
    return _ask(
        session,
        city,
        caller,
        PostingProposal(
            kind="posting",
            district_code=district,
            staff_code=new.staff,
            street_code=new.street,
            body_code=body.code,
            posting_id=new.replaces,
            posting_kind=new.kind.value,
            station=new.station and from_shape(Point(*new.station), srid=4326),
            valid_from=new.valid_from,
            valid_to=new.valid_to,
            words=new.words,
        ),
        now,
    )


def propose_about(
    session: Session,
    city: City,
    caller: Caller,
    posting_id: uuid.UUID,
    kind: Literal["transfer", "reward"],
    *,
    on: dt.date,
    words: str,
    now: dt.datetime,
) -> PostingProposal:
    """Propose to take somebody away from a street from a day on (transfer), or to reward them.

    Raises NotFound, NotAllowed, Conflict for a posting that is over, or a second transfer.
    """
    posting = known_posting(session, posting_id)
    body = check_proposes(session, caller, posting.body_code)
    if posting.valid_to is not None and posting.valid_to <= on:
        raise Conflict(
            f"{posting.staff_code} is posted to {posting.street_code} until {posting.valid_to}"
            " only."
        )
    if kind == "transfer" and repository.open_transfer(session, posting):
        raise Conflict(f"A transfer of {posting.staff_code} is proposed already.")
    return _ask(
        session,
        city,
        caller,
        PostingProposal(
            kind=kind,
            district_code=posting.district_code,
            staff_code=posting.staff_code,
            street_code=posting.street_code,
            body_code=body.code,
            posting_id=posting.id,
            posting_kind=None,
            station=None,
            valid_from=on,
            valid_to=None,
            words=words,
        ),
        now,
    )


def give_opinion(
    session: Session,
    city: City,
    caller: Caller,
    proposal_id: uuid.UUID,
    *,
    agrees: bool,
    words: str,
    now: dt.datetime,
) -> PostingProposal:
    """The street says what it thinks, once; with its agreement the proposal takes effect.

    Raises NotFound, NotAllowed for any token but the street's own, BadInput for an objection
    without a reason, Conflict where it has been said, or the posting cannot be any more.
    """
    proposal = known_proposal(session, proposal_id)
    check_street(caller, proposal.street_code, "give its opinion")
    if proposal.state != "asked":
        raise Conflict(f"No opinion is asked for any more: the proposal is '{proposal.state}'.")
    if not agrees and not words.strip():
        raise BadInput("Say in 'words' why the street objects.", field="words")
    proposal.agrees, proposal.opinion = agrees, words
    proposal.opinion_by, proposal.opinion_at = caller.subject[:100], now
    if agrees:
        _take_effect(session, city, proposal, now)
    else:
        proposal.state = "objected"
    _note(session, caller, "agree to" if agrees else "object to", proposal, words, now)
    session.flush()
    return proposal


def decide(
    session: Session,
    city: City,
    caller: Caller,
    proposal_id: uuid.UUID,
    *,
    carry: bool,
    reason: str,
    now: dt.datetime,
) -> PostingProposal:
    """Supervision decides after an objection. Raises NotFound, NotAllowed, Conflict before one."""
    proposal = known_proposal(session, proposal_id)
    if not caller.supervises(proposal.district_code):
        raise NotAllowed(
            "Only supervision decides after an objection: a token of role district, city or admin"
            f" that covers {proposal.district_code}."
        )
    if proposal.state != "objected":
        raise Conflict(
            f"The proposal is '{proposal.state}'; supervision decides where the street has given"
            " its opinion and objects, and nowhere else."
        )
    proposal.decided_by, proposal.decided_at = caller.subject[:100], now
    proposal.decision = reason
    if carry:
        _take_effect(session, city, proposal, now)
    else:
        proposal.state = "rejected"
    _note(session, caller, "carry" if carry else "reject", proposal, reason, now)
    session.flush()
    return proposal


def withdraw(
    session: Session, caller: Caller, proposal_id: uuid.UUID, *, reason: str, now: dt.datetime
) -> PostingProposal:
    """The body takes a proposal back that has not taken effect. Raises as proposing does."""
    proposal = known_proposal(session, proposal_id)
    check_proposes(session, caller, proposal.body_code)
    if proposal.state not in ("asked", "objected"):
        raise Conflict(f"The proposal is '{proposal.state}'; it cannot be taken back.")
    proposal.state = "withdrawn"
    _note(session, caller, "withdraw", proposal, reason, now)
    session.flush()
    return proposal


def check_reads(caller: Caller, street: str) -> None:
    """Raise NotAllowed for whoever does not work in the street or around it."""
    if not street.startswith(caller.area[:9]):
        raise NotAllowed(
            f"The token is for {caller.area}; it does not cover the roster of {street}."
        )


def known_posting(session: Session, posting_id: uuid.UUID) -> Posting:
    """A posting, kept for this transaction. Raises NotFound."""
    posting = repository.posting_by_id(session, posting_id)
    if posting is None:
        raise NotFound(f"There is no posting {posting_id}.")
    return posting


def known_proposal(session: Session, proposal_id: uuid.UUID) -> PostingProposal:
    """A proposal, kept for this transaction. Raises NotFound."""
    proposal = repository.proposal_by_id(session, proposal_id)
    if proposal is None:
        raise NotFound(f"Nobody has made a proposal {proposal_id}.")
    return proposal


def check_street(caller: Caller, street: str, act: str) -> None:
    """Raise NotAllowed for any token but the street's own: nobody speaks in its place."""
    if caller.role is not Role.STREET or caller.area != street:
        raise NotAllowed(
            f"Only the street {street} itself may {act}, with a token of its own; nobody does so"
            " in its place."
        )


def _person(session: Session, district: str, staff: str, day: dt.date) -> StaffMember:
    rows = periods_of(session, district, [staff]).get(staff, [])
    for row in rows:
        if row.valid_from <= day and (row.valid_to is None or row.valid_to > day):
            return row
    raise BadInput(
        f"The register of staff of {district} has nobody '{staff[:20]}' on {day}.", field="staff"
    )


def check_proposes(session: Session, caller: Caller, code: str) -> BodyRef:
    """The body, if the caller proposes for it: with its own token, or as its supervision.

    Raises NotAllowed.
    """
    body = bodies_by_code(session, [code])[code]
    if caller.role is Role.STREET or not caller.acts_for(body.code, body.area_code):
        raise NotAllowed(
            f"{body.name} ({body.code}) itself proposes who of its people is posted, moved or"
            " rewarded, or its supervision."
        )
    return body


def _check_kind(new: NewPosting, member: StaffMember) -> None:
    role = ROLES.get(new.kind)
    if role is not None and member.role != role:
        raise BadInput(
            f"{member.code} is in the register as {member.role}; '{new.kind}' needs {role}.",
            field="kind",
        )
    if (new.station is None) != (new.kind is PostingKind.LIAISON):
        raise BadInput(
            "'station' is where they start from: give it for who comes, and not for liaison.",
            field="station",
        )


def _ask(
    session: Session, city: City, caller: Caller, proposal: PostingProposal, now: dt.datetime
) -> PostingProposal:
    proposal.id, proposal.state = uuid7(), "asked"
    proposal.proposed_by, proposal.proposed_at = caller.subject[:100], now
    proposal.answer_by = until(city, Answered.OPINION, now)
    session.add(proposal)
    session.flush()
    return proposal


def until(city: City, what: Answered, now: dt.datetime) -> dt.datetime:
    """Until when something that is asked now is to be answered."""
    return Course(now, (city.table(POSTING_RULES).limits[what],)).ends(city.calendar)


def _take_effect(session: Session, city: City, proposal: PostingProposal, now: dt.datetime) -> None:
    """What was proposed holds from its day on, and never from before it was agreed to."""
    first = max(proposal.valid_from, city.day(now))
    if proposal.kind == "posting":
        lock_register(session, proposal.district_code)
        _post(session, proposal, first)
    elif proposal.kind == "transfer" and proposal.posting_id is not None:
        _end(known_posting(session, proposal.posting_id), first)
    proposal.state, proposal.effective_on = "in_effect", first


def _post(session: Session, proposal: PostingProposal, first: dt.date) -> None:
    if proposal.valid_to is not None and proposal.valid_to <= first:
        raise Conflict(
            f"The posting was to end on {proposal.valid_to}, which has come; the body withdraws"
            " the proposal and makes another."
        )
    member = _person(session, proposal.district_code, proposal.staff_code, first)
    if member.body_code != proposal.body_code:
        raise Conflict(f"{member.code} belongs to {member.body_code} by now.")
    if proposal.posting_id is not None:
        _end(known_posting(session, proposal.posting_id), first)
        session.flush()
    if proposal.posting_kind == "posted":
        there = repository.posted_elsewhere(
            session, proposal.district_code, proposal.staff_code, first, proposal.valid_to
        )
        if there is not None:
            raise Conflict(
                f"{proposal.staff_code} is posted to {there.street_code} from {there.valid_from}"
                " on; a transfer from there comes first."
            )
    session.add(
        Posting(
            district_code=proposal.district_code,
            id=proposal.id,
            staff_code=proposal.staff_code,
            kind=proposal.posting_kind,
            street_code=proposal.street_code,
            body_code=proposal.body_code,
            station=proposal.station,
            valid_from=first,
            valid_to=proposal.valid_to,
        )
    )


def _end(posting: Posting, on: dt.date) -> None:
    """End a posting on a day; one that would have begun later never holds."""
    if posting.valid_to is None or posting.valid_to > on:
        posting.valid_to = max(on, posting.valid_from)


def _note(
    session: Session,
    caller: Caller,
    act: str,
    proposal: PostingProposal,
    reason: str,
    now: dt.datetime,
) -> None:
    subject = f"{proposal.street_code} {proposal.kind} {proposal.staff_code} {proposal.id}"
    act = f"{act} posting proposal"
    note(session, Done(now, caller.subject, caller.role.value, act, subject, reason))
