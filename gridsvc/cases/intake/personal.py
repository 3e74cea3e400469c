"""What is personal in a report: read with a reason, given to whom it is about, erased for good."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from geoalchemy2.shape import to_shape
from shapely.geometry import mapping
from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.core.repository import lock_case
from gridsvc.cases.core.words import digest
from gridsvc.cases.intake import personal_repository as repository
from gridsvc.cases.intake.models import Report
from gridsvc.cases.intake.rights import filed_by
from gridsvc.errors import NotAllowed, NotFound, StepRefused
from gridsvc.registry.access.audit import Done, note
from gridsvc.registry.access.keys import seal, unseal

#: In the place of what was erased, where a table must have something.
ERASED = "erased"
#: Before every contact.
FIRST = ("", UUID(int=0))
_BATCH = 500


@dataclass(frozen=True, slots=True)
class ReportErased:
    """An event: what is personal in a report, which ``subject`` filed, was erased."""

    report: Report
    subject: str | None


def words_hash(report: Report) -> str:
    """The salted hash of what a reporter wrote, for the trace of the case."""
    if report.words_salt is None:
        report.words_salt = secrets.token_hex(16)
    said = {"description": report.description, "place_text": report.place_text}
    return digest(report.words_salt, "report", said)


def changed_reports(session: Session) -> Iterator[tuple[str, UUID, str]]:
    """District, case and receipt of each report whose words are not those that were filed."""
    for row in repository.hashed_words(session):
        said = {"description": row.description, "place_text": row.place_text}
        if row.words_salt is None or digest(row.words_salt, "report", said) != row.hash:
            yield row.district_code, row.case_id, row.receipt


def read_contact(
    occasion: Occasion, report: Report, keys: Sequence[bytes], *, reason: str
) -> dict[str, Any]:
    """The contact of a report, for whoever calls its reporter back; that it was read is kept.

    Raises NotAllowed, NotFound where none was given or it was erased.
    """
    session, caller = occasion.session, occasion.caller
    if not _supervises(caller, report):
        raise NotAllowed(
            f"Contacts are for those who call back: a token of role district, city or admin that"
            f" covers {report.district_code}, such as the hotline's own."
        )
    held = repository.contact_of(session, report)
    if held is None:
        raise NotFound(f"Report {report.receipt} has no contact: none was given, or it was erased.")
    _note(occasion, "read contact", report, reason)
    return unseal(keys[0], held.sealed, *keys[1:])


def _note(occasion: Occasion, act: str, report: Report, reason: str) -> None:
    """Have it entered in the audit log at the end of the transaction."""
    caller = occasion.caller
    done = Done(occasion.now, caller.subject, caller.role.value, act, report.receipt, reason)
    note(occasion.session, done)


def is_own(caller: Caller | None, report: Report, secret: str | None) -> bool:
    """Whether it is whoever filed the report: by the same token, or the secret of the receipt."""
    if hmac.compare_digest(_hash_of(secret), report.secret_hash or ""):
        return True
    return caller is not None and filed_by(caller, report)


def check_own(caller: Caller | None, report: Report, secret: str | None) -> None:
    """Raises NotAllowed but for whoever filed the report, and the supervision of its district."""
    if is_own(caller, report, secret) or (caller is not None and _supervises(caller, report)):
        return
    raise NotAllowed(
        "This is for whoever filed the report (with the same token, or the secret of the receipt),"
        " and for supervision at their request."
    )


def keep_reading(occasion: Occasion, report: Report) -> None:
    """Keep that the caller read everything about whoever filed a report."""
    _note(occasion, "read own data", report, "")


def own_data(session: Session, report: Report, keys: Sequence[bytes]) -> dict[str, Any]:
    """Everything that is kept about whoever filed a report, but for what other systems keep."""
    held = repository.contact_of(session, report)
    return {
        "receipt": report.receipt,
        "created_at": report.created_at,
        "channel": report.channel,
        "description": report.description,
        "place_text": report.place_text,
        "contact": None if held is None else unseal(keys[0], held.sealed, *keys[1:]),
        "filed_by": report.reporter_subject,
        "given": {"x": report.given_x, "y": report.given_y, "crs": report.given_crs},
        "point": mapping(to_shape(report.point)),
        "footprint": None if report.footprint is None else mapping(to_shape(report.footprint)),
        "moved": [
            {"at": placed.placed_at, "reason": placed.reason}
            for placed in repository.placements_of(session, report)[1:]
        ],
        "erased_at": report.erased_at,
    }


def erase(occasion: Occasion, report: Report, *, reason: str) -> None:
    """Erase contact, words, subject and secret of a report; its place, class and case stay.

    The trace holds hashes of what was erased, and stays whole. Raises StepRefused while the case is
    open, which needs the words: only the contact can be erased then (:func:`erase_contact`).
    """
    session = occasion.session
    act = occasion.on(lock_case(session, report.case_id))
    session.refresh(report, with_for_update=True)
    if act.case.state == "open":
        raise StepRefused(
            f"Case {act.case.id} is open and needs what was reported; until it is closed, the"
            " contact alone can be erased ('what': 'contact')."
        )
    subject = report.reporter_subject
    if act.case.place_key == report.place_key:
        act.case.place_key = None
    repository.erase_contact(session, report)
    report.description, report.place_text, report.place_key = "", None, None
    report.words_salt, report.reporter_subject, report.secret_hash = None, None, None
    report.given_x, report.given_y, report.given_crs = None, None, None
    report.erased_at = occasion.now
    repository.erase_reasons(session, report, ERASED)
    repository.erase_words_about(session, report)
    repository.forget_answers(session, report)
    act.emit(ReportErased(report, subject))
    content = {"report_id": str(report.id), "district_code": report.district_code}
    act.record("erase", content)
    _note(occasion, "erase report", report, reason)
    session.flush()


def erase_contact(occasion: Occasion, report: Report, *, reason: str) -> None:
    """Erase the contact of a report at once; nobody is called back."""
    session = occasion.session
    if repository.erase_contact(session, report):
        _note(occasion, "erase contact", report, reason)


def reports_of_phone(session: Session, keys: Sequence[bytes], phone: str) -> Iterator[Report]:
    """The reports whose contact has this number, however it is written; all are unsealed for it."""
    wanted = _digits(phone)
    for held in repository.all_contacts(session):
        known = unseal(keys[0], held.sealed, *keys[1:]).get("phone")
        if known is not None and _digits(known) == wanted:
            found = session.get(Report, (held.district_code, held.report_id))
            if found is not None:
                yield found


def reseal(
    session: Session, after: tuple[str, UUID], keys: Sequence[bytes]
) -> tuple[int, tuple[str, UUID] | None]:
    """Seal the next contacts with the first of the keys; gives how many, and where to go on."""
    batch = repository.contacts_after(session, after, limit=_BATCH)
    for held in batch:
        held.sealed = seal(keys[0], unseal(keys[0], held.sealed, *keys[1:]))
    return len(batch), (batch[-1].district_code, batch[-1].report_id) if batch else None


def _supervises(caller: Caller, report: Report) -> bool:
    return caller.supervises(report.district_code) or caller.supervises(report.case_district)


def _hash_of(secret: str | None) -> str:
    return hashlib.sha256((secret or "").encode()).hexdigest()


def _digits(phone: str) -> str:
    """The digits of a number, without what is dialled from abroad."""
    return re.sub(r"^(00|\+)?86", "", re.sub(r"[^\d+]", "", phone))
