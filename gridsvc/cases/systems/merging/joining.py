"""Joins one case into another: its reports go over, its own trace stays, both say so."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from gridsvc.cases.core.act import Act, Occasion
from gridsvc.cases.core.events import CaseClosed, VerdictMerges
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.service import refuse_joined
from gridsvc.cases.intake.reports import record_transfer, transfer_reports
from gridsvc.cases.systems.merging.rights import (
    AcceptedDifference,
    bodies_in,
    check_differences,
    check_directs,
    check_open_target,
    locked,
)
from gridsvc.cases.systems.whistles import open_whistles
from gridsvc.errors import BadInput, StepRefused


def join_cases(
    occasion: Occasion,
    source_id: uuid.UUID,
    target_id: uuid.UUID,
    *,
    reason: str,
    accept_differences: Collection[AcceptedDifference],
) -> Case:
    """Join a case into another, which is given back; of two people at once one is told who won.

    All reports of the first go over. An open one closes as joined; one that was closed before
    keeps its own end. Raises NotFound, NotAllowed, BadInput for a case into itself, and
    StepRefused for a closed or joined target, a source that was joined already or whose whistle
    is open, and for differences that are not accepted. Circles are impossible: what was joined
    is closed, and takes nothing.
    """
    if source_id == target_id:
        raise BadInput("A case cannot be joined into itself.", field="into")
    session = occasion.session
    source, target = locked(session, source_id, target_id)
    for case in (source, target):
        check_directs(occasion.caller, case)
    refuse_joined(session, source)
    check_open_target(session, target)
    blown = open_whistles(session, source)
    if blown:
        raise StepRefused(
            f"Case {source.id} has an open whistle ({blown[0].id}) that bodies are responding to;"
            " join the other case into this one."
        )
    differences = check_differences(occasion.city, source, target, accept_differences)
    act = occasion.on(source)
    sent = transfer_reports(act, target, None)
    judged: dict[str, Any] = {}
    if source.state == "open":
        judged = close_early(act, target.id)
    if target.part_code is None and source.district_code == target.district_code:
        target.part_code = source.part_code
    source.joined_into_district, source.joined_into = target.district_code, target.id
    told = {
        "reason": reason,
        "accept_differences": differences,
        "reports": [report.receipt for report in sent],
    }
    record_transfer(act, "joined_into", target, told | judged, bodies=bodies_in(source))
    record_transfer(occasion.on(target), "case_joined", source, told)
    session.flush()
    return target


def follow_verdict(act: Act, event: VerdictMerges) -> None:
    """A check found that a case is one with another. Raises what :func:`join_cases` raises."""
    try:
        into = uuid.UUID(event.into)
    except ValueError:
        raise BadInput("'into' is not the id of a case.", field="evidence.into") from None
    join_cases(act, act.case.id, into, reason=event.reason, accept_differences=())


def close_early(act: Act, into: uuid.UUID | None) -> dict[str, Any]:
    """Close a case that goes on in another one, or that nobody needs any more.

    Its deadline goes; but one that has passed stays, so that nobody joins a late case away. Gives
    what the assessment must know of it.
    """
    act.resume(early=True)
    case, due_at = act.case, act.case.due_at
    act.keep(replace(act.progress, closed=True))
    act.emit(CaseClosed(act.now, into))
    if due_at is None or act.now < due_at:
        case.due_at = None
        return {}
    closes = {"lead": case.lead_body, "due_at": due_at.isoformat()}
    return {"judged": {"closes": closes}}
