"""Stored reports: found by their names, shown, and given from case to case."""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.cases.core import repository as cases
from gridsvc.cases.core.act import Act
from gridsvc.cases.core.models import Case
from gridsvc.cases.intake import reports_repository as repository
from gridsvc.cases.intake.model import proof_path
from gridsvc.cases.intake.models import Report
from gridsvc.errors import NotFound
from gridsvc.registry.placement.model import Placement
from gridsvc.registry.placement.service import place
from gridsvc.registry.placement.store import Atlas


@dataclass(frozen=True, slots=True)
class ReportsGiven:
    """An event: reports left the act's case for another, which is locked or new."""

    target: Case
    reports: Sequence[Report]


#: Messages that are called otherwise than their entry in the trace.
_TOPICS = {"joined_into": "case_joined_into"}


#: Crockford's digits as people read them: none of our receipts has the letters O, I and L.
_MISREAD = str.maketrans("OIL", "011")


def receipt_of(said: str) -> str:
    """A receipt as it was given, from how people write it: blanks, no hyphen, small letters."""
    digits = re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", said)).upper()
    return f"{digits[:4]}-{digits[4:]}".translate(_MISREAD)


def find_report(session: Session, name: str) -> Report:
    """The report of an id or a receipt. Raises NotFound."""
    try:
        found = repository.report_by_id(session, uuid.UUID(name))
    except ValueError:
        found = repository.report_by_receipt(session, receipt_of(name))
    if found is None:
        raise NotFound(f"There is no report '{name[:40]}'; give its id or its receipt.")
    return found


def placement_on(atlas: Atlas, report: Report) -> Placement:
    """Where a report's pin is by another atlas; what was stored of it stays."""
    pin = to_shape(report.point)
    return place(atlas, pin.x, pin.y, report.accuracy_m)


#: What of a placement tells where the pin itself is.
_EXACT = frozenset({"point", "accuracy_m", "border"})


def shown_placement(placement: dict[str, Any], *, exact: bool) -> dict[str, Any]:
    """A placement whole, or without what tells where the pin itself is."""
    return {name: it for name, it in placement.items() if exact or name not in _EXACT}


def report_json(session: Session, report: Report, *, exact: bool) -> dict[str, Any]:
    """A report as anybody may see it: no contact, no description of a person.

    ``exact``: with where its pin is, for the staff of its case and whoever filed it; a receipt is
    short and can be guessed, and a pin shows whose window it is.
    """
    placed = repository.last_placement(session, report.district_code, report.id)
    case = cases.case_by_id(session, report.case_id)
    if placed is None or case is None:
        raise AssertionError(f"report {report.id} has no placement or no case")
    return {
        "id": str(report.id),
        "receipt": report.receipt,
        "district_code": report.district_code,
        "channel": report.channel,
        "class": {"standard": report.standard, "kind": report.kind, "code": report.class_code},
        "part_code": report.part_code,
        "created_at": report.created_at,
        "recorded_at": report.recorded_at,
        "proof": proof_path(report.receipt),
        "placement": shown_placement(placed.placement, exact=exact),
        "responsibility": placed.responsibility,
        "placements": placed.n,
        "needs_confirmation": report.needs_confirmation,
        "joined": report.joined,
        "case_id": str(case.id),
        "case": {
            "state": case.state,
            "step": case.step,
            "procedure": case.procedure,
            "lead_body": case.lead_body,
            "opened_at": case.opened_at,
            "closed_at": case.closed_at,
        },
    }


def transfer_reports(act: Act, target: Case, ids: Sequence[uuid.UUID] | None) -> list[Report]:
    """Give reports of the act's case to another (None: all), and the part with the last of them.

    Each case keeps the address of its first report that gave one. Gives the reports in the order
    in which people reported.
    """
    sent = repository.send_reports(act.session, act.case, target, ids)
    if ids is not None and act.case.part_code is not None:
        act.case.part_code = repository.part_of_reports(act.session, act.case, act.case.part_code)
    if ids is not None:
        act.case.place_key, act.case.place_learnt = repository.address_of(act.session, act.case)
    if target.place_key is None:
        target.place_key, target.place_learnt = repository.address_of(act.session, target)
    act.emit(ReportsGiven(target, sent))
    return sent


def record_transfer(
    act: Act, action: str, other: Case, told: Mapping[str, Any], *, bodies: Collection[str] = ()
) -> None:
    """Record in a locked case what was done with it and another one, and tell its bodies.

    ``bodies`` are told, the lead where none are named, and who leads the other case.
    """
    content = {"case_id": str(other.id), "district_code": other.district_code, **told}
    act.record(action, content)
    told_to = bodies or [act.case.lead_body]
    act.tell(told_to, _TOPICS.get(action, action), {**content, "lead": other.lead_body})
