"""Places parts: their street, community and unit grid, exactly, and whether they are inside."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from gridsvc.codes import Level, level_of
from gridsvc.errors import BadCode, NotFound
from gridsvc.registry.areas.repository import geometries_in
from gridsvc.registry.editions.repository import named_areas
from gridsvc.registry.parts import repository
from gridsvc.registry.placement.repository import editions_on
from gridsvc.spatial.crs import Crs, to_wgs84

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Placed:
    """Codes by point (n each), '' where no such area covers it."""

    street_codes: NDArray[np.str_]
    community_codes: NDArray[np.str_]
    grid_codes: NDArray[np.str_]


#: Takes WGS84 longitudes and latitudes, n each.
Placer = Callable[[Floats, Floats], Placed]


@dataclass(frozen=True, slots=True)
class District:
    """A district whose register is written: its code, its name and its polygon (WGS84)."""

    code: str
    name: str
    shape: Any

    def holds(self, lon: Floats, lat: Floats) -> NDArray[np.bool_]:
        """Which points lie inside or on the border, by GEOS: bool, n."""
        return np.asarray(shapely.intersects_xy(self.shape, lon, lat), dtype=bool)


def district_of(session: Session, code: str, now: dt.datetime) -> District:
    """The district as the boundaries in force draw it.

    Raises BadCode when ``code`` is not a district's, NotFound when no edition in force has it.
    """
    if level_of(code) is not Level.DISTRICT:
        raise BadCode(f"{code!r} is not a district; give its 6 digits.", field="district")
    edition = _editions(session, now).get("district")
    found = {} if edition is None else named_areas(session, edition, codes=[code])
    if code not in found:
        raise NotFound(
            f"The boundaries in force have no district {code}; load them first with 'gridsvc"
            " import areas'.",
            field="district",
        )
    name, shape = found[code]
    shapely.prepare(shape)
    return District(code, name, shape)


def own_placer(session: Session, district: str, now: dt.datetime) -> Placer:
    """A placer by the streets and communities in force and the valid grids of a district.

    It asks GEOS itself: for one pass over a district's parts a tree is ready in milliseconds,
    where the locator's index, made for millions of questions, takes a second or two to build.
    """
    editions = _editions(session, now)
    found: list[tuple[Iterable[str], Any]] = [
        geometries_in(session, editions[level], [district]) if level in editions else ([], [])
        for level in ("street", "community")
    ]
    grids = repository.grids_in(session, district)
    found.append((grids.codes, grids.geometries))
    levels = [
        (shapely.STRtree(shapes), np.array([*codes, ""], dtype="U12")) for codes, shapes in found
    ]

    def place(lon: Floats, lat: Floats) -> Placed:
        points = shapely.points(lon, lat)
        return Placed(*(codes[_first_touched(tree, points)] for tree, codes in levels))

    return place


def explain_outside(district: District, x: Floats, y: Floats, declared: Crs) -> NDArray[np.object_]:
    """The reason for each point outside (its declared coordinates, n each): object, n.

    The reading that would put most of the points inside is named to those it would.
    """
    readings: dict[str, NDArray[np.bool_]] = {}
    if declared.in_degrees:
        for name in ("wgs84", "gcj02", "bd09"):
            if name != declared.name:
                readings[f"read as {name}"] = district.holds(*to_wgs84(x, y, name))
    with np.errstate(invalid="ignore"):
        swapped = to_wgs84(y, x, declared)
    readings["with lon and lat swapped" if declared.in_degrees else "with the axes swapped"] = (
        district.holds(*swapped)
    )
    best = max(readings, key=lambda name: int(readings[name].sum()))
    plain = f"outside district {district.code} {district.name} when read as {declared.name}"
    hint = f"{plain}; {best} it would lie inside: declare the CRS that the file is in"
    return np.where(readings[best], hint, plain).astype(object)


def _first_touched(tree: shapely.STRtree, points: NDArray[np.object_]) -> NDArray[np.int64]:
    """The smallest index in the tree of what each point touches (n), -1 for nothing."""
    point, polygon = tree.query(points, predicate="intersects")
    first = np.full(len(points), len(tree), dtype=np.int64)
    np.minimum.at(first, point, polygon)
    return np.where(first == len(tree), -1, first)


def _editions(session: Session, now: dt.datetime) -> dict[str, str]:
    """The ids of the editions in force, by level."""
    return {edition.level: edition.id for edition in editions_on(session.connection(), now)}
