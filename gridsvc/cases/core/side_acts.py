"""What may be done beside the steps: suspend (挂账), extend (延期), raise to another procedure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.cases.core.engine import act_at, begin, carried_over, check_hands, record_actor
from gridsvc.cases.core.messages.service import send, withdraw
from gridsvc.cases.core.models import CaseFile
from gridsvc.cases.core.opening import take_seats
from gridsvc.cases.core.progress import Progress
from gridsvc.cases.core.stepping import enter, grade_of, keep
from gridsvc.cases.core.summons import take_system_steps, tell_next
from gridsvc.cases.core.timing import limit_of
from gridsvc.cases.core.trace.service import append
from gridsvc.cases.systems.whistles.levels import raise_open
from gridsvc.cases.systems.whistles.step_whistles import limit_by_called
from gridsvc.city.current import current
from gridsvc.city.limits import Limit, deadline, elapsed
from gridsvc.city.procedures.model import Act, Procedure
from gridsvc.errors import BadInput, StepRefused
from gridsvc.settings import Settings

__all__ = ["act", "resume_if_due"]


def act(
    session: Session,
    settings: Settings,
    case: CaseFile,
    running: Procedure,
    name: str,
    evidence: Mapping[str, Any],
    *,
    party: str,
    body: str | None,
    actor: str,
    now: dt.datetime,
) -> None:
    """Suspend, extend or raise a locked case. Raises StepRefused, BadInput, NotAllowed."""
    progress = Progress.from_json(case.progress)
    rule = act_at(running, progress, name, party)
    check_hands(progress, name, party, actor)
    if not evidence.get("note"):
        raise StepRefused(f"'{name}' must carry note, its reason.", field="note", missing=["note"])
    progress = record_actor(progress, party, actor)
    content = dict(evidence)
    if name == "raise":
        resume_if_due(session, case, now=now, early=True)
        content |= _raise(session, case, running, progress, rule, now)
    else:
        _check_in_time(case, name, now)
        limit = _limit(case, running)
        if name == "suspend":
            content |= _suspend(case, limit, rule, evidence.get("until"), now)
        else:
            content |= _extend(case, limit, rule)
        keep(case, running, progress, at=now)
    append(
        session,
        case.district_code,
        case.id,
        action=name,
        actor=actor,
        content=content,
        at=now,
        now=now,
        body_code=body,
    )
    if name == "raise":
        _begin_raised(session, settings, case, now)
        return
    where = (session, case.district_code, case.id, [case.lead_body])
    send(*where, topic=f"case_{name}ed", content=content, now=now)
    if name == "suspend":
        until = case.suspended_until
        send(*where, topic="case_resumed", content=content, now=now, due_at=until)


def resume_if_due(
    session: Session, case: CaseFile, *, now: dt.datetime, early: bool = False
) -> None:
    """End a suspension whose day has come, at that day; with ``early`` one that still runs.

    The limit was set when it was suspended, and the body is told by a message that was written
    then: nothing has to run on the day itself.
    """
    until = case.suspended_until
    if until is None or (until > now and not early):
        return
    case.suspended_until = None
    if until > now:
        withdraw(session, case.district_code, case.id, topic="case_resumed", now=now)
    append(
        session,
        case.district_code,
        case.id,
        action="resume",
        actor="gridsvc",
        content={"suspended_until": until.isoformat(), "early": until > now},
        at=min(until, now),
        now=now,
    )


def _check_in_time(case: CaseFile, name: str, now: dt.datetime) -> None:
    if case.suspended_until is not None:
        until = case.suspended_until.astimezone(current().calendar.zone).isoformat()
        raise StepRefused(f"The case is suspended until {until}; '{name}' has to wait.")
    if case.limit_at is None or now >= case.limit_at:
        passed = "" if case.limit_at is None else f", which was {case.limit_at.isoformat()}"
        raise StepRefused(f"'{name}' is possible only before the limit has passed{passed}.")


def _limit(case: CaseFile, running: Procedure) -> Limit:
    step = running.step(case.step)
    limit = None if step is None else limit_of(step, grade_of(case))
    if limit is None:
        raise AssertionError(
            f"'{case.step}' has no limit and can be neither suspended nor extended"
        )
    return limit


def _suspend(
    case: CaseFile, limit: Limit, rule: Act, given: Any, now: dt.datetime
) -> dict[str, Any]:
    if case.suspensions:
        raise StepRefused("The case was suspended before; that is possible once.")
    until = _until(given)
    today = current().day(now)
    last = _year_later(today)
    last = min(last, today + dt.timedelta(days=rule.within_days))
    if not now < until or current().day(until) > last:
        raise BadInput(
            f"'until' is {given}; a case is suspended to a day after {today} and not after {last}.",
            field="evidence.until",
        )
    days = current().calendar
    if case.limit_at is None:
        raise AssertionError("a case without a limit is not suspended")
    left = elapsed(now, case.limit_at, limit.clock, days)
    case.suspended_until, case.suspensions = until, case.suspensions + 1
    case.limit_at = deadline(until, left, limit.clock, days)
    return {"until": until.isoformat(), "limit_at": case.limit_at.isoformat()}


def _extend(case: CaseFile, limit: Limit, rule: Act) -> dict[str, Any]:
    if case.extensions >= rule.times:
        raise StepRefused(f"The case was extended {case.extensions} times; that is all there is.")
    if case.limit_at is None:
        raise AssertionError("a case without a limit is not extended")
    span = dt.timedelta(hours=limit.hours)
    case.extensions += 1
    case.limit_at = deadline(case.limit_at, span, limit.clock, current().calendar)
    return {"limit_at": case.limit_at.isoformat(), "extensions": case.extensions}


def _until(given: Any) -> dt.datetime:
    """A day of the city (its beginning) or a moment. Raises BadInput."""
    text = str(given)
    try:
        if len(text) == 10:
            return dt.datetime.combine(
                dt.date.fromisoformat(text), dt.time(), tzinfo=current().calendar.zone
            )
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


def _raise(
    session: Session,
    case: CaseFile,
    running: Procedure,
    progress: Progress,
    rule: Act,
    now: dt.datetime,
) -> dict[str, Any]:
    """The case begins the procedure one level up, its history with it; its whistles go up too."""
    target = current().procedures.of(rule.to)
    raised = carried_over(begin(target, lead=progress.lead), progress)
    enter(case, target, take_seats(target, raised), since=now)
    whistles = raise_open(session, case, now=now)
    content = {"from": running.name, "to": target.name, "version": target.version}
    return content | ({"whistles": whistles} if whistles else {})


def _begin_raised(session: Session, settings: Settings, case: CaseFile, now: dt.datetime) -> None:
    target = current().procedures.of(case.procedure, case.procedure_version)
    progress = Progress.from_json(case.progress)
    after = take_system_steps(session, settings, case, target, progress, None, at=now, now=now)
    if after != progress:
        enter(case, target, after, since=now)
        limit_by_called(session, case, target)
    tell_next(session, case, target, after, but=(), now=now)
