"""The date of a whistle is postponed by who fixed it; supervision presses (督办) who is late."""

from __future__ import annotations

import datetime as dt
import uuid

from gridsvc.cases.core.act import Occasion
from gridsvc.cases.core.engine import SUPERVISION
from gridsvc.cases.systems.whistles import repository
from gridsvc.cases.systems.whistles.hearing import limit_by_called
from gridsvc.cases.systems.whistles.kinds import Limits
from gridsvc.cases.systems.whistles.locking import keep_side, locked_whistle
from gridsvc.cases.systems.whistles.models import Whistle
from gridsvc.city.calendar import Clock, Limit
from gridsvc.errors import BadInput, NotAllowed, StepRefused

#: As an extension: at most twice, and before the date has passed (domain: GB/T 30428.8).
_POSTPONED = 2
_WITHIN = dt.timedelta(days=366)


def postpone(
    occasion: Occasion, whistle_id: uuid.UUID, *, by: str, time: dt.datetime, reason: str
) -> Whistle:
    """Put off when all shall meet, at most twice: by the caller, in a joint whistle by a side.

    Whoever has not reported in has as much longer for that and for its part. Raises StepRefused
    for anybody else, before there is a date and after it, BadInput for a time before it.
    """
    whistle, case = locked_whistle(occasion.session, whistle_id)
    act = occasion.on(case)
    sides = [side["code"] for side in whistle.facts.get("sides", [])]
    allowed = sides or [whistle.caller_body]
    if by not in allowed:
        raise StepRefused(f"The date is postponed by {' or '.join(allowed)}, not by {by}.")
    if whistle.state != "open":
        raise StepRefused(f"The whistle is {whistle.state}; nothing can be recorded in it.")
    if whistle.postponed >= _POSTPONED:
        raise StepRefused(f"The date was already postponed {_POSTPONED} times.")
    waiting = [
        one
        for one in repository.called_bodies(act.session, [whistle.id])
        if one.exit is None and one.reported_in_at is None
    ]
    limits = [one.report_in_by for one in waiting if one.report_in_by is not None]
    if not limits or act.now > min(limits):
        raise StepRefused("There is no date ahead; only one that has not passed is postponed.")
    letter = whistle.demand.get("plan") if whistle.joint else whistle.demand
    said = (letter or {}).get("time")
    before = whistle.blown_at if said is None else dt.datetime.fromisoformat(str(said))
    if time.tzinfo is None or not max(before, act.now) < time < act.now + _WITHIN:
        raise BadInput(
            f"'time' must be an RFC 3339 time with an offset, behind {before.isoformat()} and"
            " within a year of today.",
            field="time",
        )
    keep_side(act, "postpone", by)
    longer, moment = time - before, time.astimezone(dt.UTC).isoformat()
    for one in waiting:
        one.report_in_by = None if one.report_in_by is None else one.report_in_by + longer
        one.done_by = None if one.done_by is None else one.done_by + longer
    if whistle.limit_courses is not None:
        span = Limit(longer / dt.timedelta(hours=1), Clock.CALENDAR)
        whistle.limit_courses = Limits.from_json(whistle.limit_courses).longer(span).to_json()
    moved = {**(letter or {}), "time": moment}
    whistle.demand = {**whistle.demand, "plan": moved} if whistle.joint else moved
    whistle.postponed += 1
    content = {"whistle_id": str(whistle.id), "by": by, "time": moment, "reason": reason}
    act.record("postponed", {**content, "was": before.isoformat(), "n": whistle.postponed})
    act.tell([one.body_code for one in waiting if one.body_code != by], "postponed", content)
    limit_by_called(act, act.procedure)
    return whistle


def press(occasion: Occasion, whistle_id: uuid.UUID, *, leader: str, note: str) -> Whistle:
    """Supervision reminds the bodies that are not done, in the name of a leader, and counts it.

    Raises NotAllowed for others, StepRefused when nobody is waited for.
    """
    whistle, case = locked_whistle(occasion.session, whistle_id)
    act = occasion.on(case)
    if not any(
        district is not None and act.caller.supervises(district)
        for district in (whistle.district_code, whistle.participant_district)
    ):
        raise NotAllowed(
            "Only supervision presses: a token of role district, city or admin that covers"
            f" {whistle.district_code}."
        )
    keep_side(act, "press", SUPERVISION)
    called = repository.called_bodies(act.session, [whistle.id])
    late = [one.body_code for one in called if one.exit is None and one.done_at is None]
    if whistle.state != "open" or not late:
        raise StepRefused("The whistle waits for nobody.")
    whistle.pressed += 1
    content = {
        "whistle_id": str(whistle.id),
        "leader": leader,
        "note": note,
        "n": whistle.pressed,
        "bodies": late,
    }
    act.record("pressed", content)
    act.tell(late, "pressed", content)
    return whistle
