"""The queries of rosters: postings, what is proposed about them, and monthly judgements."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import Session

from gridsvc.registry.in_force import holds
from gridsvc.registry.postings.models import PostingJudgement, PostingProposal, Replacement
from gridsvc.registry.staff.models import Posting, StaffMember


def roster_on(
    session: Session, streets: Collection[str], day: dt.date
) -> Sequence[tuple[Posting, StaffMember]]:
    """The postings that hold at streets on a day, each with its person's row of that day."""
    rows = session.execute(
        select(Posting, StaffMember)
        .join(
            StaffMember,
            and_(
                StaffMember.district_code == Posting.district_code,
                StaffMember.code == Posting.staff_code,
                holds(StaffMember.valid_from, StaffMember.valid_to, day),
            ),
        )
        .where(
            Posting.district_code.in_({street[:6] for street in streets}),
            Posting.street_code.in_(set(streets)),
            holds(Posting.valid_from, Posting.valid_to, day),
        )
        .order_by(Posting.street_code, Posting.staff_code, Posting.id)
    )
    return [(posting, member) for posting, member in rows]


def postings_under(
    session: Session,
    prefix: str,
    *,
    body: str | None,
    day: dt.date | None,
    after: uuid.UUID,
    limit: int,
) -> Sequence[Posting]:
    """Postings to streets whose codes begin so, in the order in which they were made."""
    query = select(Posting).where(
        Posting.street_code.startswith(prefix, autoescape=True), Posting.id > after
    )
    if body is not None:
        query = query.where(Posting.body_code == body)
    if day is not None:
        query = query.where(holds(Posting.valid_from, Posting.valid_to, day))
    return session.scalars(query.order_by(Posting.id).limit(limit)).all()


def posting_by_id(session: Session, id: uuid.UUID) -> Posting | None:
    """One posting, which nobody else changes until the end of this transaction."""
    return session.scalar(select(Posting).where(Posting.id == id).with_for_update())


def posted_elsewhere(
    session: Session, district: str, staff: str, first: dt.date, end: dt.date | None
) -> Posting | None:
    """Where somebody is posted on one of these days."""
    query = select(Posting).where(
        Posting.district_code == district,
        Posting.staff_code == staff,
        Posting.kind == "posted",
        Posting.valid_to.is_(None)
        | ((Posting.valid_to > first) & (Posting.valid_to > Posting.valid_from)),
    )
    if end is not None:
        query = query.where(Posting.valid_from < end)
    return session.scalar(query.order_by(Posting.valid_from).limit(1))


def proposal_by_id(session: Session, id: uuid.UUID) -> PostingProposal | None:
    """One proposal, which nobody else answers until the end of this transaction."""
    query = select(PostingProposal).where(PostingProposal.id == id)
    return session.scalar(query.with_for_update())


def proposals_under(
    session: Session,
    prefix: str,
    *,
    states: Collection[str],
    late_at: dt.datetime | None,
    after: uuid.UUID,
    limit: int,
) -> Sequence[PostingProposal]:
    """Proposals to streets whose codes begin so; ``late_at``: whose answer was due by then."""
    p = PostingProposal
    query = select(p).where(p.street_code.startswith(prefix, autoescape=True), p.id > after)
    if states:
        query = query.where(p.state.in_(states))
    if late_at is not None:
        query = query.where(p.state == "asked", p.answer_by <= late_at)
    return session.scalars(query.order_by(p.id).limit(limit)).all()


def open_transfer(session: Session, posting: Posting) -> bool:
    """Whether a transfer of this posting waits for an answer already."""
    p = PostingProposal
    waits = exists().where(
        p.district_code == posting.district_code,
        p.posting_id == posting.id,
        p.kind == "transfer",
        p.state.in_(("asked", "objected")),
    )
    return bool(session.scalar(select(waits)))


def replacement_by_id(session: Session, id: uuid.UUID) -> Replacement | None:
    """One replacement, which nobody else answers until the end of this transaction."""
    return session.scalar(select(Replacement).where(Replacement.id == id).with_for_update())


def open_replacement(session: Session, posting: Posting) -> bool:
    """Whether a street waits for somebody else in the place of this posting."""
    waits = exists().where(
        Replacement.district_code == posting.district_code,
        Replacement.posting_id == posting.id,
        Replacement.state == "asked",
    )
    return bool(session.scalar(select(waits)))


def replacements_under(
    session: Session, prefix: str, *, state: str | None, after: uuid.UUID, limit: int
) -> Sequence[Replacement]:
    """Replacements that streets whose codes begin so have asked for."""
    query = select(Replacement).where(
        Replacement.street_code.startswith(prefix, autoescape=True), Replacement.id > after
    )
    if state is not None:
        query = query.where(Replacement.state == state)
    return session.scalars(query.order_by(Replacement.id).limit(limit)).all()


def count_late(session: Session, district: str, now: dt.datetime) -> int:
    """Opinions and replacements of a district for which nobody answered in time."""
    found = 0
    for table in (PostingProposal, Replacement):
        query = select(func.count()).where(
            table.district_code == district, table.state == "asked", table.answer_by <= now
        )
        found += session.scalar(query) or 0
    return found


def judgement_of(session: Session, posting: Posting, month: dt.date) -> PostingJudgement | None:
    """What was said of a posting for a month."""
    return session.get(PostingJudgement, (posting.district_code, posting.id, month))


def judgements_under(
    session: Session, prefix: str, first: dt.date, last: dt.date
) -> Sequence[PostingJudgement]:
    """Judgements of the streets whose codes begin so, for months from one to another."""
    j = PostingJudgement
    return session.scalars(
        select(j)
        .where(j.street_code.startswith(prefix, autoescape=True), j.month.between(first, last))
        .order_by(j.month, j.street_code, j.staff_code, j.posting_id)
    ).all()


def not_judged(session: Session, prefix: str, month: dt.date, end: dt.date) -> Sequence[Posting]:
    """Who was posted on a day of a month, which ends before ``end``, and is not judged for it."""
    j = PostingJudgement
    judged = exists().where(
        j.district_code == Posting.district_code, j.posting_id == Posting.id, j.month == month
    )
    begins_in_time = Posting.valid_from < end
    ended_later = or_(
        Posting.valid_to.is_(None),
        and_(Posting.valid_to > month, Posting.valid_to > Posting.valid_from),
    )
    return session.scalars(
        select(Posting)
        .where(
            Posting.street_code.startswith(prefix, autoescape=True),
            Posting.kind == "posted",
            begins_in_time,
            ended_later,
            ~judged,
        )
        .order_by(Posting.street_code, Posting.staff_code, Posting.id)
    ).all()
