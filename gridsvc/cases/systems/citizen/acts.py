"""What citizens do with their own reports: add, withdraw, judge, reopen, object to a merge.

They are known by the token that filed the report, or by the secret of its receipt.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.cases.core.act import Act, Occasion
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.repository import lock_case
from gridsvc.cases.core.sending_on import send_on
from gridsvc.cases.intake.models import Report
from gridsvc.cases.intake.personal import check_own
from gridsvc.cases.intake.reports import record_transfer, transfer_reports
from gridsvc.cases.intake.reports_repository import reports_of
from gridsvc.cases.systems.citizen import repository
from gridsvc.cases.systems.citizen.outcome import last_day
from gridsvc.cases.systems.evidence import (
    Evidence,
    EvidenceStore,
    checked_photo,
    keep_photo,
)
from gridsvc.cases.systems.merging import close_early, open_for
from gridsvc.cases.systems.whistles import open_whistles
from gridsvc.city import City
from gridsvc.errors import StepRefused
from gridsvc.registry.bodies.service import body_or_refuse
from gridsvc.registry.placement.store import Atlas

#: A danger is there whoever still complains of it.
_DANGER = "danger"


def add_words(occasion: Occasion, report: Report, secret: str | None, words: str) -> None:
    """Add to a report of an open case; its lead is told that something was added, not what."""
    act = _own_act(occasion, report, secret)
    _check_open(act, "add to it")
    _record(act, report, "added", {"text": words})
    act.tell([act.case.lead_body], "report_added_to", _about(report))


def add_photo(
    occasion: Occasion, store: EvidenceStore, report: Report, secret: str | None, raw: bytes
) -> Evidence:
    """Add a photo to a report of an open case, for its staff; its lead is told that it is there.

    Raises TooLarge, BadEvidence.
    """
    photo = checked_photo(occasion.city, raw)
    act = _own_act(occasion, report, secret)
    _check_open(act, "add to it")
    kept = keep_photo(act, store, raw, photo, report)
    if kept.given_at == act.now:
        act.tell([act.case.lead_body], "report_added_to", _about(report))
    return kept


def withdraw(occasion: Occasion, report: Report, secret: str | None, reason: str | None) -> None:
    """Take a report back. Its case closes where nobody else needs it.

    It goes on where somebody else has reported too, where bodies were called into it or a whistle
    is open in it, and where it is about a danger.
    """
    act = _own_act(occasion, report, secret)
    _check_open(act, "withdraw it")
    report.withdrawn_at = occasion.now
    others = [one for one in reports_of(act.session, act.case) if one.withdrawn_at is None]
    called = act.progress.called or open_whistles(act.session, act.case)
    goes_on = bool(others or called or act.case.grade == _DANGER)
    closed: dict[str, Any] = {} if goes_on else close_early(act, None)
    said = {"reason": reason} if reason else {}
    _record(act, report, "withdrawn", {"closed": not goes_on, **said, **closed})
    act.tell([act.case.lead_body], "report_withdrawn", {**_about(report), "closed": not goes_on})


def judge(
    occasion: Occasion, report: Report, secret: str | None, *, solved: bool, note: str | None
) -> None:
    """Keep whether a citizen says that it is solved, once the case is closed.

    It counts in no rate: those are of callbacks, which somebody else writes down.
    """
    act = _own_act(occasion, report, secret)
    if act.case.state == "open":
        raise StepRefused("The case is not closed yet; say then whether it is solved.")
    _record(act, report, "citizen_verdict", {"solved": solved, **({"note": note} if note else {})})
    act.tell([act.case.lead_body], "citizen_verdict", {**_about(report), "solved": solved})


def reopen(
    occasion: Occasion, atlas: Atlas, report: Report, secret: str | None, reason: str
) -> Case:
    """Go on with a closed case in a new one, with a new limit, led by whoever led it.

    The old case stays as it ended. Of several reporters the later ones join the first one's.
    """
    act = _own_act(occasion, report, secret)
    old, session, last = act.case, act.session, last_day(occasion.city, act.case)
    if last is None:
        raise StepRefused("The case is open; nobody has to reopen it.")
    if occasion.city.day(occasion.now) > last:
        raise StepRefused(f"The case could be reopened until {last}; report it anew.")
    found = repository.reopened_as(session, old.id)
    if found is not None:
        new = lock_case(session, found)
    else:
        new = open_for(occasion, atlas, report)
        new.reopened_from = old.id
        if new.lead_body != old.lead_body:
            lead = body_or_refuse(session, old.lead_body, field="lead")
            send_on(occasion.on(new), lead, "reopened")
    _record(act, report, "reopen_asked", {"reason": reason, "into": str(new.id)})
    _move(act, report, new)
    _record(occasion.on(new), report, "reopened", {"reason": reason, "reopened_from": str(old.id)})
    return new


def object_to_merge(
    occasion: Occasion, atlas: Atlas, report: Report, secret: str | None, reason: str
) -> Case:
    """Take a report that was joined to a case of others out of it, into one of its own."""
    act = _own_act(occasion, report, secret)
    _check_open(act, "object")
    if not report.joined or len(reports_of(act.session, act.case)) == 1:
        raise StepRefused("Your report was joined to no other; its case is its own.")
    new = open_for(occasion, atlas, report)
    _move(act, report, new)
    report.joined = False
    _record(occasion.on(new), report, "objected", {"reason": reason, "left": str(act.case.id)})
    return new


def check_reporter(
    _session: Session, _city: City, caller: Caller | None, report: Report, secret: str | None
) -> None:
    """Raises NotAllowed but for whoever filed the report, and the supervision of its district."""
    check_own(caller, report, secret)


def _own_act(occasion: Occasion, report: Report, secret: str | None) -> Act:
    """The act on the locked case of a report, for whoever filed it. Raises NotAllowed."""
    check_own(occasion.caller, report, secret)
    act = occasion.on(lock_case(occasion.session, report.case_id))
    occasion.session.refresh(report, with_for_update=True)
    if report.case_id != act.case.id:
        raise StepRefused(f"The report was just given to case {report.case_id}; try again.")
    if report.withdrawn_at is not None:
        raise StepRefused(f"The report was withdrawn at {report.withdrawn_at.isoformat()}.")
    act.resume()
    return act


def _check_open(act: Act, what: str) -> None:
    if act.case.state == "closed":
        raise StepRefused(f"The case is closed; to {what} is too late, but it can be reopened.")


def _move(act: Act, report: Report, target: Case) -> None:
    transfer_reports(act, target, [report.id])
    told = {"reports": [report.receipt]}
    record_transfer(act, "reports_split_off", target, told)
    record_transfer(act.on(target), "reports_split_in", act.case, told)


def _record(act: Act, report: Report, action: str, content: Mapping[str, Any]) -> None:
    act.record(action, {**_about(report), **content})


def _about(report: Report) -> dict[str, str]:
    return {"report_id": str(report.id), "district_code": report.district_code}
