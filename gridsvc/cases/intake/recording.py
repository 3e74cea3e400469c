"""What the traces of cases keep, and bodies are told, when reports come and go."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from gridsvc.cases.core.act import Act
from gridsvc.cases.core.models import Case
from gridsvc.cases.intake.case_reports_repository import part_of_reports, send_reports
from gridsvc.cases.intake.model import Matched
from gridsvc.cases.intake.models import Report

__all__ = ["record_report", "record_transfer", "transfer_reports"]

#: Messages that are called otherwise than their entry in the trace.
_TOPICS = {"joined_into": "case_joined_into"}


def record_report(act: Act, report: Report, matched: Matched) -> None:
    """Record a stored report in its locked case, and tell whoever leads it that one has joined.

    The first receiver leads (首接负责): where another body answers at the place of a report that
    joins, that body is told who does, unless it has said that the case is not its own.
    """
    content: dict[str, Any] = {
        "report_id": str(report.id),
        "district_code": report.district_code,
        "receipt": report.receipt,
        "channel": report.channel,
        "across_border": matched.crossed is not None,
    }
    if matched.crossed is not None:
        content["border_crossed"] = matched.crossed.to_json()
    if report.recorded_at is not None:
        content |= {"recorded_later": True, "received_at": report.created_at.isoformat()}
    act.record("report_joined" if report.joined else "report_filed", content, at=report.created_at)
    if not report.joined:
        return
    lead, responsible = act.case.lead_body, matched.routed.responsibility.lead.code
    act.tell([lead], "report_joined", content)
    if responsible not in (lead, *act.progress.refused_by):
        told = {**content, "lead": lead, "rule": "the first receiver leads (首接负责)"}
        act.tell([responsible], "report_joined_elsewhere", told)


def transfer_reports(act: Act, target: Case, ids: Sequence[UUID] | None) -> list[Report]:
    """Give reports of the act's case to another (None: all), and the part with the last of them.

    Gives them in the order in which people reported.
    """
    sent = send_reports(act.session, act.case, target, ids)
    if ids is not None and act.case.part_code is not None:
        act.case.part_code = part_of_reports(act.session, act.case, act.case.part_code)
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
