"""Imports lists of powers and of delegations from CSV: all rows, or none and the bad ones."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.registry.bodies.importer import (
    Faults,
    Imported,
    ReadRows,
    RefusedRow,
    astray_rows,
    need,
    nothing,
    read_day,
    read_rows,
)
from gridsvc.registry.bodies.list_repository import class_prefixes
from gridsvc.registry.bodies.repository import bodies_by_code
from gridsvc.registry.powers import repository
from gridsvc.registry.powers.model import PowerKind
from gridsvc.registry.powers.models import Power
from gridsvc.registry.powers.repository import DelegationKey

_POWER_COLUMNS = (
    ["code", "name", "kind", "basis", "body", "valid_from"],
    ["classes", "valid_to", "source"],
)
_DELEGATION_COLUMNS = (
    ["power", "street", "document", "valid_from"],
    ["conditions", "valid_to", "body", "source"],
)
#: What lists of powers call the kinds.
_KINDS = {
    "行政处罚": PowerKind.PENALTY,
    "行政许可": PowerKind.APPROVAL,
    "公共服务": PowerKind.SERVICE,
    **{kind.value: kind for kind in PowerKind},
}
_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,39}")
_CLASS = re.compile(r"(part|event):[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class ListImported(Imported):
    """How many lines each body or street has in the file, and what the file leaves out.

    ``powers`` is how many different powers it names. ``left_out`` are lines that are known of
    these bodies or streets and have no end: a new list ends them by a row with ``valid_to``.
    """

    powers: int
    by_holder: Mapping[str, int]
    left_out: tuple[str, ...]


def import_powers(session: Session, path: Path, *, standard: str) -> ListImported:
    """Powers: code, name, kind, basis, body, valid_from; may have classes, valid_to and source.

    Who is known by the holder's area and the code is written anew. ``classes`` are kinds and
    first digits of classes, as ``event:0601``, with blanks between them. Raises BadFile when the
    file is not such a CSV file.
    """
    repository.lock_lists(session)
    rows, faults = read_rows(path, _POWER_COLUMNS, _power, ("body_code", "code"))
    bodies = bodies_by_code(session, {str(row["body_code"]) for _, row in rows})
    listed = class_prefixes(session)

    def wrong(row: dict[str, object]) -> str | None:
        holder = bodies.get(str(row["body_code"]))
        if holder is None:
            return f"no body has the code '{row['body_code']}'; import the bodies first"
        row["area_code"] = holder.area_code
        if len(holder.area_code) not in (2, 4, 6):
            return f"{holder.name} is not a body of a district or the city; delegate to it instead"
        for one in _classes(row):
            kind, _, prefix = one.partition(":")
            if (standard, kind, prefix) not in listed:
                return f"{standard} has no {kind} class that begins with '{prefix}'"
        return None

    astray = astray_rows(rows, wrong)
    if not faults and not astray:
        astray = _twice(rows)
    if faults or astray:
        return _refused(nothing(rows, faults, astray))
    new = _filled(rows, path.name)
    keys = {(str(row["area_code"]), str(row["code"])) for row in new}
    known = keys & repository.listed_powers(session, {code for _, code in keys}).keys()
    repository.upsert_powers(session, new)
    return ListImported(
        rows=len(rows),
        loaded=len(rows) - len(known),
        known=len(known),
        refused=(),
        powers=len(keys),
        by_holder=dict(Counter(str(row["body_code"]) for row in new)),
        left_out=_powers_left_out(session, set(bodies), keys),
    )


def import_delegations(session: Session, path: Path) -> ListImported:
    """Delegations: power, street, document, valid_from; may have conditions, valid_to, body.

    ``body`` is the holder, where two lists have the code. A delegation that is known by power,
    street and first day takes the new end, conditions and document. Raises BadFile when the file
    is not such a CSV file.
    """
    repository.lock_lists(session)
    keys = ("power_code", "body_code", "street_code", "valid_from")
    rows, faults = read_rows(path, _DELEGATION_COLUMNS, _delegation, keys)
    streets = {str(row["street_code"]) for _, row in rows}
    offices = repository.offices_of(session, streets)
    lists: dict[str, list[Power]] = defaultdict(list)
    codes = {str(row["power_code"]) for _, row in rows}
    for power in repository.listed_powers(session, codes).values():
        lists[power.code].append(power)
    astray = astray_rows(rows, lambda row: _not_delegable(row, offices, lists))
    known = repository.delegations_to(session, streets)
    if not faults and not astray:
        astray = _overlaps(rows, known.keys(), {key: one.valid_to for key, one in known.items()})
    if faults or astray:
        return _refused(nothing(rows, faults, astray))
    new = _filled(rows, path.name)
    for row in new:
        del row["body_code"]
    entered = {_key(row) for row in new}
    left = [key for key, one in known.items() if one.valid_to is None and key not in entered]
    repository.upsert_delegations(session, new)
    renewed = len(entered & known.keys())
    return ListImported(
        rows=len(rows),
        loaded=len(rows) - renewed,
        known=renewed,
        refused=(),
        powers=len({(row["area_code"], row["power_code"]) for row in new}),
        by_holder=dict(Counter(str(row["street_code"]) for row in new)),
        left_out=tuple(sorted(f"{key[1]} {key[3]}" for key in left)),
    )


def _power(row: dict[str, str]) -> dict[str, object]:
    need(_CODE.fullmatch(row["code"]), "code", row["code"])
    need(0 < len(row["name"]) <= 500, "name", row["name"])
    need(row["kind"] in _KINDS, "kind", row["kind"], f"one of {', '.join(_KINDS)}")
    need(0 < len(row["basis"]) <= 5000, "basis", row["basis"])
    classes = row["classes"].split()
    need(all(map(_CLASS.fullmatch, classes)), "classes", row["classes"])
    return {
        "code": row["code"],
        "name": row["name"],
        "kind": _KINDS[row["kind"]].value,
        "basis": row["basis"],
        "body_code": row["body"],
        "classes": classes,
        "source": row["source"],
        **_period(row),
    }


def _delegation(row: dict[str, str]) -> dict[str, object]:
    need(_CODE.fullmatch(row["power"]), "power", row["power"])
    need(re.fullmatch(r"[0-9]{9}", row["street"]), "street", row["street"])
    need(0 < len(row["document"]) <= 5000, "document", row["document"])
    need(len(row["conditions"]) <= 5000, "conditions", row["conditions"])
    return {
        "district_code": row["street"][:6],
        "street_code": row["street"],
        "power_code": row["power"],
        "body_code": row["body"],
        "document": row["document"],
        "conditions": row["conditions"],
        "source": row["source"],
        **_period(row),
    }


def _period(row: Mapping[str, str]) -> dict[str, dt.date | None]:
    since = read_day(row["valid_from"], "valid_from")
    until = read_day(row["valid_to"], "valid_to") if row["valid_to"] else None
    need(until is None or until > since, "valid_to", str(until), "after valid_from")
    return {"valid_from": since, "valid_to": until}


def _classes(row: Mapping[str, object]) -> list[str]:
    classes = row["classes"]
    return classes if isinstance(classes, list) else []


def _twice(rows: ReadRows) -> Faults:
    """The rows with a code that a line before them has, for another body of the area."""
    seen: dict[tuple[object, object], int] = {}
    found = ((line, seen.setdefault((row["area_code"], row["code"]), line)) for line, row in rows)
    return tuple(
        RefusedRow(line, f"line {first} has the code for another body of the area")
        for line, first in found
        if line != first
    )


def _not_delegable(
    row: dict[str, object], offices: Collection[str], lists: Mapping[str, list[Power]]
) -> str | None:
    """Why a power cannot be delegated so, None where it can; enters the area of its list."""
    street, code, body = (str(row[name]) for name in ("street_code", "power_code", "body_code"))
    if street not in offices:
        return f"no office of the street {street} is registered; import the bodies first"
    fitting = [
        power
        for power in lists.get(code, [])
        if street.startswith(power.area_code) and body in ("", power.body_code)
    ]
    if not fitting:
        return f"no list for {street} has the power '{code}'; import the powers first"
    if len(fitting) > 1:
        return f"{len(fitting)} lists have the power '{code}'; name its holder in 'body'"
    power, since = fitting[0], row["valid_from"]
    if isinstance(since, dt.date):
        if since < power.valid_from:
            return f"the power '{code}' begins on {power.valid_from}, after the delegation"
        if power.valid_to is not None and since >= power.valid_to:
            return f"the power '{code}' ended on {power.valid_to}, before the delegation"
    row["area_code"] = power.area_code
    return None


def _key(row: Mapping[str, Any]) -> DelegationKey:
    names = ("district_code", "street_code", "area_code", "power_code")
    district, street, area, code = (str(row[name]) for name in names)
    return district, street, area, code, row["valid_from"]


def _overlaps(
    rows: ReadRows, known: Collection[DelegationKey], ends: Mapping[DelegationKey, dt.date | None]
) -> Faults:
    """The rows for days on which a line before them, or the register, delegates it too."""
    renewed = {_key(row) for _, row in rows}
    taken: dict[tuple[str, ...], list[tuple[dt.date, dt.date | None, str]]] = defaultdict(list)
    for key in known:
        if key not in renewed:
            where = f"the register from {key[4]} on"
            taken[key[:4]].append((key[4], ends[key], where))
    faults = []
    for line, row in rows:
        key, end = _key(row), row["valid_to"]
        until = end if isinstance(end, dt.date) else dt.date.max
        for since, other, where in taken[key[:4]]:
            if since < until and key[4] < (other or dt.date.max):
                faults.append(RefusedRow(line, f"{where} delegates it already"))
                break
        taken[key[:4]].append((key[4], None if until == dt.date.max else until, f"line {line}"))
    return tuple(faults)


def _filled(rows: ReadRows, source: str) -> list[dict[str, object]]:
    return [{**row, "source": row["source"] or source} for _, row in rows]


def _powers_left_out(
    session: Session, bodies: Collection[str], keys: Collection[tuple[str, str]]
) -> tuple[str, ...]:
    known = repository.endless_of(session, bodies)
    return tuple(
        sorted(f"{body} {code}" for (area, code), body in known.items() if (area, code) not in keys)
    )


def _refused(told: Imported) -> ListImported:
    return ListImported(
        **asdict(told) | {"refused": told.refused}, powers=0, by_holder={}, left_out=()
    )
