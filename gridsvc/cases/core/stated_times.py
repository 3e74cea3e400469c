"""Times that bodies state: supervision decides by the evidence whether they count."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from gridsvc.cases.core import repository
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.core.engine import SUPERVISION, check_separation_of_duties
from gridsvc.cases.core.events import StatedTimeDecided
from gridsvc.cases.core.models import Case
from gridsvc.errors import NotAllowed, NotFound, StepRefused


def decide(
    occasion: Occasion,
    case_id: uuid.UUID,
    n: int,
    *,
    accepted: bool,
    evidence: Mapping[str, Any],
    note: str,
) -> Case:
    """Supervision accepts a stated time, by its evidence, or rejects it; once.

    What was judged late by the arrival of the message is judged again by a time that is accepted;
    what was judged in time stays so. Raises NotFound, NotAllowed, StepRefused.
    """
    act = occasion.on(repository.lock_case(occasion.session, case_id))
    case, caller = act.case, act.caller
    if not caller.supervises(case.district_code):
        raise NotAllowed(f"Stated times are decided by the supervision of {case.district_code}.")
    check_separation_of_duties(act.progress, "decide", SUPERVISION, caller.subject)
    stated = next((one for one in repository.stated_times(act.session, case) if one.n == n), None)
    if stated is None:
        raise NotFound(f"Entry {n} of the trace states no time of its own.", field="n")
    if stated.decided_at is not None:
        raise StepRefused(f"The time was already decided at {stated.decided_at.isoformat()}.")
    if accepted and not evidence:
        raise StepRefused(
            "A stated time counts only with evidence; name it in 'evidence', such as a photo.",
            field="evidence",
            missing=["evidence"],
        )
    stated.accepted, stated.decided_at = accepted, act.now
    judged = act.emit(StatedTimeDecided(stated, accepted, evidence))
    content = {
        "n": n,
        "act": stated.act,
        "stated_at": stated.stated_at.isoformat(),
        "accepted": accepted,
        "evidence": dict(evidence),
        "note": note,
        **judged,
    }
    act.record("stated_time_decided", content, body=stated.body_code)
    act.tell([stated.body_code], "stated_time_decided", content)
    if not accepted:
        return case
    for one in repository.submissions(act.session, case):
        in_time = one.limit_at is None or stated.stated_at < one.limit_at
        if one.n == n and one.overdue and in_time:
            one.excused = "stated_time"
            act.record("excused", {"n": n, "ground": one.excused}, body=one.body_code)
    return case
