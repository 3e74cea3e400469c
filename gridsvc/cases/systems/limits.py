"""Limits are made again once the holidays of a year are announced."""

from __future__ import annotations

import datetime as dt
import uuid
from itertools import groupby

from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.cases.core import repository
from gridsvc.cases.core.act import SERVICE, Act, Occasion, grade_of
from gridsvc.cases.core.events import CalendarAnnounced
from gridsvc.cases.core.progress import present_step, timed
from gridsvc.cases.systems.whistles import cases_with_provisional
from gridsvc.city import City
from gridsvc.city.course import Course
from gridsvc.city.procedures.model import Actor

_SELF = Caller(SERVICE, Role.ADMIN, "", None, uuid.UUID(int=0))


def recompute(session: Session, city: City, *, now: dt.datetime) -> int:
    """Make the provisional limits of open cases again, by the calendar as it is now.

    What was judged late by a provisional limit, and is in time by the new one, does not count;
    what was in time stays so. Gives the number of cases with a limit that moved.
    """
    occasion = Occasion(session, city, _SELF, now)
    ids = {*repository.provisional_cases(session), *cases_with_provisional(session)}
    moved = sum(_time_again(occasion.on(repository.lock_case(session, id))) for id in sorted(ids))
    _excuse(occasion)
    return moved


def _time_again(act: Act) -> bool:
    case, progress, calendar = act.case, act.progress, act.city.calendar
    before = {"limit_at": case.limit_at, "overall_limit_at": case.overall_at}
    deadline_too = case.due_at == case.limit_at
    for course, run in ((case.limit_course, act.run), (case.overall_course, act.run_overall)):
        if course is not None:
            run(Course.from_json(course))
    if present_step(act.procedure, progress).by is Actor.EACH_CALLED:
        grade = grade_of(act.city, case)
        progress = timed(
            act.procedure, progress, opened_at=case.opened_at, grade=grade, calendar=calendar
        )
    act.keep(progress)
    act.emit(CalendarAnnounced())
    if deadline_too:
        case.due_at = case.limit_at
    after = {"limit_at": case.limit_at, "overall_limit_at": case.overall_at}
    if after == before:
        return False
    content = {name: moment and moment.isoformat() for name, moment in after.items()}
    act.record("limits_recomputed", content, actor=SERVICE)
    act.tell([case.lead_body], "limits_changed", content)
    return True


def _excuse(occasion: Occasion) -> None:
    """What was late by a provisional limit alone does not count as late."""
    calendar = occasion.city.calendar
    waiting = repository.provisional_submissions(occasion.session)
    for case_id, late in groupby(waiting, key=lambda one: one.case_id):
        act = None
        for one in late:
            limit_at = Course.from_json(one.course or {}).ends(calendar)
            if one.handed_in_at >= limit_at:
                continue
            act = act or occasion.on(repository.lock_case(occasion.session, case_id))
            one.excused = "calendar"
            content = {"n": one.n, "ground": one.excused, "limit_at": limit_at.isoformat()}
            act.record("excused", content, body=one.body_code, actor=SERVICE)
