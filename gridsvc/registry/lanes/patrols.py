"""Patrols: a track is matched to segments, and what was walked of each is kept, not the track."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.city import City
from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput, Conflict, NotAllowed
from gridsvc.registry.lanes import repository
from gridsvc.registry.lanes.models import LanePatrol, LaneStretch
from gridsvc.registry.lanes.rules import LANE_RULES
from gridsvc.registry.staff.models import StaffMember
from gridsvc.registry.staff.repository import (
    lock_register,
    members_of_subject,
    periods_of,
    places_of,
)
from gridsvc.spatial.track import Fix, match_track

MOST_FIXES = 20_000
_LONGEST = dt.timedelta(hours=24)
_AHEAD = dt.timedelta(minutes=1)
#: A track of one patrol lies within so much (degrees).
_WIDEST_DEG = 0.5


def enter_patrol(
    session: Session,
    city: City,
    caller: Caller,
    fixes: Sequence[Fix],
    *,
    staff: tuple[str, str] | None,
    now: dt.datetime,
) -> tuple[LanePatrol, list[LaneStretch]]:
    """Enter the patrol of the caller, or of ``staff`` (district, code) for who leads them.

    Raises BadInput for a track that cannot be one, NotAllowed, Conflict where the same person
    walked elsewhere at the time.
    """
    fixes = sorted(fixes, key=lambda fix: fix.at)
    _check_track(fixes, now)
    start, end = fixes[0].at, fixes[-1].at
    day = city.day(start)
    member = _walker(session, caller, staff, day)
    lock_register(session, member.district_code)
    other = repository.patrol_at(session, member.district_code, member.code, start, end)
    if other is not None:
        raise Conflict(
            f"{member.code} has a patrol from {other.started_at.isoformat()} to"
            f" {other.ended_at.isoformat()} already."
        )
    box = (
        min(fix.lon for fix in fixes) - 0.001,
        min(fix.lat for fix in fixes) - 0.001,
        max(fix.lon for fix in fixes) + 0.001,
        max(fix.lat for fix in fixes) + 0.001,
    )
    lanes = repository.lines_around(session, box, day)
    walked = match_track(fixes, [line for _, line, _ in lanes], city.table(LANE_RULES).terms)
    patrol = LanePatrol(
        district_code=member.district_code,
        id=uuid7(),
        staff_code=member.code,
        started_at=start,
        ended_at=end,
        walked_m=walked.walked_m,
        entered_by=caller.subject[:100],
    )
    session.add(patrol)
    stretches = []
    for at, pieces in sorted(walked.stretches.items()):
        (district, code), _, length = lanes[at]
        for low, high in pieces:
            stretches.append(
                LaneStretch(
                    district_code=district,
                    segment_code=code,
                    patrol_id=patrol.id,
                    from_m=max(0.0, low),
                    to_m=min(high, length),
                    day=day,
                )
            )
    session.add_all(stretches)
    session.flush()
    return patrol, stretches


def _check_track(fixes: Sequence[Fix], now: dt.datetime) -> None:
    if not 2 <= len(fixes) <= MOST_FIXES:
        raise BadInput(f"'track' has 2 to {MOST_FIXES:,} places.", field="track")
    start, end = fixes[0].at, fixes[-1].at
    if end > now + _AHEAD:
        raise BadInput(
            f"'track' ends at {end.isoformat()}, which lies in the future.", field="track"
        )
    if not dt.timedelta(0) < end - start <= _LONGEST:
        raise BadInput("'track' lasts more than no time, and a day at most.", field="track")
    for values in ([fix.lon for fix in fixes], [fix.lat for fix in fixes]):
        if max(values) - min(values) > _WIDEST_DEG:
            raise BadInput("'track' is wider than a city.", field="track")


def _walker(
    session: Session, caller: Caller, staff: tuple[str, str] | None, day: dt.date
) -> StaffMember:
    if staff is None:
        found = members_of_subject(session, caller.subject, day)
        if not found:
            raise BadInput(
                "The register of staff does not know this token; say in 'staff' whose patrol it"
                " is.",
                field="staff",
            )
        return found[0]
    district, code = staff
    rows = periods_of(session, district, [code]).get(code, [])
    for row in rows:
        if row.valid_from <= day and (row.valid_to is None or row.valid_to > day):
            places = [place.area_code for place in places_of(session, [row])[row.id]]
            if row.subject != caller.subject and (
                caller.role is Role.GRID_WORKER or not caller.covers(*places)
            ):
                raise NotAllowed(
                    f"The patrol of {code} is entered by themselves, or by who leads them."
                )
            return row
    raise BadInput(
        f"The register of staff of {district[:6]} has nobody '{code[:20]}' on {day}.",
        field="staff",
    )
