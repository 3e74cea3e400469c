"""Takes reports out of a case, into a new one or into another that is open."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Sequence

from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.cases.core.models import CaseFile
from gridsvc.cases.core.opening import Opening, open_case
from gridsvc.cases.core.trace import repository as trace
from gridsvc.cases.intake.candidate_repository import part_of_reports, report_count, send_reports
from gridsvc.cases.intake.locate import asset_of
from gridsvc.cases.intake.models import Report
from gridsvc.cases.intake.service import find_report
from gridsvc.cases.systems.merging.differences import Although, check_differences
from gridsvc.cases.systems.merging.recording import note
from gridsvc.cases.systems.merging.rights import (
    check_in_hand,
    check_open_target,
    locked,
    refuse_joined,
)
from gridsvc.city.classes import ClassKey
from gridsvc.city.current import current
from gridsvc.errors import BadInput, StepRefused
from gridsvc.registry.bodies.service import find_responsible
from gridsvc.registry.parts.repository import find
from gridsvc.registry.placement.atlas import Atlas
from gridsvc.registry.placement.service import place_inside
from gridsvc.settings import Settings

__all__ = ["split_case"]


def split_case(
    session: Session,
    atlas: Atlas,
    settings: Settings,
    caller: Caller,
    source_id: uuid.UUID,
    names: Sequence[str],
    *,
    into: uuid.UUID | None,
    reason: str,
    although: Collection[Although],
    now: dt.datetime,
) -> tuple[CaseFile, CaseFile]:
    """Take reports (ids or receipts) out of a case; gives both cases, the first one first.

    Without ``into`` a case is opened for them, by the rule of the first one's channel and class,
    with whoever answers at its place today. Raises NotFound, NotAllowed, BadInput for a case into
    itself, and StepRefused for reports that are elsewhere by now, for all reports of a case, for
    a closed target, and for differences that are not in ``although``.
    """
    if into == source_id:
        raise BadInput("A case cannot be split into itself.", field="into")
    source, *others = locked(session, source_id, *([] if into is None else [into]))
    for case in (source, *others):
        check_in_hand(caller, case)
    refuse_joined(session, source)
    reports = _in_case(session, source, names)
    if len(reports) == report_count(session, source):
        raise StepRefused(
            "These are all reports of the case; a case is joined as a whole:"
            f" POST /v1/cases/{source.id}/join.",
            field="reports",
        )
    if others:
        target = others[0]
        check_open_target(session, target)
    else:
        target = _opened(session, settings, atlas, reports[0], caller, now)
    differences = [] if into is None else check_differences(settings, source, target, although)
    sent = send_reports(session, source, target, [report.id for report in reports])
    if source.part_code is not None:
        source.part_code = part_of_reports(session, source, source.part_code)
    told = {
        "reason": reason,
        "although": differences,
        "reports": [report.receipt for report in sent],
    }
    note(session, source, "reports_split_off", target, told, caller, now)
    note(session, target, "reports_split_in", source, told, caller, now)
    session.flush()
    return source, target


def _in_case(session: Session, source: CaseFile, names: Sequence[str]) -> list[Report]:
    """The named reports, in the order in which people reported. Raises NotFound, StepRefused."""
    found = {}
    for name in names:
        report = find_report(session, name)
        session.refresh(report)
        if report.case_id != source.id:
            entry = trace.last_of(session, source.district_code, source.id, "reports_split_off")
            gone = entry is not None and report.receipt in entry.content["reports"]
            who = f", taken out by {entry.actor}" if gone and entry is not None else ""
            raise StepRefused(
                f"Report {report.receipt} is in case {report.case_id}{who}, not in {source.id}.",
                field="reports",
                case_id=str(report.case_id),
            )
        found[report.id] = report
    return sorted(found.values(), key=lambda report: (report.created_at, report.id))


def _opened(
    session: Session,
    settings: Settings,
    atlas: Atlas,
    report: Report,
    caller: Caller,
    now: dt.datetime,
) -> CaseFile:
    """A case for a report, as if it came now."""
    key = ClassKey(report.standard, report.kind, report.class_code)
    pin = to_shape(report.point)
    placement = place_inside(atlas, pin.x, pin.y, report.accuracy_m)
    if placement.district is None:
        raise AssertionError("a placement inside the city has a district")
    part = report.part_code and find(session, report.district_code, report.part_code)
    rule = current().procedures.rule_for(report.channel, key)
    return open_case(
        session,
        settings,
        district_code=placement.district.code,
        street=None if placement.street is None else placement.street.code,
        community=None if placement.community is None else placement.community.code,
        key=key,
        opening=Opening(current().procedures.newest(rule.procedure), rule.grade),
        responsibility=find_responsible(
            session, placement, key=key, asset=asset_of(part or None), day=current().day(now)
        ),
        lon=pin.x,
        lat=pin.y,
        part_code=part.code if part and part.district_code == placement.district.code else None,
        caller=caller,
        now=now,
    )
