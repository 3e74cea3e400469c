"""Nobody is taken from the street to which they are posted by a change of the register."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from gridsvc.registry.staff.model import Period, StaffRole
from gridsvc.registry.staff.models import Posting, StaffMember

#: The role in the register that a kind of posting rests on.
ROLES = {"posted": StaffRole.POSTED_OFFICER, "liaison": StaffRole.CONTACT_POINT}


def lost_posting(
    postings: Sequence[Posting], member: StaffMember, period: Period, office: str, role: StaffRole
) -> str | None:
    """Why a row may not become one of these days, office and role; None where it may.

    The days of a posting that the row holds now it must hold then too, for the same body and in
    the role that the posting needs: a transfer, on which the street is asked, comes first.
    """
    before = Period(member.valid_from, member.valid_to)
    for posting in postings:
        if posting.valid_to == posting.valid_from:
            continue
        days = Period(posting.valid_from, posting.valid_to)
        if not before.meets(days):
            continue
        first, end = max(before.first, days.first), _earlier(before.end, days.end)
        kept = (
            period.first <= first
            and (period.end is None or (end is not None and end <= period.end))
            and office == posting.body_code
            and role == ROLES.get(posting.kind, role)
        )
        if not kept:
            return (
                f"{member.code} of {posting.body_code} is posted to {posting.street_code} from"
                f" {posting.valid_from} on; propose a transfer first, on which the street is asked."
            )
    return None


def _earlier(one: dt.date | None, other: dt.date | None) -> dt.date | None:
    return min((day for day in (one, other) if day is not None), default=None)
