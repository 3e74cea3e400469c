"""Steps that bodies hand in: judged at that moment whether they are overdue, scored later."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.cases.files import repository
from gridsvc.cases.files.models import CaseFile, HandIn
from gridsvc.cases.files.stepping import step_start
from gridsvc.cases.procedures.model import Actor, Scored, Step
from gridsvc.cases.procedures.progress import Progress

__all__ = ["hand_in", "keep_scores"]


def hand_in(
    session: Session,
    case: CaseFile,
    step: str,
    by: Actor,
    body: str,
    before: Progress,
    *,
    n: int,
    now: dt.datetime,
) -> HandIn:
    """Keep that a body handed a step in, and whether its limit had passed by then.

    ``n`` is the number of the trace entry, ``before`` the progress in which the step was due.
    A limit has passed at its own moment: at 48 h a limit of 48 h is overdue.
    """
    since, limit_at = step_start(case), case.limit_at
    if by is Actor.EACH_CALLED:
        own = next(each for each in before.called if each.body == body)
        since, limit_at = own.since, own.limit_at
    kept = HandIn(
        district_code=case.district_code,
        case_id=case.id,
        n=n,
        step=step,
        body_code=body,
        since=since,
        limit_at=limit_at,
        handed_in_at=now,
        overdue=limit_at is not None and now >= limit_at,
        score=None,
    )
    session.add(kept)
    return kept


def keep_scores(
    session: Session, case: CaseFile, step: Step, evidence: Mapping[str, Any], before: Progress
) -> None:
    """Write the scores of a step to what each body handed in last."""
    if step.scores is None:
        return
    lead = {before.lead: evidence.get("score")}
    scores = lead if step.scores is Scored.LEAD else evidence["scores"]
    last = {one.body_code: one for one in repository.hand_ins(session, case)}
    for body, score in scores.items():
        if body in last:
            last[body].score = score
