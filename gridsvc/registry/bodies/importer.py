"""Imports bodies and duty lists from CSV: all rows, or none and a list of the bad ones."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.db.base import uuid7
from gridsvc.errors import BadFile, BadInput
from gridsvc.registry.bodies import list_repository, repository
from gridsvc.registry.bodies.service import http_url
from gridsvc.tables import table

_KINDS = ("street", "department", "company", "city_unit", "community")
_BODY_COLUMNS = (["code", "name", "kind", "area_code"], ["webhook_url", "telephone", "source"])
_DUTY_COLUMNS = (
    ["body", "area", "kind", "class_prefix", "role", "clause", "valid_from"],
    ["valid_to", "standard"],
)
_MOST_BYTES = 200_000_000
#: Of an office, with an extension perhaps: 010-63261234转8.
_TELEPHONE = re.compile(r"[+(0-9][-0-9 ()*#+,转]{2,39}")


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that cannot be taken, by its line in the file, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    """How many rows there were, were new, were there already; and the bad ones."""

    rows: int
    loaded: int
    known: int
    refused: tuple[RefusedRow, ...]


def import_bodies(session: Session, path: Path) -> Imported:
    """Bodies: code, name, kind, area_code; may have webhook_url, telephone and source.

    A known code takes the new name, kind and area. A row of an area that no edition has is refused.
    Raises BadFile when the file is not such a CSV file.
    """

    def read(row: dict[str, str]) -> dict[str, object]:
        need(re.fullmatch(r"[0-9A-Za-z-]{1,18}", row["code"]), "code", row["code"])
        need(0 < len(row["name"]) <= 100, "name", row["name"])
        need(row["kind"] in _KINDS, "kind", row["kind"], f"one of {', '.join(_KINDS)}")
        need(re.fullmatch(r"[0-9]{2,12}", row["area_code"]), "area_code", row["area_code"])
        url, telephone = row["webhook_url"] or None, row["telephone"] or None
        need(telephone is None or _TELEPHONE.fullmatch(telephone), "telephone", str(telephone))
        return {
            **row,
            "telephone": telephone,
            "webhook_url": None if url is None else http_url(url),
            "source": row["source"] or path.name,
        }

    rows, faults = read_rows(path, _BODY_COLUMNS, read, ("code",))
    areas = list_repository.area_prefixes(session)
    astray = astray_rows(rows, lambda row: _no_area(str(row["area_code"]), areas))
    if faults or astray:
        return nothing(rows, faults, astray)
    known = repository.bodies_by_code(session, [str(row["code"]) for _, row in rows])
    list_repository.upsert_bodies(session, [row for _, row in rows])
    return Imported(len(rows), len(rows) - len(known), len(known), ())


def import_duties(session: Session, path: Path, *, standard: str) -> Imported:
    """Duty lines: body, area, kind, class_prefix, role, clause, valid_from.

    They may have valid_to, and standard, which is the one given here where a line names none.

    Days are the city's; ``valid_to`` is the first day on which the line no longer counts. A line
    that is there already is counted as known. One that would never match, for an area that no
    edition has or a class that no list has, is refused. Raises BadFile when the file is not such a
    CSV file.
    """
    keys = ("body_code", "area_code", "standard", "kind", "class_prefix", "role", "valid_from")
    rows, faults = read_rows(path, _DUTY_COLUMNS, partial(read_duty, standard=standard), keys)
    astray = astray_rows(rows, Registered(session).wrong)
    if faults or astray:
        return nothing(rows, faults, astray)
    there = list_repository.duty_keys(session)
    new = [row for _, row in rows if tuple(row[key] for key in keys) not in there]
    if new:
        repository.add_duties(session, new)
    return Imported(len(rows), len(new), len(rows) - len(new), ())


def read_duty(row: Mapping[str, str], *, standard: str) -> dict[str, Any]:
    """The columns of a new duty line from its cells. Raises BadInput for what it cannot say."""
    need(re.fullmatch(r"[0-9]{2,12}", row["area"]), "area", row["area"])
    need(row["kind"] in ("part", "event"), "kind", row["kind"], "part or event")
    need(re.fullmatch(r"[0-9]{0,5}", row["class_prefix"]), "class_prefix", row["class_prefix"])
    need(row["role"] in ("lead", "assist"), "role", row["role"], "lead or assist")
    since = read_day(row["valid_from"], "valid_from")
    until = read_day(row["valid_to"], "valid_to") if row["valid_to"] else None
    need(until is None or until > since, "valid_to", str(until), "after valid_from")
    return {
        "id": uuid7(),
        "body_code": row["body"],
        "area_code": row["area"],
        "standard": row["standard"] or standard,
        "kind": row["kind"],
        "class_prefix": row["class_prefix"],
        "role": row["role"],
        "clause": row["clause"],
        "valid_from": since,
        "valid_to": until,
    }


class Registered:
    """What duty lines may name: the bodies, areas and classes that are there."""

    def __init__(self, session: Session) -> None:
        self._bodies = list_repository.body_codes(session)
        self._areas = list_repository.area_prefixes(session)
        self._classes = list_repository.class_prefixes(session)

    def wrong(self, line: Mapping[str, object]) -> str | None:
        """Why a line would never match, None where it may."""
        if line["body_code"] not in self._bodies:
            return f"no body has the code '{line['body_code']}'; import the bodies first"
        area = _no_area(str(line["area_code"]), self._areas)
        listed = (line["standard"], line["kind"], line["class_prefix"])
        return area or (None if listed in self._classes else _no_class(*map(str, listed)))


ReadRows = list[tuple[int, dict[str, object]]]
Faults = tuple[RefusedRow, ...]


def astray_rows(rows: ReadRows, wrong: Callable[[dict[str, object]], str | None]) -> Faults:
    """The rows that are well formed and name what is not there."""
    found = ((line, wrong(row)) for line, row in rows)
    return tuple(RefusedRow(line, why) for line, why in found if why is not None)


def nothing(rows: ReadRows, faults: Faults, astray: Faults) -> Imported:
    """None of the rows is taken: the bad ones, by line."""
    both = sorted((*faults, *astray), key=lambda fault: fault.line)
    return Imported(len(rows) + len(faults), 0, 0, tuple(both))


def _no_area(code: str, known: Collection[str]) -> str | None:
    """Why no place would ever be in an area, None where some may be."""
    if code in known:
        return None
    short = code.rstrip("0")
    for digits in (2, 4):
        if len(short) <= digits and code[:digits] in known:
            whole = code[:digits]
            return f"no place is in the area '{code}'; write {whole} for all that begins so"
    return f"no district, street or community has the code '{code}'; import the areas first"


def _no_class(standard: str, kind: str, prefix: str) -> str:
    return (
        f"{standard} has no {kind} class that begins with '{prefix}'; correct it, or import the"
        " class list first"
    )


def read_rows(
    path: Path,
    columns: tuple[list[str], list[str]],
    read: Callable[[dict[str, str]], dict[str, object]],
    keys: tuple[str, ...],
) -> tuple[ReadRows, Faults]:
    """The rows of a CSV file by line, and the bad ones; no two may agree in all of ``keys``.

    ``columns`` are those that it must have and those that it may have. Raises BadFile.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise BadFile(f"{path.name} is larger than {_MOST_BYTES:,} bytes; split it.")
    rows: ReadRows = []
    faults: list[RefusedRow] = []
    seen: dict[tuple[object, ...], int] = {}
    for row in table(path, *columns, ragged=True):
        try:
            if row.fault is not None:
                raise BadInput(row.fault)
            kept = read(row)
        except BadInput as error:
            faults.append(RefusedRow(row.line, error.detail))
            continue
        first = seen.setdefault(tuple(kept[name] for name in keys), row.line)
        if first != row.line:
            faults.append(RefusedRow(row.line, f"line {first} says the same"))
            continue
        rows.append((row.line, kept))
    return rows, tuple(faults)


def need(holds: object, name: str, value: str, wanted: str = "of the right form") -> None:
    """Raise BadInput for a cell that does not hold."""
    if not holds:
        raise BadInput(f"{name} is {value[:60]!r}, which is not {wanted}")


def read_day(value: str, name: str) -> dt.date:
    """The day in a cell. Raises BadInput."""
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        raise BadInput(f"{name} is {value[:60]!r}; write a day as 2026-07-01") from None
