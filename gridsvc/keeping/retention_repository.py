"""The queries of the retention: what has been kept long enough, and its end."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

#: The days for which a case of this class keeps something, by the longest fitting beginning.
_DAYS = (
    "(select p.days from unnest(cast(:classes as text[]), cast(:days as int[])) p(class, days)"
    " where starts_with(c.class_code, p.class) order by length(p.class) desc limit 1)"
)
_OVER = f"c.state = 'closed' and c.closed_at + make_interval(days => {_DAYS}) <= :now"

_CONTACTS = text(
    "with over as (select k.district_code, k.report_id from reporter k"  # noqa: S608 - our own words
    " join report r on r.district_code = k.district_code and r.id = k.report_id"
    " join case_file c on c.district_code = r.case_district and c.id = r.case_id"
    f" where {_OVER} limit :limit)"
    " delete from reporter k using over where k.district_code = over.district_code"
    " and k.report_id = over.report_id"
)
_FOLLOWS = text(
    "with over as (select f.district_code, f.id from follow f"  # noqa: S608 - our own words
    " join report r on r.district_code = f.district_code and r.id = f.report_id"
    " join case_file c on c.district_code = r.case_district and c.id = r.case_id"
    f" where {_OVER} limit :limit),"
    " told as (delete from message m using over where m.follow_id = over.id)"
    " delete from follow f using over where f.district_code = over.district_code"
    " and f.id = over.id"
)
_REPORTS = text(
    "select r.id from report r"  # noqa: S608 - our own words
    " join case_file c on c.district_code = r.case_district and c.id = r.case_id"
    f" where r.erased_at is null and {_OVER} order by r.district_code, r.id limit :limit"
)
_TRACES = text(
    "with over as (select c.district_code, c.id from case_file c"  # noqa: S608 - our own words
    f" where {_OVER} and exists (select from trace t where t.district_code = c.district_code"
    " and t.case_id = c.id and t.words is not null) limit :limit),"
    " asked as (update extension_asked x set reason = '' from over"
    " where x.district_code = over.district_code and x.case_id = over.id),"
    " noted as (update leader_note x set words = '', answer = left(x.answer, 0),"
    " result = left(x.result, 0) from over"
    " where x.district_code = over.district_code and x.case_id = over.id),"
    " looked as (update task x set note = '', report = left(x.report, 0) from over"
    " where x.district_code = over.district_code and x.case_id = over.id)"
    " update trace t set words = null from over where t.district_code = over.district_code"
    " and t.case_id = over.id and t.words is not null"
)
_PHOTOS = text(
    "with over as (select e.district_code, e.id from evidence e"  # noqa: S608 - our own words
    " join case_file c on c.district_code = e.district_code and c.id = e.case_id"
    f" where e.original_erased_at is null and {_OVER} limit :limit)"
    " update evidence e set original_erased_at = :now, point = null, metres_off = null"
    " from over where e.district_code = over.district_code and e.id = over.id"
)
_MESSAGES = text(
    "with over as (select district_code, id, written_at from message"
    " where due_at <= :before limit :limit)"
    " delete from message m using over where m.district_code = over.district_code"
    " and m.id = over.id and m.written_at = over.written_at"
)
_FILES = text(
    "select e.sha256 from evidence e group by e.sha256"
    " having bool_and(e.original_erased_at is not null) and max(e.original_erased_at) >= :since"
    " and not exists (select from evidence p where p.published_sha256 = e.sha256)"
)


def erase_contacts(session: Session, **period: Any) -> int:
    """Erase contacts whose time is over, and at most ``limit`` webhooks of followers; how many.

    With a webhook all messages to it end.
    """
    return _count(session, _CONTACTS, period) + _count(session, _FOLLOWS, period)


def reports_over(session: Session, **period: Any) -> Sequence[uuid.UUID]:
    """Reports whose words have been kept long enough, at most ``limit``."""
    return session.scalars(_REPORTS, period).all()


def erase_trace_words(session: Session, **period: Any) -> int:
    """Erase the words of the traces of at most ``limit`` cases; gives how many entries.

    With them go those of the tasks and of the extensions asked for, which stand in the trace too.
    """
    return _count(session, _TRACES, period)


def mark_originals(session: Session, **period: Any) -> int:
    """Mark the original files of photos as erased; gives how many."""
    return _count(session, _PHOTOS, period)


def delete_messages(session: Session, *, before: dt.datetime, limit: int) -> int:
    """Delete messages that fell due before then; gives how many."""
    return _count(session, _MESSAGES, {"before": before, "limit": limit})


def erased_files(session: Session, since: dt.datetime) -> Sequence[str]:
    """The hashes of files that nothing names any more but photos erased since then."""
    return session.scalars(_FILES, {"since": since}).all()


def _count(session: Session, statement: TextClause, values: Mapping[str, Any]) -> int:
    return int(getattr(session.execute(statement, values), "rowcount"))  # noqa: B009 - untyped
