"""The queries of what is personal in reports: contacts, words, and the answers that repeat them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Text, cast, delete, func, null, select, text, tuple_, update
from sqlalchemy.orm import Session

from gridsvc.cases.core.models import TraceEntry
from gridsvc.cases.intake.models import IdempotencyKey, Report, Reporter, ReportPlacement

_BATCH = 1_000


def contact_of(session: Session, report: Report) -> Reporter | None:
    """The sealed contact of a report."""
    return session.get(Reporter, (report.district_code, report.id))


def all_contacts(session: Session) -> Iterator[Reporter]:
    """Every sealed contact, by district and report, read in batches."""
    query = select(Reporter).order_by(Reporter.district_code, Reporter.report_id)
    yield from session.scalars(query.execution_options(yield_per=_BATCH))


def contacts_after(
    session: Session, after: tuple[str, uuid.UUID], *, limit: int
) -> Sequence[Reporter]:
    """Contacts behind a pair of district and report, kept for this transaction."""
    district, report_id = after
    behind = text("(district_code, report_id) > (:district, cast(:id as uuid))")
    return session.scalars(
        select(Reporter)
        .where(behind.bindparams(district=district, id=str(report_id)))
        .order_by(Reporter.district_code, Reporter.report_id)
        .limit(limit)
        .with_for_update()
    ).all()


def reports_filed_by(session: Session, subject: str) -> Sequence[Report]:
    """The reports that tokens of a subject filed, the first one first."""
    query = select(Report).where(Report.reporter_subject == subject).order_by(Report.created_at)
    return session.scalars(query).all()


def placements_of(session: Session, report: Report) -> Sequence[ReportPlacement]:
    """Every placement of a report, in its order."""
    return session.scalars(
        select(ReportPlacement)
        .where(
            ReportPlacement.district_code == report.district_code,
            ReportPlacement.report_id == report.id,
        )
        .order_by(ReportPlacement.n)
    ).all()


_HASHED = text(
    "select r.district_code, r.case_id, r.receipt, r.description, r.place_text, r.words_salt,"
    " t.content->>'words_sha256' as hash from trace t"
    " join report r on r.district_code = t.content->>'district_code'"
    " and r.id = cast(t.content->>'report_id' as uuid)"
    " where t.content ? 'words_sha256' and r.erased_at is null"
)


def hashed_words(session: Session) -> Iterator[Any]:
    """What the reporters wrote that is not erased, each with the hash that its trace holds."""
    yield from session.execute(_HASHED.execution_options(yield_per=_BATCH))


def erase_contact(session: Session, report: Report) -> bool:
    """Erase the contact of a report; whether there was one."""
    gone = session.execute(
        delete(Reporter)
        .where(Reporter.district_code == report.district_code, Reporter.report_id == report.id)
        .returning(Reporter.report_id)
    )
    return gone.first() is not None


def erase_words_about(session: Session, report: Report) -> None:
    """Erase the words that name a report in the traces of its cases; their hashes stay."""
    cases = [(report.case_district, report.case_id)]
    cases += [(district, uuid.UUID(id)) for district, id in report.earlier_cases]
    session.execute(
        update(TraceEntry)
        .where(
            tuple_(TraceEntry.district_code, TraceEntry.case_id).in_(cases),
            TraceEntry.content["report_id"].astext == str(report.id),
        )
        .values(words=null())
        .execution_options(synchronize_session=False)
    )


def erase_reasons(session: Session, report: Report, instead: str) -> None:
    """Put other words in the place of the reasons for which a pin was moved."""
    session.execute(
        update(ReportPlacement)
        .where(
            ReportPlacement.district_code == report.district_code,
            ReportPlacement.report_id == report.id,
            ReportPlacement.n > 1,
        )
        .values(reason=instead)
    )


def forget_answers(session: Session, report: Report) -> None:
    """Forget the answers to idempotency keys that repeat a report or its case."""
    told = func.strpos(cast(IdempotencyKey.answer, Text), str(report.id)) > 0
    session.execute(
        delete(IdempotencyKey).where(IdempotencyKey.created_at >= report.created_at, told)
    )


_WRITERS = text(
    "select pg_sleep(0.05), count(*) from pg_stat_activity where datname = current_database()"
    " and pid <> pg_backend_pid() and backend_type = 'client backend' and xact_start <= :since"
)


def moment(session: Session) -> dt.datetime:
    """The present moment by the clock of the database."""
    found: dt.datetime = session.execute(text("select clock_timestamp()")).scalar_one()
    return found


def still_writing(session: Session, since: dt.datetime) -> bool:
    """Whether a transaction still runs that began before then; asked twenty times a second."""
    return bool(session.execute(_WRITERS, {"since": since}).one()[1])
