"""A list of whom bodies would post: each row a proposal to its street, or none of them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from sqlalchemy.orm import Session

from gridsvc.callers import Caller
from gridsvc.city import City
from gridsvc.errors import BadInput, GridsvcError
from gridsvc.registry.bodies.importer import Imported, RefusedRow, read_day
from gridsvc.registry.postings.rules import PostingKind
from gridsvc.registry.postings.service import NewPosting, propose_posting
from gridsvc.spatial.crs import check_lon_lat
from gridsvc.tables import Row, table

_COLUMNS = ["street", "staff", "kind", "valid_from"]
_OPTIONAL = ["valid_to", "lon", "lat", "words"]


def import_postings(
    session: Session, path: Path, *, city: City, caller: Caller, now: dt.datetime
) -> Imported:
    """Propose the postings of a CSV; ``lon`` and ``lat`` are the station's, WGS84.

    No posting holds by this: each street is asked for its opinion. Raises BadFile for a file that
    is not such a CSV file.
    """
    faults, rows = [], 0
    with session.begin_nested() as kept:
        for row in table(path, _COLUMNS, _OPTIONAL, key=["street", "staff", "kind", "valid_from"]):
            rows += 1
            try:
                propose_posting(session, city, caller, _new(row), now=now)
            except GridsvcError as error:
                faults.append(RefusedRow(row.line, error.detail))
        if faults:
            kept.rollback()
    return Imported(rows, 0 if faults else rows, 0, tuple(faults))


def _new(row: Row) -> NewPosting:
    try:
        kind = PostingKind(row["kind"])
    except ValueError:
        raise BadInput(
            f"'kind' is {row['kind'][:40]!r}; write one of {', '.join(PostingKind)}.", field="kind"
        ) from None
    station = None
    if row["lon"] or row["lat"]:
        station = check_lon_lat(_number(row["lon"]), _number(row["lat"]))
    return NewPosting(
        street=row["street"],
        staff=row["staff"],
        kind=kind,
        valid_from=read_day(row["valid_from"], "valid_from"),
        valid_to=read_day(row["valid_to"], "valid_to") if row["valid_to"] else None,
        station=station,
        words=row["words"] or "from a list",
    )


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
