"""The queries that read stored places: in the order of their keys, or by the ground they lie on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

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


@dataclass(frozen=True, slots=True)
class TouchedGrids:
    """Valid cells and the number of the piece of ground that each may touch, by district and code.

    A cell comes once for each piece whose box meets its own.
    """

    districts: tuple[str, ...]
    codes: tuple[str, ...]
    piece: tuple[int, ...]
    geometries: npt.NDArray[np.object_]


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


def grids_touching(session: Session, pieces: Sequence[Any]) -> TouchedGrids:
    """The valid cells whose boxes meet those of pieces of ground (shapely, WGS84)."""
    boxes = shapely.bounds(np.asarray(pieces, dtype=object)).reshape(-1, 4)
    rows: Sequence[Any] = session.execute(
        text(
            "select g.district_code, g.code, p.n - 1, st_asbinary(g.geometry)"
            " from unnest(cast(:w as float8[]), cast(:s as float8[]), cast(:e as float8[]),"
            " cast(:n as float8[])) with ordinality as p (w, s, e, n_, n)"
            " join unit_grid g on g.geometry && st_makeenvelope(p.w, p.s, p.e, p.n_, 4326)"
            " where g.state = 'valid' order by 1, 2, 3"
        ),
        {name: boxes[:, i].tolist() for i, name in enumerate("wsen")},
    ).all()
    return TouchedGrids(
        tuple(row[0] for row in rows),
        tuple(row[1] for row in rows),
        tuple(row[2] for row in rows),
        np.asarray(shapely.from_wkb([bytes(row[3]) for row in rows]), dtype=object),
    )
