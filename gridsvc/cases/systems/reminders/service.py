"""Limits that pass are events, and whoever has to know is reminded before and after them."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.cases.core.act import SERVICE, Act, Occasion
from gridsvc.cases.core.engine import open_steps, parties
from gridsvc.cases.core.events import LimitPassed, WhichLimit
from gridsvc.cases.core.repository import lock_case
from gridsvc.cases.core.rights import body_of
from gridsvc.cases.systems.reminders import repository
from gridsvc.cases.systems.reminders.models import LimitNotice
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
    for which in WhichLimit:
        for id in _due(occasion, which, _PASSED, now):
            sent += _notice(occasion, id, which, _PASSED, now, None)
    for rule in city.table(REMINDERS):
        by = now - dt.timedelta(hours=rule.hours)
        for id in _due(occasion, rule.limit, rule.name, by):
            sent += _notice(occasion, id, rule.limit, rule.name, by, rule)
    return sent


def _due(occasion: Occasion, which: WhichLimit, notice: str, by: dt.datetime) -> list[uuid.UUID]:
    return repository.unnoticed(
        occasion.session, which, notice, by=by, now=occasion.now, most=_BATCH
    )


def _notice(
    occasion: Occasion,
    id: uuid.UUID,
    which: WhichLimit,
    notice: str,
    by: dt.datetime,
    rule: Reminder | None,
) -> bool:
    act = occasion.on(lock_case(occasion.session, id))
    case = act.case
    act.resume()
    limit_at = case.limit_at if which is WhichLimit.STEP else case.overall_at
    key = (case.district_code, case.id, which.value, limit_at, notice)
    # Somebody may have acted, or noticed it, while this waited for the case.
    if limit_at is None or limit_at > by or case.state != "open":
        return False
    if occasion.session.get(LimitNotice, key) is not None:
        return False
    occasion.session.add(
        LimitNotice(
            district_code=case.district_code,
            case_id=case.id,
            which=which.value,
            limit_at=limit_at,
            notice=notice,
            noticed_at=act.now,
        )
    )
    if rule is None:
        event = LimitPassed(which, limit_at, _holders(act))
        content = {"limit": which.value, "limit_at": limit_at.isoformat()}
        act.record("limit_passed", content | {"holders": list(event.holders)}, actor=SERVICE)
        act.emit(event)
    else:
        _remind(act, rule, limit_at)
    return True


def _remind(act: Act, rule: Reminder, limit_at: dt.datetime) -> None:
    """Tell the bodies that hold the step; supervision and the leader by the district's inbox."""
    holders = _holders(act)
    content = {
        "limit": rule.limit.value,
        "limit_at": limit_at.isoformat(),
        "hours": rule.hours,
        "to": rule.to,
        "step": act.case.step,
        "holders": list(holders),
    }
    bodies = [holder for holder in holders if body_of(holder) is not None]
    if rule.limit is WhichLimit.OVERALL:
        bodies = [act.case.lead_body]
    act.tell(bodies if rule.to == "body" else [act.case.district_code], "reminder", content)


def _holders(act: Act) -> tuple[str, ...]:
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
