"""Imports reports of earlier years from a CSV, such as the order book of a hotline."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from gridsvc import tables
from gridsvc.cases.core.act import Occasion
from gridsvc.cases.intake import repository
from gridsvc.cases.intake.model import GivenPoint, NewReport
from gridsvc.cases.intake.service import check_report, file_report
from gridsvc.city import City
from gridsvc.errors import BadFile, BadInput, GridsvcError
from gridsvc.registry.bodies.importer import RefusedRow
from gridsvc.registry.classes.service import find_class
from gridsvc.registry.placement.store import Atlas

#: Rows of one transaction: each holds some ten locks until its end.
BATCH = 100
_MUST = ("reference", "received_at", "class", "lon", "lat")
_MAY = ("channel", "crs", "accuracy_m", "place_text", "description", "name", "phone")
_MOST_BYTES = 200_000_000
_LONGEST = {"reference": 100, "channel": 20, "place_text": 200, "description": 4_000}
#: The holder of the references, among those of idempotency keys.
_HOLDER = "import reports"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the file, by its line: its columns, ``reference`` naming it for good."""

    line: int
    columns: dict[str, str]

    @property
    def reference(self) -> str:
        """The number of the report in the other system."""
        return self.columns["reference"]

    @property
    def digest(self) -> str:
        """SHA-256 of what the row says."""
        said = json.dumps(self.columns, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(said.encode()).hexdigest()


def read_rows(path: Path) -> tuple[list[Row], list[RefusedRow]]:
    """The rows of a CSV in UTF-8, sorted by the time of the report, and those of a wrong form.

    Columns: reference, received_at, class, lon, lat; may have channel (12345 if left out), crs,
    accuracy_m, place_text, description, name and phone. Raises BadFile when it is not such a CSV
    file.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise BadFile(f"{path.name} is larger than {_MOST_BYTES:,} bytes; split it.")
    rows, faults = [], []
    seen: dict[str, int] = {}
    for given in tables.table(path, _MUST, _MAY, ragged=True):
        try:
            rows.append(_row(given, seen))
        except BadInput as error:
            faults.append(RefusedRow(given.line, error.detail))
    return sorted(rows, key=lambda row: _moment(row.columns["received_at"])), faults


def check_rows(
    occasion: Occasion, atlas: Atlas, rows: Sequence[Row]
) -> tuple[list[Row], list[RefusedRow]]:
    """The rows that are new, and those that cannot be filed; nothing is kept.

    A reference that was imported before is skipped if it says the same.
    """
    session = occasion.session
    known = repository.known_keys(session, _HOLDER, [row.reference for row in rows])
    new, faults = [], []
    for row in rows:
        before = known.get(row.reference)
        if before == row.digest:
            continue
        try:
            if before is not None:
                raise BadInput(
                    f"reference {row.reference} was already imported with different content"
                )
            report = _report(session, occasion.city, row)
            check_report(occasion, atlas, report)
        except GridsvcError as error:
            faults.append(RefusedRow(row.line, error.detail))
        else:
            new.append(row)
    return new, faults


def file_rows(occasion: Occasion, atlas: Atlas, rows: Sequence[Row], *, reporter_key: bytes) -> int:
    """File checked rows; returns how many. One that somebody else has just imported is skipped.

    A file that stops in the middle is imported again as a whole: its references are known.
    """
    filed, session = 0, occasion.session
    for row in rows:
        taken = repository.claim_key(session, _HOLDER, row.reference, row.digest, occasion.now)
        if taken is not None:
            continue
        _, filed_as = file_report(
            occasion, atlas, _report(session, occasion.city, row), reporter_key=reporter_key
        )
        answer = {name: filed_as[name] for name in ("receipt", "case_id")}
        repository.keep_answer(session, _HOLDER, row.reference, 201, answer)
        filed += 1
    return filed


def _row(given: tables.Row, seen: dict[str, int]) -> Row:
    """A row of the right form. Raises BadInput."""
    if given.fault is not None:
        raise BadInput(given.fault)
    row = Row(given.line, {name: value for name, value in given.items() if value})
    for name in _MUST:
        if name not in row.columns:
            raise BadInput(f"{name} is empty")
    for name, value in row.columns.items():
        if "\0" in value:
            raise BadInput(f"{name} contains the character U+0000, which text must not have")
        if len(value) > _LONGEST.get(name, 100):
            raise BadInput(f"{name} is longer than {_LONGEST.get(name, 100)} characters")
    if row.reference in seen:
        raise BadInput(f"line {seen[row.reference]} already has the reference {row.reference}")
    _moment(row.columns["received_at"])
    for name in ("lon", "lat", "accuracy_m"):
        if name in row.columns:
            _number(name, row.columns[name])
    seen[row.reference] = row.line
    return row


def _report(session: Session, city: City, row: Row) -> NewReport:
    given = row.columns
    accuracy = given.get("accuracy_m")
    contact: dict[str, Any] = {n: given[n] for n in ("name", "phone") if n in given}
    return NewReport(
        channel=given.get("channel", "12345"),
        key=find_class(session, given["class"], kind=None, standard=city.standard),
        description=given.get("description", ""),
        point=GivenPoint(
            _number("lon", given["lon"]),
            _number("lat", given["lat"]),
            given.get("crs", "wgs84"),
            None if accuracy is None else _number("accuracy_m", accuracy),
        ),
        part=None,
        footprint=None,
        reporter=contact or None,
        place_text=given.get("place_text"),
        received_at=_moment(given["received_at"]),
    )


def _moment(value: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(value)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadInput(
            f"received_at is {value[:40]!r}; write an RFC 3339 time with an offset, such as"
            " 2008-03-05T01:30:00Z"
        )
    return moment


def _number(name: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or (name == "accuracy_m" and not 0 <= number <= 100_000):
        raise BadInput(f"{name} is {value[:40]!r}, which is not a number of its kind")
    return number
