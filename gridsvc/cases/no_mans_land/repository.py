"""The queries of the watch on no-man's-land."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

__all__ = ["CaseColumns", "cases_opened"]

_AT_ONCE = 50_000
_DAY_S = 86_400.0

_ROW = np.dtype(
    [
        ("lon", np.float64),
        ("lat", np.float64),
        ("case_class", np.int32),
        ("days", np.float64),
        ("closed", np.bool_),
        ("refused", np.bool_),
    ]
)


@dataclass(frozen=True, slots=True, eq=False)
class CaseColumns:
    """Cases as columns of shape (n,).

    ``lon``, ``lat``: WGS84 degrees, float64. ``case_class``: int32, 0 to ``classes`` - 1.
    ``days``: float64, from opening to closing, or to now. ``closed``: whether it is.
    ``refused``: whether a body refused it as not its own, or supervision returned it for rework.
    """

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    case_class: NDArray[np.int32]
    days: NDArray[np.float64]
    closed: NDArray[np.bool_]
    refused: NDArray[np.bool_]
    classes: int


def cases_opened(
    session: Session, *, since: dt.datetime, until: dt.datetime, now: dt.datetime
) -> CaseColumns:
    """Every case opened from ``since`` until before ``until``, and how it went up to ``now``.

    Refusals and returns are read from the trace, which nobody can change. Rows come in pieces, so
    that millions need no more memory than their columns.
    """
    rows = session.execute(
        text(
            "with back as (select distinct district_code, case_id from trace"
            " where written_at >= :since and action in ('refuse', 'rework'))"
            " select st_x(c.point), st_y(c.point), c.standard || '|' || c.kind || c.class_code,"
            " cast(extract(epoch from coalesce(c.closed_at, :now) - c.opened_at)"
            " as double precision), c.closed_at is not null, b.case_id is not null"
            " from case_file c left join back b"
            " on b.district_code = c.district_code and b.case_id = c.id"
            " where c.opened_at >= :since and c.opened_at < :until"
        ),
        {"since": since, "until": until, "now": now},
        execution_options={"stream_results": True, "max_row_buffer": _AT_ONCE},
    )
    numbers: dict[str, int] = {}
    pieces = [np.empty(0, dtype=_ROW)]
    for piece in rows.partitions(_AT_ONCE):
        pieces.append(
            np.array(
                [
                    (x, y, numbers.setdefault(key, len(numbers)), max(s, 0.0) / _DAY_S, over, back)
                    for x, y, key, s, over, back in piece
                ],
                dtype=_ROW,
            )
        )
    cases = np.concatenate(pieces)
    return CaseColumns(
        lon=cases["lon"].copy(),
        lat=cases["lat"].copy(),
        case_class=cases["case_class"].copy(),
        days=cases["days"].copy(),
        closed=cases["closed"].copy(),
        refused=cases["refused"].copy(),
        classes=len(numbers),
    )
