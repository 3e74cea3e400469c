"""What may be done beside the steps: suspend (挂账), extend (延期), raise, say, go on without."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from gridsvc.cases.core.act import Act, grade_of
from gridsvc.cases.core.engine import (
    check_separation_of_duties,
    not_called,
    record_actor,
    side_act_at,
    with_word,
    without,
)
from gridsvc.cases.core.events import BodyLeaves, CaseRaised
from gridsvc.cases.core.opening import take_seats
from gridsvc.cases.core.progress import Progress, begin, carried_over, limit_of, overall_course
from gridsvc.cases.core.rights import body_of
from gridsvc.cases.core.summons import follow_service_steps, service_steps, tell_next
from gridsvc.city import City
from gridsvc.city.calendar import Limit, elapsed
from gridsvc.city.course import Course
from gridsvc.city.procedures.model import Procedure, SideAct
from gridsvc.errors import BadInput, StepRefused


def take_side_act(act: Act, name: str, party: str, evidence: Mapping[str, Any]) -> None:
    """Suspend, extend or raise a locked case, give a body's word, or pass one.

    Raises StepRefused, BadInput, NotAllowed.
    """
    rule = side_act_at(act.procedure, act.progress, name, party)
    check_separation_of_duties(act.progress, name, party, act.caller.subject)
    if not evidence.get("note"):
        raise StepRefused(
            f"'{name}' must carry a reason; send it in 'note'.", field="note", missing=["note"]
        )
    if name == "raise":
        _raise(act, rule, party, evidence)
        return
    progress = record_actor(act.progress, party, act.caller.subject)
    if name == "say":
        act.keep(with_word(progress, party))
        act.record(name, evidence, body=body_of(party))
        return
    if name == "absent":
        _pass_absent(act, progress, str(evidence.get("absent", "")), evidence)
        return
    if name == "not_ours":
        _let_go(act, progress, party, evidence)
        return
    check_in_time(act, name)
    if name == "suspend":
        content = {**evidence, **_suspend(act, rule, evidence.get("until"))}
    else:
        content = {**evidence, **_extend(act, rule)}
    act.keep(progress)
    act.record(name, content, body=body_of(party))
    act.tell(act.progress.sides, f"case_{name}ed", content)
    if name == "suspend":
        act.tell(act.progress.sides, "case_resumed", content, due_at=act.case.suspended_until)


def _pass_absent(act: Act, before: Progress, body: str, evidence: Mapping[str, Any]) -> None:
    """Go on without a called body whose own limit has passed. Raises StepRefused before that."""
    procedure, after = act.procedure, without(act.procedure, before, body)
    limit = next(one.limit_at for one in before.called if one.body == body)
    if limit is None or act.now < limit:
        until = "" if limit is None else f" until {limit.isoformat()}"
        raise StepRefused(f"{body} still has time{until}.", field="evidence.absent")
    _go_on(act, before, after)
    act.record("absent", evidence, body=body)
    act.tell([body], "absent", {"step": before.step, "score": 0})
    if after.step != before.step:
        tell_next(act, procedure, after, but=None)


def _let_go(act: Act, before: Progress, body: str, evidence: Mapping[str, Any]) -> None:
    """Go on without a called body that is not responsible by its clause; the lead is told."""
    procedure, after = act.procedure, not_called(act.procedure, before, body)
    clause = evidence.get("clause")
    if not isinstance(clause, str) or not clause.strip():
        raise StepRefused(
            "'not_ours' must carry a clause; send it in 'evidence'.",
            field="evidence.clause",
            missing=["clause"],
        )
    act.emit(BodyLeaves(body, clause))
    _go_on(act, before, after)
    act.record("not_ours", evidence, body=body)
    act.tell([act.case.lead_body], "not_ours", {"step": before.step, "body": body, **evidence})
    if after.step != before.step:
        tell_next(act, procedure, after, but=None)


def _go_on(act: Act, before: Progress, after: Progress) -> None:
    if after.step == before.step:
        act.keep(after)
    else:
        act.enter(act.procedure, after)


def check_in_time(act: Act, name: str) -> None:
    """Refuse an act while the case is suspended, and once its limit has passed."""
    case = act.case
    if case.suspended_until is not None:
        until = case.suspended_until.astimezone(act.city.calendar.zone).isoformat()
        raise StepRefused(f"The case is suspended until {until}; '{name}' has to wait.")
    if case.limit_at is None or act.now >= case.limit_at:
        passed = "" if case.limit_at is None else f", which was {case.limit_at.isoformat()}"
        raise StepRefused(f"'{name}' is possible only before the limit has passed{passed}.")


def _limit(act: Act) -> Limit:
    step = act.procedure.step(act.case.step)
    limit = None if step is None else limit_of(step, grade_of(act.city, act.case))
    if limit is None:
        raise AssertionError(
            f"'{act.case.step}' has no limit and can be neither suspended nor extended"
        )
    return limit


def _suspend(act: Act, rule: SideAct, given: Any) -> dict[str, Any]:
    case, calendar, limit = act.case, act.city.calendar, _limit(act)
    if case.suspensions:
        raise StepRefused("The case was already suspended once; it cannot be suspended again.")
    until = _until(act.city, given)
    today = act.city.day(act.now)
    last = min(_year_later(today), today + dt.timedelta(days=rule.within_days))
    if not act.now < until or act.city.day(until) > last:
        raise BadInput(
            f"'until' is {given}; a case is suspended to a day after {today} and not after {last}.",
            field="evidence.until",
        )
    if case.limit_at is None:
        raise AssertionError("a case without a limit is not suspended")
    left = elapsed(act.now, case.limit_at, limit.clock, calendar)
    case.suspended_until, case.suspensions = until, case.suspensions + 1
    act.run(Course(until, (Limit(left / dt.timedelta(hours=1), limit.clock),)))
    act.lengthen_overall(until - act.now)
    return {"until": until.isoformat(), "limit_at": case.limit_at.isoformat()}


def _extend(act: Act, rule: SideAct) -> dict[str, Any]:
    case, limit = act.case, _limit(act)
    limit_at = check_extension(act, rule)
    case.extensions += 1
    before = case.limit_course
    # A case of before migration 0030 has no course yet.
    course = Course(limit_at, ()) if before is None else Course.from_json(before)
    act.run(course.longer(limit))
    if case.overall_course is not None:
        act.run_overall(Course.from_json(case.overall_course).longer(limit))
    return {"limit_at": case.limit_at and case.limit_at.isoformat(), "extensions": case.extensions}


def check_extension(act: Act, rule: SideAct) -> dt.datetime:
    """The limit that can be extended now. Raises StepRefused after it, and after the last time."""
    check_in_time(act, "extend")
    case = act.case
    if case.extensions >= rule.times:
        raise StepRefused(
            f"The case was already extended {case.extensions} times; it cannot be extended again."
        )
    if case.limit_at is None:
        raise AssertionError("a case without a limit is not in time")
    return case.limit_at


def _until(city: City, given: Any) -> dt.datetime:
    """A day of the city (its beginning) or a moment. Raises BadInput."""
    text = str(given)
    try:
        if len(text) == 10:
            return city.calendar.begins(dt.date.fromisoformat(text))
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        moment = dt.datetime.min
    if moment.tzinfo is None or not 1900 < moment.year < 9000:
        raise BadInput(
            "'until' must be a day (2027-03-01) or an RFC 3339 time with an offset.",
            field="evidence.until",
        )
    return moment.astimezone(dt.UTC)


def _year_later(day: dt.date) -> dt.date:
    try:
        return day.replace(year=day.year + 1)
    except ValueError:
        return dt.date(day.year + 1, 3, 1)


def _raise(act: Act, rule: SideAct, party: str, evidence: Mapping[str, Any]) -> None:
    """The case begins the procedure one level up, its history with it; its whistles go up too."""
    act.resume(early=True)
    source, target = act.procedure, act.city.procedures.newest(rule.to)
    before = record_actor(act.progress, party, act.caller.subject)
    raised = take_seats(target, carried_over(begin(target, lead=before.lead), before))
    after, steps = service_steps(act, target, raised, None, at=act.now)
    if not source.graded:
        _let_both_run(act, target)
    act.enter(target, after)
    answers = act.emit(CaseRaised(source, target))
    content = {"from": source.name, "to": target.name, "version": target.version}
    act.record("raise", {**evidence, **content, **answers}, body=body_of(party))
    follow_service_steps(act, steps, at=act.now)
    tell_next(act, target, after, but=None)


def _let_both_run(act: Act, target: Procedure) -> None:
    """A whistle that goes up has the time of the level above too, from its intake on.

    A graded case keeps its overall limit: that is the citizen's.
    """
    case = act.case
    if case.overall_course is None or case.overall_at is None:
        return
    since = Course.from_json(case.overall_course).since
    longer = overall_course(target, since=since, grade=grade_of(act.city, case))
    if longer is not None and longer.ends(act.city.calendar) > case.overall_at:
        act.run_overall(longer)
