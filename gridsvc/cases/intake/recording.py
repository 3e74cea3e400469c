"""When a report came, and what its case's trace and the bodies are told of it."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.cases.core.messages.service import send
from gridsvc.cases.core.models import CaseFile
from gridsvc.cases.core.progress import Progress
from gridsvc.cases.core.trace.service import append
from gridsvc.cases.intake.match import Crossing
from gridsvc.cases.intake.models import Report
from gridsvc.errors import BadInput, NotAllowed
from gridsvc.registry.placement.model import Placement

__all__ = ["came_at", "trace_report"]

#: Roles that may write down what was reported earlier, in their own area.
_MAY_RECORD_LATER = {Role.STREET, Role.DISTRICT, Role.CITY, Role.ADMIN}
#: No report that anybody can still tell of is older.
_OLDEST_YEARS = 100


def came_at(
    caller: Caller, placement: Placement, received_at: dt.datetime | None, now: dt.datetime
) -> dt.datetime:
    """When a person reported: now, or earlier if staff of the place says so.

    Raises BadInput for a time in the future, without an offset, or beyond memory; NotAllowed
    for other callers, and for places outside the token's area.
    """
    if received_at is None:
        return now
    field = "received_at"
    if caller.role not in _MAY_RECORD_LATER:
        raise NotAllowed(
            f"A token of role {caller.role.value} reports what it sees now; earlier reports are"
            " recorded by a street, a district, the city or admin.",
            field=field,
        )
    areas = (placement.district, placement.street, placement.community)
    if not any(area is not None and caller.covers(area.code) for area in areas):
        raise NotAllowed(
            f"The place lies outside {caller.area}, which the token covers; earlier reports are"
            " recorded by the staff of the place.",
            field=field,
        )
    if received_at.tzinfo is None:
        raise BadInput("'received_at' has no time zone; add 'Z' or an offset.", field=field)
    if received_at > now:
        raise BadInput(
            f"'received_at' is {received_at.isoformat()}, which lies in the future.", field=field
        )
    if received_at.year < now.year - _OLDEST_YEARS:
        raise BadInput(
            f"'received_at' is {received_at.isoformat()}, more than {_OLDEST_YEARS} years ago.",
            field=field,
        )
    return received_at.astimezone(dt.UTC)


def trace_report(
    session: Session,
    case: CaseFile,
    report: Report,
    crossed: Crossing | None,
    *,
    responsible: str,
    actor: str,
    now: dt.datetime,
) -> None:
    """Note a stored report in its locked case, and tell whoever leads it that one has joined.

    The first receiver leads (首接负责): where another body answers at the place of a report that
    joins, that body is told who does, unless it has said that the case is not its own.
    """
    content: dict[str, object] = {
        "report_id": str(report.id),
        "district_code": report.district_code,
        "receipt": report.receipt,
        "channel": report.channel,
        "across_border": crossed is not None,
    }
    if crossed is not None:
        content["border_crossed"] = crossed.to_json()
    if report.recorded_at is not None:
        content |= {"recorded_later": True, "received_at": report.created_at.isoformat()}
    append(
        session,
        case.district_code,
        case.id,
        action="report_joined" if report.joined else "report_filed",
        actor=actor,
        content=content,
        at=report.created_at,
        now=now,
    )
    if not report.joined:
        return
    where = (session, case.district_code, case.id)
    send(*where, [case.lead_body], topic="report_joined", content=content, now=now)
    if responsible not in (case.lead_body, *Progress.from_json(case.progress).refused_by):
        content = {**content, "lead": case.lead_body, "rule": "the first receiver leads (首接负责)"}
        send(*where, [responsible], topic="report_joined_elsewhere", content=content, now=now)
