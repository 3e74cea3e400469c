"""Steps that bodies hand in: judged at that moment whether they are overdue, scored later."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.cases.core import repository
from gridsvc.cases.core.models import CaseFile, HandIn
from gridsvc.cases.core.progress import Progress
from gridsvc.cases.core.stepping import step_start
from gridsvc.city.procedures.model import Actor, Return, Scored, Step

__all__ = ["hand_in", "judged", "keep_scores"]


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
    since, limit_at = _clock(case, by, body, before)
    kept = HandIn(
        district_code=case.district_code,
        case_id=case.id,
        n=n,
        step=step,
        body_code=body,
        since=since,
        limit_at=limit_at,
        handed_in_at=now,
        overdue=_passed(limit_at, now),
        score=None,
    )
    session.add(kept)
    return kept


def judged(
    session: Session,
    case: CaseFile,
    step: Step | Return,
    body: str | None,
    evidence: Mapping[str, Any],
    *,
    before: Progress,
    after: Progress,
    now: dt.datetime,
) -> dict[str, Any]:
    """What a step decides for the assessment; the trace keeps it, so that it can be recomputed.

    A body's limit and whether it had passed; the scores of those who handed in; at the closing
    who leads the case, and its deadline.
    """
    found: dict[str, Any] = {}
    if body is not None:
        _, limit_at = _clock(case, step.by, body, before)
        found["limit_at"] = None if limit_at is None else limit_at.isoformat()
        found["overdue"] = _passed(limit_at, now)
    if isinstance(step, Step) and step.scores is not None:
        handed_in = {one.body_code for one in repository.hand_ins(session, case)}
        scores = _scores(step.scores, evidence, before)
        found["scores"] = {one: score for one, score in scores.items() if one in handed_in}
    if after.closed:
        due = case.due_at
        found["closes"] = {"lead": after.lead, "due_at": None if due is None else due.isoformat()}
    return found


def _clock(
    case: CaseFile, by: Actor, body: str, before: Progress
) -> tuple[dt.datetime, dt.datetime | None]:
    """Since when and until when a body has a step: its own clock, else that of the case."""
    if by is Actor.EACH_CALLED:
        own = next(each for each in before.called if each.body == body)
        return own.since, own.limit_at
    return step_start(case), case.limit_at


def _passed(limit_at: dt.datetime | None, now: dt.datetime) -> bool:
    return limit_at is not None and now >= limit_at


def _scores(scored: Scored, evidence: Mapping[str, Any], before: Progress) -> dict[str, Any]:
    if scored is Scored.LEAD:
        return {before.lead: evidence.get("score")}
    return dict(evidence["scores"])


def keep_scores(
    session: Session, case: CaseFile, step: Step, evidence: Mapping[str, Any], before: Progress
) -> None:
    """Write the scores of a step to what each body handed in last."""
    if step.scores is None:
        return
    scores = _scores(step.scores, evidence, before)
    last = {one.body_code: one for one in repository.hand_ins(session, case)}
    for body, score in scores.items():
        if body in last:
            last[body].score = score
