"""The queries of the scan for no-man's-land."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

_AT_ONCE = 50_000
_DAY_S = 86_400.0

_COLUMNS = {
    "lon": np.float64,
    "lat": np.float64,
    "case_class": np.int32,
    "days": np.float64,
    "closed": np.bool_,
    "refused": np.bool_,
}
_ROW = np.dtype(list(_COLUMNS.items()))


@dataclass(frozen=True, slots=True, eq=False)
class CaseColumns:
    """Cases as columns of shape (n,).

    ``lon``, ``lat``: WGS84 degrees, float64. ``case_class``: int32, 0 to ``classes`` - 1.
    ``days``: float64, from opening to closing, or to now. ``closed``: whether it is.
    ``refused``: whether it went back a step: a body refused it as not its own, or it was returned.
    """

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    case_class: NDArray[np.int32]
    days: NDArray[np.float64]
    closed: NDArray[np.bool_]
    refused: NDArray[np.bool_]
    classes: int


def cases_opened(
    session: Session,
    *,
    since: dt.datetime,
    until: dt.datetime,
    now: dt.datetime,
    returns: Sequence[tuple[str, int, str]],
) -> CaseColumns:
    """Every case opened from ``since`` until before ``until``, and how it went up to ``now``.

    ``returns``: procedure, version and name of each return. They are read from the trace, which
    nobody can change. Rows come in pieces, so that millions need no more memory than their columns.
    """
    names: dict[tuple[str, int], list[str]] = {}
    for of, version, name in returns:
        names.setdefault((of, version), []).append(name)
    went_back = _went_back(session, since, sorted({name for _, _, name in returns}))
    rows = session.execute(
        text(
            "select st_x(point), st_y(point), standard || '|' || kind || class_code,"
            " cast(extract(epoch from coalesce(closed_at, :now) - opened_at)"
            " as double precision), closed_at is not null, procedure, procedure_version,"
            " cast(id as text) from case_file where opened_at >= :since and opened_at < :until"
        ),
        {"since": since, "until": until, "now": now},
        execution_options={"stream_results": True, "max_row_buffer": _AT_ONCE},
    )

    def refused(of: str, version: int, case_id: str) -> bool:
        return any((case_id, name) in went_back for name in names.get((of, version), ()))

    numbers: dict[str, int] = {}
    pieces = [np.empty(0, dtype=_ROW)]
    for piece in rows.partitions(_AT_ONCE):
        pieces.append(
            np.array(
                [
                    (
                        x,
                        y,
                        numbers.setdefault(key, len(numbers)),
                        max(seconds, 0.0) / _DAY_S,
                        over,
                        refused(of, version, case_id),
                    )
                    for x, y, key, seconds, over, of, version, case_id in piece
                ],
                dtype=_ROW,
            )
        )
    cases = np.concatenate(pieces)
    return CaseColumns(**{name: cases[name].copy() for name in _COLUMNS}, classes=len(numbers))


def _went_back(session: Session, since: dt.datetime, names: Sequence[str]) -> set[tuple[str, str]]:
    """Each case's id with the name of a return that it took.

    Matched with the cases here: a join is planned badly as long as the tables have no statistics.
    """
    rows = session.execute(
        text(
            "select distinct cast(case_id as text), action from trace"
            " where written_at >= :since and action = any(:names)"
        ),
        {"since": since, "names": list(names)},
    )
    return {(case_id, action) for case_id, action in rows}
