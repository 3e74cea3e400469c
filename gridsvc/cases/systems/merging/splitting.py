"""Takes reports out of a case, into a new one or into another that is open."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.cases.core import trace_repository as trace
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.opening import open_case, opening_by_rule
from gridsvc.cases.core.service import refuse_joined
from gridsvc.cases.intake.locate import place_of
from gridsvc.cases.intake.models import Report
from gridsvc.cases.intake.reports import find_report, record_transfer, transfer_reports
from gridsvc.cases.intake.reports_repository import report_count
from gridsvc.cases.intake.service import responsible_for
from gridsvc.cases.systems.merging.rights import (
    AcceptedDifference,
    check_differences,
    check_directs,
    check_open_target,
    locked,
)
from gridsvc.city.classes import ClassKey
from gridsvc.errors import BadInput, StepRefused
from gridsvc.registry.parts.repository import find
from gridsvc.registry.placement.service import place_inside
from gridsvc.registry.placement.store import Atlas


def split_case(
    occasion: Occasion,
    atlas: Atlas,
    source_id: uuid.UUID,
    names: Sequence[str],
    *,
    into: uuid.UUID | None,
    reason: str,
    accept_differences: Collection[AcceptedDifference],
) -> tuple[Case, Case]:
    """Take reports (ids or receipts) out of a case; gives both cases, the first one first.

    Without ``into`` a case is opened for them, by the rule of the first one's channel and class,
    with whoever answers at its place today. Raises NotFound, NotAllowed, BadInput for a case into
    itself, and StepRefused for reports that are elsewhere by now, for all reports of a case, for
    a closed target, and for differences that are not accepted.
    """
    if into == source_id:
        raise BadInput("A case cannot be split into itself.", field="into")
    session = occasion.session
    source, *others = locked(session, source_id, *([] if into is None else [into]))
    for case in (source, *others):
        check_directs(occasion.caller, case)
    refuse_joined(session, source)
    reports = _in_case(session, source, names)
    if len(reports) == report_count(session, source):
        raise StepRefused(
            "These are all the reports of the case; join the whole case instead: POST"
            f" /v1/cases/{source.id}/join.",
            field="reports",
        )
    differences: list[str] = []
    if others:
        target = others[0]
        check_open_target(session, target)
        differences = check_differences(occasion.city, source, target, accept_differences)
    else:
        target = open_for(occasion, atlas, reports[0])
    act = occasion.on(source)
    sent = transfer_reports(act, target, [report.id for report in reports])
    told = {
        "reason": reason,
        "accept_differences": differences,
        "reports": [report.receipt for report in sent],
    }
    record_transfer(act, "reports_split_off", target, told)
    record_transfer(occasion.on(target), "reports_split_in", source, told)
    session.flush()
    return source, target


def _in_case(session: Session, source: Case, names: Sequence[str]) -> list[Report]:
    """The named reports, in the order in which people reported. Raises NotFound, StepRefused."""
    found = {}
    for name in names:
        report = find_report(session, name)
        session.refresh(report)
        if report.case_id != source.id:
            entry = trace.last_of(session, source, "reports_split_off")
            gone = entry is not None and report.receipt in entry.content["reports"]
            who = f", taken out by {entry.actor}" if gone and entry is not None else ""
            raise StepRefused(
                f"Report {report.receipt} is in case {report.case_id}{who}, not in {source.id}.",
                field="reports",
                case_id=str(report.case_id),
            )
        found[report.id] = report
    return sorted(found.values(), key=lambda report: (report.created_at, report.id))


def open_for(occasion: Occasion, atlas: Atlas, report: Report) -> Case:
    """A case for a report, as if it came now."""
    key = ClassKey(report.standard, report.kind, report.class_code)
    pin = to_shape(report.point)
    placement = place_inside(atlas, pin.x, pin.y, report.accuracy_m)
    part = None
    if report.part_code is not None:
        part = find(occasion.session, report.district_code, report.part_code)
    return open_case(
        occasion,
        place_of(placement, part, report.place_key),
        key,
        opening_by_rule(occasion.city, report.channel, key),
        responsible_for(occasion, placement, key, part),
    )
