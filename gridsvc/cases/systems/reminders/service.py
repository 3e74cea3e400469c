"""Limits that pass are events, and whoever has to know is reminded before and after them."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import replace

from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.cases.core.act import SERVICE, Act, Occasion
from gridsvc.cases.core.engine import open_steps, parties
from gridsvc.cases.core.events import LimitPassed, WhichLimit
from gridsvc.cases.core.repository import lock_case
from gridsvc.cases.core.rights import body_of
from gridsvc.cases.systems.leader_notes import leader_of
from gridsvc.cases.systems.reminders import repository
from gridsvc.cases.systems.reminders.models import LimitNotice
from gridsvc.cases.systems.reminders.repository import Asked, Due
from gridsvc.cases.systems.reminders.rules import REMINDERS, Reminder
from gridsvc.cases.systems.whistles import called_bodies, open_whistles
from gridsvc.city import City
from gridsvc.city.procedures.model import Actor

_SELF = Caller(SERVICE, Role.ADMIN, "", None, uuid.UUID(int=0))
_PASSED = "passed"
#: So many cases are noticed at a time for each rule, so that no transaction grows long.
_BATCH = 200


def notice_limits(session: Session, city: City, *, now: dt.datetime) -> int:
    """Emit the limits that have passed, and remind by the rules of the city; each once.

    Gives the number of events and reminders. Two that run at once wait for each other's cases.
    """
    occasion, sent = Occasion(session, city, _SELF, now), 0
    steps = [
        (one.name, one.version, step.name)
        for one in city.procedures.procedures.values()
        for step in one.steps
        if step.by is Actor.EACH_CALLED
    ]
    for which in WhichLimit:
        sent += _notice_all(occasion, Asked(which, _PASSED, now, now, steps), None)
    for rule in city.table(REMINDERS):
        by = now - dt.timedelta(hours=rule.hours)
        sent += _notice_all(occasion, Asked(rule.limit, rule.name, by, now, steps), rule)
    return sent


def _notice_all(occasion: Occasion, asked: Asked, rule: Reminder | None) -> int:
    found = repository.unnoticed(occasion.session, asked, most=_BATCH)
    return sum(_notice(occasion, due, asked, rule) for due in found)


def _notice(occasion: Occasion, due: Due, asked: Asked, rule: Reminder | None) -> bool:
    act = occasion.on(lock_case(occasion.session, due.case_id))
    case = act.case
    act.resume()
    occasion.session.flush()
    # Somebody may have acted, or noticed it, while this waited for the case.
    again = replace(asked, case_id=case.id)
    if due not in repository.unnoticed(occasion.session, again, most=_BATCH):
        return False
    occasion.session.add(
        LimitNotice(
            district_code=case.district_code,
            case_id=case.id,
            which=asked.which.value,
            body_code=due.body,
            limit_at=due.limit_at,
            notice=asked.notice,
            noticed_at=act.now,
        )
    )
    holders = (due.body,) if due.body else holders_of(act)
    if rule is None:
        event = LimitPassed(asked.which, due.limit_at, holders)
        content = {"limit": asked.which.value, "limit_at": due.limit_at.isoformat()}
        act.record("limit_passed", content | {"holders": list(holders)}, actor=SERVICE)
        act.emit(event)
    else:
        _remind(act, rule, due.limit_at, holders)
    return True


def _remind(act: Act, rule: Reminder, limit_at: dt.datetime, holders: tuple[str, ...]) -> None:
    """Tell the bodies whose limit it is; supervision and the leader by the district's inboxes."""
    content = {
        "limit": rule.limit.value,
        "limit_at": limit_at.isoformat(),
        "hours": rule.hours,
        "to": rule.to,
        "step": act.case.step,
        "holders": list(holders),
    }
    match rule.to:
        case "leader":
            told = [leader_of(act.case.district_code)]
        case "supervisor":
            told = [act.case.district_code]
        case _ if rule.limit is WhichLimit.OVERALL:
            told = [act.case.lead_body]
        case _:
            told = [holder for holder in holders if body_of(holder) is not None]
    act.tell(told, "reminder", content)


def holders_of(act: Act) -> tuple[str, ...]:
    """Who has to take the present step, and has not.

    A called body that is done, or left, holds nothing; when none does, whoever may go on.
    """
    progress = act.progress
    blown = open_whistles(act.session, act.case)
    called = called_bodies(act.session, [whistle.id for whistle in blown])
    idle = {one.body_code for one in called if one.done_at is not None or one.exit is not None}
    for step in open_steps(act.procedure, progress):
        gone = idle if step.by is Actor.CALLED else progress.taken_by
        holders = tuple(party for party in parties(progress, step.by) if party not in gone)
        if holders:
            return holders
    return ()
