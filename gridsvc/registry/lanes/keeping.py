"""Who keeps a segment: a chief for some days, wardens beside, entered and ended by the street."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.errors import BadInput, Conflict, GridsvcError, NotAllowed, NotFound
from gridsvc.registry.access.audit import Done, note
from gridsvc.registry.bodies.importer import Imported, RefusedRow, read_day
from gridsvc.registry.lanes import repository
from gridsvc.registry.lanes.model import KeeperRole
from gridsvc.registry.lanes.models import LaneKeeper, LaneSegment
from gridsvc.registry.staff.model import Period, StaffRole
from gridsvc.registry.staff.repository import periods_of
from gridsvc.tables import table


@dataclass(frozen=True, slots=True)
class NewKeeper:
    """Somebody of the register who is to keep a segment."""

    staff: str
    role: KeeperRole
    valid_from: dt.date
    valid_to: dt.date | None


def known_segment(session: Session, district: str, code: str) -> LaneSegment:
    """A segment. Raises NotFound."""
    found = repository.segment(session, district, code)
    if found is None:
        raise NotFound(f"{district[:6]} has no lane segment '{code[:30]}'.")
    return found


def add_keeper(
    session: Session, caller: Caller, district: str, code: str, new: NewKeeper
) -> LaneKeeper:
    """Let somebody keep a segment. Raises NotFound, NotAllowed, BadInput, Conflict.

    A chief is in the register as one; a warden may be anybody of it. There is one chief on a day,
    and nobody keeps a segment twice on one.
    """
    segment = known_segment(session, district, code)
    _check_keeps(caller, segment)
    repository.lock_lanes(session, district)
    if new.valid_to is not None and new.valid_to <= new.valid_from:
        raise BadInput(
            f"'valid_to' is {new.valid_to}; it must come after {new.valid_from}.", field="valid_to"
        )
    _check_person(session, district, new)
    days = Period(new.valid_from, new.valid_to)
    for other in repository.keeper_rows(session, district, code):
        chiefs = new.role is KeeperRole.CHIEF and other.role == KeeperRole.CHIEF
        if other.valid_to == other.valid_from or not (chiefs or other.staff_code == new.staff):
            continue
        if days.meets(Period(other.valid_from, other.valid_to)):
            raise Conflict(
                f"{other.staff_code} keeps {code} as {other.role} from {other.valid_from} on; end"
                " that first."
            )
    keeper = LaneKeeper(
        district_code=district,
        segment_code=code,
        staff_code=new.staff,
        role=new.role.value,
        valid_from=new.valid_from,
        valid_to=new.valid_to,
    )
    session.add(keeper)
    session.flush()
    return keeper


def end_keeper(
    session: Session,
    caller: Caller,
    district: str,
    code: str,
    staff: str,
    *,
    on: dt.date,
    reason: str,
    now: dt.datetime,
) -> LaneKeeper:
    """From a day on somebody no longer keeps a segment; the reason is in the audit log.

    Raises NotFound, NotAllowed, Conflict where they do not keep it on that day.
    """
    segment = known_segment(session, district, code)
    _check_keeps(caller, segment)
    repository.lock_lanes(session, district)
    for row in repository.keeper_rows(session, district, code):
        if row.staff_code == staff and row.valid_from < on and (row.valid_to or dt.date.max) > on:
            row.valid_to = on
            session.flush()
            subject = f"{district} {code} {staff}"
            note(
                session,
                Done(now, caller.subject, caller.role.value, "end lane keeper", subject, reason),
            )
            return row
    raise Conflict(f"{staff[:20]} does not keep {code} before and on {on}.")


def import_keepers(session: Session, path: Path, *, caller: Caller, district: str) -> Imported:
    """Keepers of a CSV: segment, staff, role, valid_from, perhaps valid_to; all rows, or none.

    A row that is known as it is counts as known. Raises BadFile.
    """
    faults, rows, known = [], 0, 0
    columns = ["segment", "staff", "role", "valid_from"]
    with session.begin_nested() as kept:
        for row in table(path, columns, ["valid_to"], key=["segment", "staff", "valid_from"]):
            rows += 1
            try:
                new = _new(row)
                if _is_known(repository.keeper_rows(session, district, row["segment"]), new):
                    known += 1
                    continue
                add_keeper(session, caller, district, row["segment"], new)
            except GridsvcError as error:
                faults.append(RefusedRow(row.line, error.detail))
        if faults:
            kept.rollback()
    loaded = 0 if faults else rows - known
    return Imported(rows, loaded, 0 if faults else known, tuple(faults))


def _is_known(rows: Sequence[LaneKeeper], new: NewKeeper) -> bool:
    wanted = (new.staff, new.role.value, new.valid_from, new.valid_to)
    return any(wanted == (one.staff_code, one.role, one.valid_from, one.valid_to) for one in rows)


def _new(row: dict[str, str]) -> NewKeeper:
    try:
        role = KeeperRole(row["role"])
    except ValueError:
        raise BadInput(
            f"'role' is {row['role'][:40]!r}; write one of {', '.join(KeeperRole)}.", field="role"
        ) from None
    return NewKeeper(
        row["staff"],
        role,
        read_day(row["valid_from"], "valid_from"),
        read_day(row["valid_to"], "valid_to") if row["valid_to"] else None,
    )


def _check_keeps(caller: Caller, segment: LaneSegment) -> None:
    own = caller.role is Role.STREET and caller.area == segment.street_code
    if not (own or caller.supervises(segment.district_code)):
        raise NotAllowed(
            f"{segment.code} is kept by {segment.street_code}: that street says who its chief and"
            " wardens are, or its supervision."
        )


def _check_person(session: Session, district: str, new: NewKeeper) -> None:
    day = new.valid_from
    rows = periods_of(session, district, [new.staff]).get(new.staff, [])
    there = [one for one in rows if Period(one.valid_from, one.valid_to).meets(_only(day))]
    if not there:
        raise BadInput(
            f"The register of staff of {district} has nobody '{new.staff[:20]}' on {day}.",
            field="staff",
        )
    if new.role is KeeperRole.CHIEF and there[0].role != StaffRole.CHIEF.value:
        raise BadInput(
            f"{new.staff} is in the register as {there[0].role}; '{new.role}' needs"
            f" {StaffRole.CHIEF.value}.",
            field="staff",
        )


def _only(day: dt.date) -> Period:
    return Period(day, day + dt.timedelta(days=1))
