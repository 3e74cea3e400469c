"""The register of staff: entered, changed, ended; telephones are read with a reason."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from gridsvc.callers import Caller, Role
from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput, Conflict, NotAllowed, NotFound
from gridsvc.registry.access.audit import Done, note
from gridsvc.registry.access.keys import seal, unseal
from gridsvc.registry.bodies.repository import BodyRef, bodies_by_code
from gridsvc.registry.staff import repository
from gridsvc.registry.staff.model import Entered, Period, Place, StaffRole
from gridsvc.registry.staff.models import StaffMember
from gridsvc.registry.staff.posted import lost_posting
from gridsvc.registry.staff.shifts import Shifts

#: Before every row.
FIRST = ("", uuid.UUID(int=0))
_TELEPHONE = re.compile(r"[+(0-9][-0-9 ()*#+,转]{2,39}")
_BATCH = 500
_MOST_PLACES = 200


@dataclass(frozen=True, slots=True)
class Settled:
    """An entry whose office and places are known."""

    entered: Entered
    district: str
    places: tuple[Place, ...]

    @property
    def person(self) -> tuple[str, str]:
        """District and code."""
        return self.district, self.entered.code

    @property
    def period(self) -> Period:
        """The days of the entry."""
        return Period(self.entered.valid_from, self.entered.valid_to)


def settle(session: Session, entries: Sequence[Entered]) -> list[Settled | BadInput]:
    """Find the offices and places of entries, in a few questions; or why one cannot be kept."""
    offices = bodies_by_code(session, [one.office for one in entries])
    wanted: dict[str, set[str]] = defaultdict(set)
    for one in entries:
        office = offices.get(one.office)
        district = one.district or (None if office is None else office.district)
        if office is not None and district is not None:
            wanted[district] |= {_bare(place)[1] for place in one.places or (_own(office, one),)}
    known = {
        district: repository.known_places(session, district, codes)
        for district, codes in wanted.items()
    }
    settled: list[Settled | BadInput] = []
    for one in entries:
        try:
            settled.append(_settled(one, offices.get(one.office), known))
        except BadInput as fault:
            settled.append(fault)
    return settled


def write(session: Session, entry: Settled, member: StaffMember, key: bytes) -> StaffMember:
    """Write an entry into a row of the register; a telephone that it lacks stays as it was."""
    one = entry.entered
    member.district_code, member.code, member.name = entry.district, one.code, one.name
    member.body_code, member.role, member.shifts = one.office, one.role.value, one.shifts
    member.subject, member.valid_from, member.valid_to = one.subject, one.valid_from, one.valid_to
    if one.telephone is not None:
        member.sealed = seal(key, {"telephone": one.telephone})
    session.add(member)
    repository.replace_places(session, member, entry.places)
    return member


def add_member(
    session: Session, caller: Caller, entered: Entered, key: bytes, *, source: str
) -> StaffMember:
    """Enter somebody. Raises BadInput, NotAllowed, Conflict for a period that overlaps another."""
    (entry,) = settle(session, [entered])
    if isinstance(entry, BadInput):
        raise entry
    _check_keeps(caller, entry)
    repository.lock_register(session, entry.district)
    rows = repository.periods_of(session, entry.district, [entered.code]).get(entered.code, [])
    _check_apart(rows, entered)
    return write(session, entry, StaffMember(id=uuid7(), sealed=None, source=source), key)


def change_member(
    session: Session,
    caller: Caller,
    id: uuid.UUID,
    changed: Mapping[str, object],
    key: bytes,
) -> StaffMember:
    """Correct a row: what ``changed`` names of an entry. Raises as adding does, and NotFound."""
    member = _kept_by(session, caller, id)
    before = repository.places_of(session, [member])[member.id]
    entered = replace(
        Entered(
            code=member.code,
            name=member.name,
            office=member.body_code,
            role=StaffRole(member.role),
            places=tuple(f"{place.kind}:{place.code}" for place in before),
            shifts=member.shifts,
            telephone=None,
            subject=member.subject,
            valid_from=member.valid_from,
            valid_to=member.valid_to,
            district=member.district_code,
        ),
        **changed,  # type: ignore[arg-type] # fields of an entry, checked by the route
    )
    (entry,) = settle(session, [entered])
    if isinstance(entry, BadInput):
        raise entry
    _check_keeps(caller, entry)
    rows = repository.periods_of(session, member.district_code, [member.code])[member.code]
    _check_apart([row for row in rows if row.id != member.id], entered)
    _check_posted(session, member, entry.period, entered.office, entered.role)
    return write(session, entry, member, key)


def end_member(
    session: Session, caller: Caller, id: uuid.UUID, *, on: dt.date, reason: str, now: dt.datetime
) -> StaffMember:
    """Let somebody's last day be the one before ``on``; the reason is kept in the audit log.

    Raises NotFound, NotAllowed, BadInput, Conflict where they have left already, or are posted to
    a street that has not been asked.
    """
    member = _kept_by(session, caller, id)
    if member.valid_to is not None and member.valid_to <= on:
        raise Conflict(f"{member.code} has left: the last day was before {member.valid_to}.")
    if on <= member.valid_from:
        raise BadInput(f"'on' is {on}; it must come after {member.valid_from}.", field="on")
    role = StaffRole(member.role)
    _check_posted(session, member, Period(member.valid_from, on), member.body_code, role)
    member.valid_to = on
    _note(session, caller, "end staff", member, reason, now)
    return member


def visible_member(session: Session, caller: Caller, id: uuid.UUID) -> StaffMember:
    """A row, for whoever works in the same area. Raises NotFound, NotAllowed."""
    member = _known(session, id)
    areas = [place.area_code for place in repository.places_of(session, [member])[member.id]]
    if not (caller.covers(*areas) or any(caller.area.startswith(area) for area in areas)):
        raise NotAllowed(
            f"This is for those who work in the same area, {', '.join(areas[:5])}; the token is for"
            f" '{caller.area}'."
        )
    return member


def read_telephone(
    session: Session,
    caller: Caller,
    id: uuid.UUID,
    keys: Sequence[bytes],
    *,
    reason: str,
    now: dt.datetime,
) -> tuple[StaffMember, str]:
    """Somebody's telephone, to call them; that it was read is kept with its reason.

    Raises NotFound, NotAllowed.
    """
    member = visible_member(session, caller, id)
    if member.sealed is None:
        raise NotFound(f"{member.code} has no telephone in the register.")
    _note(session, caller, "read telephone", member, reason, now)
    return member, str(unseal(keys[0], member.sealed, *keys[1:])["telephone"])


def reseal(
    session: Session, after: tuple[str, uuid.UUID], keys: Sequence[bytes]
) -> tuple[int, tuple[str, uuid.UUID] | None]:
    """Seal the next telephones with the first of the keys; gives how many, and where to go on."""
    batch = repository.sealed_after(session, after, limit=_BATCH)
    for held in batch:
        if held.sealed is not None:
            held.sealed = seal(keys[0], unseal(keys[0], held.sealed, *keys[1:]))
    return len(batch), (batch[-1].district_code, batch[-1].id) if batch else None


def check_entered(one: Entered) -> Entered:
    """An entry whose single fields can be kept. Raises BadInput with the field."""
    for field, value, holds, wanted in (
        ("code", one.code, re.fullmatch("[0-9A-Za-z-]{1,20}", one.code), "1 to 20 letters, digits"),
        ("name", one.name, 0 < len(one.name) <= 100 and "\0" not in one.name, "1 to 100 letters"),
        ("district", one.district or "", _is_district(one.district), "6 digits"),
        (
            "telephone",
            one.telephone or "",
            one.telephone is None or _TELEPHONE.fullmatch(one.telephone),
            "a telephone number",
        ),
    ):
        if not holds:
            raise BadInput(f"'{field}' is {value[:60]!r}; write {wanted}.", field=field)
    if len(one.places) > _MOST_PLACES:
        raise BadInput(f"'places' has at most {_MOST_PLACES} codes.", field="places")
    if one.valid_to is not None and one.valid_to <= one.valid_from:
        raise BadInput(
            f"'valid_to' is {one.valid_to}; it must come after {one.valid_from}.", field="valid_to"
        )
    Shifts.read(one.shifts)
    return one


def _is_district(code: str | None) -> bool:
    return code is None or re.fullmatch("[0-9]{6}", code, re.ASCII) is not None


def _settled(
    one: Entered, office: BodyRef | None, known: Mapping[str, Mapping[str, list[Place]]]
) -> Settled:
    if office is None:
        raise BadInput(
            f"No body has the code '{one.office[:40]}'; import the bodies first.", field="office"
        )
    district = one.district or office.district
    if district is None:
        raise BadInput(
            f"{office.name} works in more than one district; say in 'district' in which.",
            field="district",
        )
    places = []
    for text in one.places or (_own(office, one),):
        kind, code = _bare(text)
        meant = [at for at in known[district].get(code, []) if kind in (None, at.kind)]
        if not meant:
            raise BadInput(
                f"'places': {text[:40]!r} is no area, unit grid or social grid of {district}.",
                field="places",
            )
        if len(meant) > 1:
            raise BadInput(
                f"'places': {text[:40]!r} is a unit grid and a social grid; write unit_grid:{code}"
                f" or social_grid:{code}.",
                field="places",
            )
        places.append(meant[0])
    return Settled(one, district, tuple(dict.fromkeys(places)))


def _own(office: BodyRef, one: Entered) -> str:
    """The area of an office; the district, where that is wider."""
    return office.area_code if office.district is not None else one.district or ""


def _bare(text: str) -> tuple[str | None, str]:
    """What kind of place a code is said to be, and the code."""
    kind, colon, code = text.partition(":")
    return (kind, code) if colon else (None, kind)


def _check_apart(rows: Sequence[StaffMember], one: Entered) -> None:
    period = Period(one.valid_from, one.valid_to)
    for row in rows:
        if period.meets(Period(row.valid_from, row.valid_to)):
            raise Conflict(
                f"{one.code} is in the register from {row.valid_from} on already; change that"
                " entry, or end it first."
            )


def _check_posted(
    session: Session, member: StaffMember, period: Period, office: str, role: StaffRole
) -> None:
    """Raise Conflict where this would take somebody from a street without asking it."""
    postings = repository.postings_of(session, member.district_code, [member.code])
    lost = lost_posting(postings[member.code], member, period, office, role)
    if lost is not None:
        raise Conflict(lost)


def _check_keeps(caller: Caller, entry: Settled) -> None:
    """Supervision keeps the staff of its districts, a street office those of its street."""
    own = caller.role is Role.STREET and all(
        place.area_code.startswith(caller.area) for place in entry.places
    )
    if not (own or caller.supervises(entry.district)):
        raise NotAllowed(
            f"A token of role {caller.role.value} for '{caller.area}' may not keep the staff of"
            f" {', '.join(place.code for place in entry.places[:5])}."
        )


def _kept_by(session: Session, caller: Caller, id: uuid.UUID) -> StaffMember:
    """A row for whoever may change it, until the end of this transaction."""
    member = _known(session, id)
    places = tuple(repository.places_of(session, [member])[member.id])
    entered = Entered(
        member.code, "", "", StaffRole(member.role), (), "", None, None, member.valid_from, None
    )
    _check_keeps(caller, Settled(entered, member.district_code, places))
    repository.lock_register(session, member.district_code)
    session.refresh(member)
    return member


def _known(session: Session, id: uuid.UUID) -> StaffMember:
    member = repository.member_by_id(session, id)
    if member is None:
        raise NotFound(f"The register of staff has no entry {id}.")
    return member


def _note(
    session: Session, caller: Caller, act: str, member: StaffMember, reason: str, now: dt.datetime
) -> None:
    """Have it entered in the audit log at the end of the transaction."""
    subject = f"{member.district_code} {member.code}"
    note(session, Done(now, caller.subject, caller.role.value, act, subject, reason))
