"""The queries that read stored places in the order of their keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

__all__ = ["PlacedThings", "grid_points", "part_points", "read_places"]

# A line's or an area's place is a point on it, as where parts are registered.
_PARTS = text(
    "select district_code, code, st_x(place), st_y(place) from ("
    " select district_code, code, case when geometrytype(geometry) = 'POINT' then geometry"
    " else st_pointonsurface(geometry) end as place from part"
    " where (district_code, code) > (:district, :id)"
    " order by district_code, code limit :limit) p order by 1, 2"
)
_GRIDS = text(
    "select district_code, code, st_x(place), st_y(place) from ("
    " select district_code, code, st_pointonsurface(geometry) as place from unit_grid"
    " where state = 'valid' and (district_code, code) > (:district, :id)"
    " order by district_code, code limit :limit) g order by 1, 2"
)


@dataclass(frozen=True, slots=True)
class PlacedThings:
    """Stored places in the order of district and id: their WGS84 points, n each."""

    districts: tuple[str, ...]
    ids: tuple[str, ...]
    lon: npt.NDArray[np.float64]
    lat: npt.NDArray[np.float64]


def part_points(session: Session, after: tuple[str, str], limit: int) -> PlacedThings:
    """Parts behind a pair of district and 8-digit code."""
    return read_places(session, _PARTS, after, limit)


def grid_points(session: Session, after: tuple[str, str], limit: int) -> PlacedThings:
    """Valid unit grids behind a pair of district and code, each with a point inside it."""
    return read_places(session, _GRIDS, after, limit)


def read_places(
    session: Session, statement: TextClause, after: tuple[str, str], limit: int
) -> PlacedThings:
    """The places of a query of district, id, lon, lat that takes :district, :id and :limit."""
    parameters = {"district": after[0], "id": after[1], "limit": limit}
    rows: Sequence[Any] = session.execute(statement, parameters).all()
    return PlacedThings(
        tuple(row[0] for row in rows),
        tuple(str(row[1]) for row in rows),
        np.array([row[2] for row in rows], dtype=np.float64),
        np.array([row[3] for row in rows], dtype=np.float64),
    )
