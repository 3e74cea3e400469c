"""A street says what it thinks of the year of a body that it called."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from gridsvc.assessment.opinions import repository
from gridsvc.assessment.opinions.models import OPINION, YearlyOpinion
from gridsvc.callers import Caller
from gridsvc.city import City
from gridsvc.errors import BadInput, Conflict
from gridsvc.registry.access.audit import Done, note
from gridsvc.registry.bodies.service import body_or_refuse
from gridsvc.registry.postings.service import check_street

#: From the first of this month on a year can be judged.
_FROM_MONTH = 12


def give(
    session: Session,
    city: City,
    caller: Caller,
    street: str,
    body: str,
    year: int,
    *,
    score: int,
    reason: str,
    now: dt.datetime,
) -> YearlyOpinion:
    """Keep a street's opinion of a body's year; the audit log keeps it too.

    The yearly score can be recomputed from that alone. Raises NotAllowed for anybody but the
    street, NotFound, BadInput before December, Conflict for a body that it has not called in that
    year, and for a second opinion.
    """
    check_street(caller, street, "say what it thinks of a year")
    known = body_or_refuse(session, body, field="body")
    since = dt.date(year, _FROM_MONTH, 1)
    if city.day(now) < since:
        raise BadInput(f"A year is judged from December on; {year} from {since}.", field="year")
    start, end = (city.calendar.begins(dt.date(one, 1, 1)) for one in (year, year + 1))
    if not repository.has_called(session, street, known.code, start, end):
        raise Conflict(
            f"{street} has not called {known.code} in {year}; only who was called is judged."
        )
    opinion = YearlyOpinion(
        street_code=street,
        body_code=known.code,
        year=year,
        score=score,
        reason=reason,
        given_by=caller.subject[:100],
        given_at=now,
    )
    if not repository.keep(session, opinion):
        raise Conflict(f"{street} has said what it thinks of {known.code} in {year}; that stands.")
    subject = f"{street} {known.code} {year} {score}"
    note(session, Done(now, caller.subject, caller.role.value, OPINION, subject, reason))
    return opinion
