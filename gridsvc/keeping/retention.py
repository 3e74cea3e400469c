"""Ends what has been kept long enough: in small transactions, so that nobody waits for it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from functools import partial

from sqlalchemy.orm import Session, sessionmaker

from gridsvc.callers import Caller, Role
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.intake.personal import erase
from gridsvc.cases.intake.reports_repository import report_by_id
from gridsvc.cases.systems.evidence.store import EvidenceStore
from gridsvc.cases.systems.help_requests.repository import erase_words
from gridsvc.city import City
from gridsvc.city.retention import OF_CASES, PERIODS, Kind, Periods
from gridsvc.db.base import transaction
from gridsvc.keeping import retention_repository as repository

OPERATOR = Caller("gridsvc retention", Role.ADMIN, "", None, uuid.UUID(int=0))
_BATCH = 500
#: Files of photos that were erased before are looked for this long, should one run have failed.
_SWEPT = dt.timedelta(days=60)


def run(
    sessions: sessionmaker[Session], city: City, store: EvidenceStore, *, now: dt.datetime
) -> dict[str, int]:
    """End everything whose time is over; gives how many of each kind. Again, it does nothing."""
    periods = city.table(PERIODS)
    done = {}
    for kind in OF_CASES:
        done[kind.value] = _until_none(sessions, _of_case(kind, city, periods, now))
    before = now - dt.timedelta(days=periods.days[Kind.MESSAGES][""])
    messages = partial(repository.delete_messages, before=before, limit=_BATCH)
    done[Kind.MESSAGES.value] = _until_none(sessions, messages)
    ended = now - dt.timedelta(days=periods.days[Kind.WORDS][""])
    asked = partial(erase_words, before=ended, now=now, limit=_BATCH)
    done["help_requests"] = _until_none(sessions, asked)
    with transaction(sessions) as session:
        files = repository.erased_files(session, now - _SWEPT)
    for sha256 in files:
        store.remove(sha256)
    return done


def _of_case(
    kind: Kind, city: City, periods: Periods, now: dt.datetime
) -> Callable[[Session], int]:
    by_class = periods.days[kind]
    period = {"classes": list(by_class), "days": list(by_class.values()), "now": now}
    period["limit"] = _BATCH
    if kind is Kind.WORDS:
        return lambda session: _erase_reports(Occasion(session, city, OPERATOR, now), period)
    statement = {
        Kind.CONTACT: repository.erase_contacts,
        Kind.TRACE: repository.erase_trace_words,
        Kind.PHOTOS: repository.mark_originals,
    }[kind]
    return lambda session: statement(session, **period)


def _erase_reports(occasion: Occasion, period: dict[str, object]) -> int:
    """Each as its reporter would erase it: with an entry in its trace and in the audit."""
    few = {**period, "limit": 20}
    ids = repository.reports_over(occasion.session, **few)
    for id in ids:
        report = report_by_id(occasion.session, id)
        if report is not None:
            erase(occasion, report, reason="its time is over")
    return len(ids)


def _until_none(sessions: sessionmaker[Session], end: Callable[[Session], int]) -> int:
    total = 0
    while True:
        with transaction(sessions) as session:
            ended = end(session)
        total += ended
        if not ended:
            return total
