"""A case is graded by hand, with a reason; its limits are those of the new grade."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import replace

from gridsvc.cases.core.act import Act, Occasion, grade_of
from gridsvc.cases.core.engine import COMMAND, check_separation_of_duties
from gridsvc.cases.core.models import Case
from gridsvc.cases.core.progress import present_step
from gridsvc.cases.core.repository import lock_case
from gridsvc.cases.core.rights import acting_body
from gridsvc.cases.core.service import readable_case, refuse_joined
from gridsvc.cases.core.side_acts import check_in_time
from gridsvc.city.calendar import Limit
from gridsvc.city.course import Course
from gridsvc.errors import BadInput, NotAllowed, StepRefused


def grade_by_hand(occasion: Occasion, case_id: uuid.UUID, grade: str, reason: str) -> Case:
    """Give a case another grade: more urgent by its lead or command, less urgent by command alone.

    The step that is graded, and the case from its intake, have the limit of the new grade; one
    that would have passed already runs from now. Raises NotFound, NotAllowed, BadInput for a grade
    that the city does not have, StepRefused once a limit has passed or where none follows a grade.
    """
    readable_case(occasion.session, occasion.city, occasion.caller, case_id)
    act = occasion.on(lock_case(occasion.session, case_id))
    case, grades = act.case, act.city.procedures.grades
    by_command = act.caller.supervises(case.district_code)
    if by_command:
        check_separation_of_duties(act.progress, "grade", COMMAND, act.caller.subject)
    else:
        acting_body(act.session, act.caller, case.lead_body)
    refuse_joined(act.session, case)
    if grade not in grades:
        known = ", ".join(f"{one.name} ({one.title_zh})" for one in grades.values())
        raise BadInput(f"'grade' must be one of {known}.", field="grade")
    if case.state != "open" or not act.procedure.graded:
        raise StepRefused(f"No limit of this case follows a grade ('{act.procedure.name}').")
    if grade == case.grade:
        raise StepRefused(f"The case is already graded '{grade}'.")
    act.resume()
    check_in_time(act, "grade")
    before, after = grade_of(act.city, case), grades[grade].limit
    longer = before is None or _end(act, after) > _end(act, before)
    if longer and not by_command:
        raise NotAllowed(
            "A grade with a longer limit is given by command: a token of role district, city or"
            f" admin that covers {case.district_code}. Ask for an extension instead."
        )
    was = {"from": case.grade, "to": grade, "reason": reason}
    case.grade = grade
    if present_step(act.procedure, act.progress).graded:
        act.run(_regraded(act, case.limit_course, act.step_start, before, after))
    act.run_overall(_regraded(act, case.overall_course, case.opened_at, before, after))
    act.keep(act.progress)
    limits = {"limit_at": case.limit_at, "overall_limit_at": case.overall_at}
    content = was | {name: at and at.isoformat() for name, at in limits.items()}
    act.record("grade", content)
    act.tell([case.lead_body], "case_graded", content)
    return case


def _end(act: Act, limit: Limit) -> dt.datetime:
    return Course(act.now, (limit,)).ends(act.city.calendar)


def _regraded(
    act: Act,
    kept: dict[str, object] | None,
    since: dt.datetime,
    before: Limit | None,
    after: Limit,
) -> Course:
    """The course of a limit with the new grade in place of the old, extensions with it."""
    course = Course(since, ()) if kept is None else Course.from_json(kept)
    spans = tuple(after if span == before else span for span in course.spans)
    regraded = replace(course, spans=spans if after in spans else (after,))
    in_time = regraded.ends(act.city.calendar) > act.now
    return regraded if in_time else Course(act.now, (after,))
