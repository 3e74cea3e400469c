"""A street judges who is posted to it, month by month; it counts in the body's yearly score."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.errors import BadInput, Conflict
from gridsvc.registry.access.audit import Done, note
from gridsvc.registry.postings import repository
from gridsvc.registry.postings.models import PostingJudgement
from gridsvc.registry.postings.service import check_street, known_posting

#: By this act the audit log, from which a year is recomputed, keeps a judgement.
JUDGED = "judge posting"


def judge(
    session: Session,
    caller: Caller,
    posting_id: uuid.UUID,
    *,
    month: dt.date,
    score: int,
    words: str,
    today: dt.date,
    now: dt.datetime,
) -> PostingJudgement:
    """Score somebody who was posted to the street in a month that is over, once.

    ``month`` is its first day. The audit log keeps it too, and the yearly score can be recomputed
    from that alone. Raises NotFound, NotAllowed for anybody but the street, BadInput for a month
    that is not over or in which they were not posted, Conflict for a second time.
    """
    posting = known_posting(session, posting_id)
    check_street(caller, posting.street_code, "judge who is posted to it")
    end = month_after(month)
    if end > today:
        raise BadInput(
            f"{month:%Y-%m} is not over; judge it from {end} on.",
            field="month",
        )
    held = posting.valid_from < end and (posting.valid_to is None or posting.valid_to > month)
    if posting.kind != "posted" or not held or posting.valid_to == posting.valid_from:
        raise BadInput(
            f"{posting.staff_code} was not posted to {posting.street_code} in {month:%Y-%m}.",
            field="month",
        )
    if repository.judgement_of(session, posting, month) is not None:
        raise Conflict(f"{posting.staff_code} has been judged for {month:%Y-%m}; that stands.")
    judged = PostingJudgement(
        district_code=posting.district_code,
        posting_id=posting.id,
        month=month,
        street_code=posting.street_code,
        body_code=posting.body_code,
        staff_code=posting.staff_code,
        score=score,
        note=words,
        judged_by=caller.subject[:100],
        judged_at=now,
    )
    session.add(judged)
    session.flush()
    subject = (
        f"{posting.street_code} {posting.body_code} {posting.staff_code} {month:%Y-%m} {score}"
    )
    note(session, Done(now, caller.subject, caller.role.value, JUDGED, subject, words))
    return judged


def month_after(month: dt.date) -> dt.date:
    """The first day of the month behind that of a first day."""
    return (month + dt.timedelta(days=31)).replace(day=1)
