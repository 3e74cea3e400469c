"""Steps that bodies submit: judged at that moment whether they are overdue, scored later."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from gridsvc.cases.core import repository
from gridsvc.cases.core.act import Act, grade_of
from gridsvc.cases.core.models import Submission
from gridsvc.cases.core.progress import Progress, called_courses
from gridsvc.city.course import Course
from gridsvc.city.procedures.model import Actor, Return, Scored, Step


def submit(act: Act, step: Step | Return, body: str, before: Progress, *, n: int) -> None:
    """Keep that a body submitted a step, and whether its limit had passed by now.

    ``n`` is the number of the trace entry, ``before`` the progress in which the step was due.
    A limit has passed at its own moment: at 48 h a limit of 48 h is overdue.
    """
    since, limit_at = _clock(act, step.by, body, before)
    act.session.add(
        Submission(
            district_code=act.case.district_code,
            case_id=act.case.id,
            n=n,
            step=step.name,
            body_code=body,
            since=since,
            limit_at=limit_at,
            handed_in_at=act.now,
            overdue=_passed(limit_at, act.now),
            score=None,
            excused=None,
            course=_open_course(act, step.by, body, before) if _passed(limit_at, act.now) else None,
        )
    )


def judge_overall(
    act: Act, step: Step | Return, before: Progress, after: Progress
) -> dict[str, Any]:
    """Judge by now whether a case was answered within its overall limit; what is found.

    It is judged again when it was reworked: whoever sends it back takes the answer back.
    """
    case, procedure = act.case, act.procedure
    if isinstance(step, Return):
        if procedure.index(after.step) <= procedure.index(procedure.answering.name):
            case.answered_at = None
        return {}
    done = after.closed or after.step != before.step
    answers = step == procedure.answering or (after.closed and case.answered_at is None)
    if case.overall_at is None or not (answers and done):
        return {}
    case.answered_at, case.overall_overdue = act.now, _passed(case.overall_at, act.now)
    overall = {"limit_at": case.overall_at.isoformat(), "overdue": case.overall_overdue}
    return {"overall": overall}


def _open_course(act: Act, by: Actor, body: str, before: Progress) -> dict[str, Any] | None:
    """How the limit of a body ran, if it counts days that are not announced yet."""
    case = act.case
    course = None if case.limit_course is None else Course.from_json(case.limit_course)
    if by is Actor.EACH_CALLED:
        grade = grade_of(act.city, case)
        each = called_courses(act.procedure, before, opened_at=case.opened_at, grade=grade)
        course = each[before.called_bodies.index(body)]
    return course.to_json() if course and course.provisional(act.city.calendar) else None


def judged(
    act: Act,
    step: Step | Return,
    body: str | None,
    evidence: Mapping[str, Any],
    *,
    before: Progress,
    after: Progress,
) -> dict[str, Any]:
    """What a step decides for the assessment; the trace keeps it, so that it can be recomputed.

    A body's limit and whether it had passed; the scores of those who submitted; at the closing
    who leads the case, and its deadline.
    """
    found: dict[str, Any] = {}
    if body is not None:
        _, limit_at = _clock(act, step.by, body, before)
        found["limit_at"] = None if limit_at is None else limit_at.isoformat()
        found["overdue"] = _passed(limit_at, act.now)
    if isinstance(step, Step) and step.scores is not None:
        submitted = {one.body_code for one in repository.submissions(act.session, act.case)}
        scores = _scores(step.scores, evidence, before)
        found["scores"] = {one: score for one, score in scores.items() if one in submitted}
    if after.closed:
        due = act.case.due_at
        found["closes"] = {
            "lead": after.lead,
            "due_at": None if due is None else due.isoformat(),
            "street": act.case.street_code,
        }
    return found


def keep_scores(act: Act, step: Step, evidence: Mapping[str, Any], before: Progress) -> None:
    """Write the scores of a step to what each body submitted last."""
    if step.scores is None:
        return
    scores = _scores(step.scores, evidence, before)
    last = {one.body_code: one for one in repository.submissions(act.session, act.case)}
    for body, score in scores.items():
        if body in last:
            last[body].score = score


def _clock(
    act: Act, by: Actor, body: str, before: Progress
) -> tuple[dt.datetime, dt.datetime | None]:
    """Since when and until when a body has a step: its own clock, else that of the case."""
    if by is Actor.EACH_CALLED:
        own = next(each for each in before.called if each.body == body)
        return own.since, own.limit_at
    return act.step_start, act.case.limit_at


def _passed(limit_at: dt.datetime | None, now: dt.datetime) -> bool:
    return limit_at is not None and now >= limit_at


def _scores(scored: Scored, evidence: Mapping[str, Any], before: Progress) -> dict[str, Any]:
    if scored is Scored.LEAD:
        return {before.lead: evidence.get("score")}
    return dict(evidence["scores"])
