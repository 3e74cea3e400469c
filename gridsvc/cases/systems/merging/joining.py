"""Joins one case into another: its reports go over, its own trace stays, both say so."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.cases.core.models import CaseFile
from gridsvc.cases.core.progress import Progress
from gridsvc.cases.core.side_acts import resume_if_due
from gridsvc.cases.core.stepping import keep, running_of
from gridsvc.cases.intake.candidate_repository import send_reports
from gridsvc.cases.systems.joint.blowing import close
from gridsvc.cases.systems.merging.differences import Although, check_differences
from gridsvc.cases.systems.merging.recording import note
from gridsvc.cases.systems.merging.rights import (
    bodies_in,
    check_in_hand,
    check_open_target,
    locked,
    refuse_joined,
)
from gridsvc.cases.systems.whistles.repository import open_whistle_of, open_whistles_of
from gridsvc.errors import BadInput, StepRefused
from gridsvc.settings import Settings

__all__ = ["join_cases"]


def join_cases(
    session: Session,
    settings: Settings,
    caller: Caller,
    source_id: uuid.UUID,
    target_id: uuid.UUID,
    *,
    reason: str,
    although: Collection[Although],
    now: dt.datetime,
) -> CaseFile:
    """Join a case into another, which is given back; of two people at once one is told who won.

    All reports of the first go over. An open one closes as joined; one that was closed before
    keeps its own end. Raises NotFound, NotAllowed, BadInput for a case into itself, and
    StepRefused for a closed or joined target, a source that was joined already or whose whistle
    is open, and for differences that are not in ``although``. Circles are impossible: what was
    joined is closed, and takes nothing.
    """
    if source_id == target_id:
        raise BadInput("A case cannot be joined into itself.", field="into")
    source, target = locked(session, source_id, target_id)
    for case in (source, target):
        check_in_hand(caller, case)
    refuse_joined(session, source)
    check_open_target(session, target)
    blown = open_whistles_of(session, source.district_code, source.id)
    whistle = open_whistle_of(session, source.district_code, source.id)
    if blown:
        raise StepRefused(
            f"Case {source.id} has an open whistle ({blown[0].id}), to which bodies are coming;"
            " join the other case into this one."
        )
    differences = check_differences(settings, source, target, although)
    sent = send_reports(session, source, target, None)
    judged: dict[str, Any] = {}
    if source.state == "open":
        judged = _close(session, source, now)
        if whistle is not None:
            close(whistle, at=now)
    if target.part_code is None and source.district_code == target.district_code:
        target.part_code = source.part_code
    source.joined_into_district, source.joined_into = target.district_code, target.id
    told = {
        "reason": reason,
        "although": differences,
        "reports": [report.receipt for report in sent],
    }
    note(
        session, source, "joined_into", target, told | judged, caller, now, bodies=bodies_in(source)
    )
    note(session, target, "case_joined", source, told, caller, now)
    session.flush()
    return target


def _close(session: Session, source: CaseFile, now: dt.datetime) -> dict[str, Any]:
    """Close a case that goes on in another one; gives what the assessment must know of it.

    Its deadline goes, as the other case has one; but a deadline that has passed stays, so that
    nobody joins a late case away.
    """
    resume_if_due(session, source, now=now, early=True)
    due_at = source.due_at
    progress = replace(Progress.from_json(source.progress), closed=True)
    keep(source, running_of(source), progress, at=now)
    if due_at is None or now < due_at:
        source.due_at = None
        return {}
    closes = {"lead": source.lead_body, "due_at": due_at.isoformat()}
    return {"judged": {"closes": closes}}
