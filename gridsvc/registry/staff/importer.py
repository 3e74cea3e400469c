"""Imports a list of staff from CSV: all of its rows, or none and a list of the bad ones."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.orm import Session

from gridsvc.db.base import uuid7
from gridsvc.errors import BadInput
from gridsvc.registry.bodies.importer import Imported, RefusedRow, read_day
from gridsvc.registry.staff import repository
from gridsvc.registry.staff.model import Entered, Period, StaffRole
from gridsvc.registry.staff.models import StaffMember
from gridsvc.registry.staff.posted import lost_posting
from gridsvc.registry.staff.service import Settled, check_entered, settle, write
from gridsvc.tables import Row, table

_COLUMNS = ["code", "name", "office", "role", "valid_from"]
_OPTIONAL = ["places", "shifts", "telephone", "subject", "valid_to", "district"]


def import_staff(session: Session, path: Path, *, key: bytes) -> Imported:
    """Enter the people of a CSV; who is known by district, code and first day is written anew.

    ``places`` are codes with blanks between them. A row whose telephone is empty keeps the one
    that is known. Raises BadFile for a file that is not such a CSV file.
    """
    faults: list[RefusedRow] = []
    read: list[tuple[int, Entered]] = []
    for row in table(path, _COLUMNS, _OPTIONAL, ragged=True):
        try:
            if row.fault is not None:
                raise BadInput(row.fault)
            read.append((row.line, _entered(row)))
        except BadInput as error:
            faults.append(RefusedRow(row.line, error.detail))
    rows = len(read) + len(faults)
    settled: list[tuple[int, Settled]] = []
    for (line, _), found in zip(read, settle(session, [one for _, one in read]), strict=True):
        if isinstance(found, BadInput):
            faults.append(RefusedRow(line, found.detail))
        else:
            settled.append((line, found))
    known = _known(session, [entry for _, entry in settled])
    faults += _overlaps(settled, known)
    faults += _lost(session, settled, known)
    if faults:
        return Imported(rows, 0, 0, tuple(sorted(faults, key=lambda one: one.line)))
    for _, entry in settled:
        new = StaffMember(id=uuid7(), sealed=None)
        member = known.get((*entry.person, entry.period.first), new)
        member.source = path.name
        write(session, entry, member, key)
    renewed = sum((*entry.person, entry.period.first) in known for _, entry in settled)
    return Imported(rows, rows - renewed, renewed, ())


#: District, code and first day to the row of the register.
_Known = dict[tuple[str, str, dt.date], StaffMember]


def _known(session: Session, entries: Sequence[Settled]) -> _Known:
    """The rows of these people; nobody else changes them until the end of this transaction."""
    people: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        people[entry.district].add(entry.entered.code)
    found: _Known = {}
    for district in sorted(people):
        repository.lock_register(session, district)
        for code, members in repository.periods_of(session, district, people[district]).items():
            found |= {(district, code, one.valid_from): one for one in members}
    return found


def _overlaps(settled: Sequence[tuple[int, Settled]], known: _Known) -> list[RefusedRow]:
    """The rows for days on which a line before them, or the register, has the person too."""
    taken: dict[tuple[str, str], list[tuple[Period, str]]] = defaultdict(list)
    renewed = {(*entry.person, entry.period.first) for _, entry in settled}
    for (district, code, first), member in known.items():
        if (district, code, first) not in renewed:
            period = Period(first, member.valid_to)
            taken[district, code].append((period, f"the register from {first} on"))
    faults = []
    for line, entry in settled:
        before = taken[entry.person]
        where = next((where for period, where in before if period.meets(entry.period)), None)
        if where is not None:
            faults.append(RefusedRow(line, f"{entry.entered.code} is in {where} already"))
        before.append((entry.period, f"line {line}"))
    return faults


def _lost(
    session: Session, settled: Sequence[tuple[int, Settled]], known: _Known
) -> list[RefusedRow]:
    """The rows that would take somebody from the street to which they are posted."""
    people: dict[str, set[str]] = defaultdict(set)
    for district, code, _ in known:
        people[district].add(code)
    postings = {
        district: repository.postings_of(session, district, codes)
        for district, codes in people.items()
    }
    faults = []
    for line, entry in settled:
        one, member = entry.entered, known.get((*entry.person, entry.period.first))
        if member is not None:
            theirs = postings[entry.district][one.code]
            why = lost_posting(theirs, member, entry.period, one.office, one.role)
            faults += [] if why is None else [RefusedRow(line, why)]
    return faults


def _entered(row: Row) -> Entered:
    try:
        role = StaffRole(row["role"])
    except ValueError:
        raise BadInput(
            f"'role' is {row['role'][:40]!r}; write one of {', '.join(StaffRole)}.", field="role"
        ) from None
    return check_entered(
        Entered(
            code=row["code"],
            name=row["name"],
            office=row["office"],
            role=role,
            places=tuple(re.split(r"[\s,;]+", row["places"])) if row["places"] else (),
            shifts=row["shifts"],
            telephone=row["telephone"] or None,
            subject=row["subject"] or None,
            valid_from=read_day(row["valid_from"], "valid_from"),
            valid_to=read_day(row["valid_to"], "valid_to") if row["valid_to"] else None,
            district=row["district"] or None,
        )
    )
